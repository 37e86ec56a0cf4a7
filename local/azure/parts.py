"""Everything of the simulated Azure but its servers' sockets, wired once."""

from dataclasses import dataclass

from local.azure.arm_artifacts import ArtifactSources
from local.azure.arm_disks import Disks
from local.azure.arm_images import CustomImages
from local.azure.arm_lab_vms import LabVms
from local.azure.arm_labs import Labs
from local.azure.arm_operations import Operations
from local.azure.arm_routes import arm_routes
from local.azure.arm_server import ArmServer
from local.azure.arm_tenant import Tenant
from local.azure.arm_virtual_machines import VirtualMachines
from local.azure.artifact_installs import ArtifactInstalls
from local.azure.authorization import Authorization
from local.azure.blob_store import BlobStore
from local.azure.contents import Contents
from local.azure.deletions import Deletions
from local.azure.disk_exports import DiskExports
from local.azure.faults import Faults
from local.azure.identity_server import IdentityServer
from local.azure.image_source_vms import ImageSourceVms
from local.azure.machine_power import MachinePower
from local.azure.operation_log import OperationLog
from local.azure.state import State
from local.azure.storage_access import StorageAccess
from local.azure.storage_copies import StorageCopies
from local.azure.storage_front import StorageFront
from local.azure.traffic import Traffic
from local.azure.world_events import WorldEvents
from local.azure.world_loading import BlobService, WorldLoader
from local.azure.world_snapshot import WorldSnapshot


@dataclass(frozen=True)
class Addresses:
    """Where clients reach ARM and storage: URLs with them stand in the world."""

    arm: str
    storage: str


class Parts:
    """`service` keeps the blobs, `blobs` is the simulator's own way to them."""

    def __init__(
        self,
        state: State,
        service: BlobService,
        blobs: BlobStore,
        log: OperationLog,
        addresses: Addresses,
        faults: Faults | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self.state, self.log = state, log
        self.faults, self.traffic = faults or Faults(), traffic or Traffic(None)
        contents = Contents(state, blobs)
        exports = DiskExports(state, blobs, contents)
        self.copies = StorageCopies(state, blobs, contents, exports)
        labs, operations = Labs(state), Operations(state)
        power = MachinePower(state, exports)
        lab_vms, installs = LabVms(state, operations, power, labs), ArtifactInstalls(state, operations, power)
        source_vms = ImageSourceVms(state, power)
        self.images = CustomImages(state, operations, labs, blobs, contents, source_vms)
        vms, disks = VirtualMachines(state, operations, power), Disks(state, operations, power, exports, self.copies)
        self.deletions = Deletions(state, blobs, operations, power, exports, self.copies, self.images)
        self.events = WorldEvents(state, power, self.deletions)
        self.loader = WorldLoader(
            state, service, blobs, contents, self.copies, self.images, installs, power, self.events
        )
        self.copies.storage = exports.storage = self.loader.storage = addresses.storage
        self.images.use_storage(addresses.storage)
        sources, tenant = ArtifactSources(state, labs), Tenant(state)
        routes = arm_routes(tenant, labs, lab_vms, installs, sources, self.images, vms, disks, operations)
        self.authorization = Authorization(state)
        self.arm = ArmServer(state, routes, self.authorization, self.faults, log, self.traffic)
        self.arm.base = addresses.arm
        access = StorageAccess(state, exports, self.authorization)
        self.front = StorageFront(state, blobs, self.copies, self.images, access, self.faults, log)
        self.identity = IdentityServer(self.faults, log)
        self.snapshot = WorldSnapshot(state, blobs, contents, self.copies, exports, power, installs)
