"""Which handler answers which path of ARM. Paths are matched without case, as ARM does; any api-version is accepted."""

import re
from collections.abc import Awaitable, Callable

from local.azure.arm_answers import Answer, ArmCall
from local.azure.arm_artifacts import ArtifactSources
from local.azure.arm_disks import Disks
from local.azure.arm_images import CustomImages
from local.azure.arm_lab_vms import LabVms
from local.azure.arm_labs import Labs
from local.azure.arm_operations import Operations
from local.azure.arm_tenant import Tenant
from local.azure.arm_virtual_machines import VirtualMachines
from local.azure.artifact_installs import ArtifactInstalls

Handler = Callable[[ArmCall], Awaitable[Answer]]
Route = tuple[str, re.Pattern[str], Handler]

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers"
_LABS = f"{_GROUP}/Microsoft.DevTestLab/labs"
_LAB = f"{_LABS}/{{lab}}"
_SOURCE = f"{_LAB}/artifactsources/{{source}}"
_VM = f"{_GROUP}/Microsoft.Compute/virtualMachines/{{vm}}"
_DISK = f"{_GROUP}/Microsoft.Compute/disks/{{disk}}"


def arm_routes(
    tenant: Tenant,
    labs: Labs,
    lab_vms: LabVms,
    installs: ArtifactInstalls,
    sources: ArtifactSources,
    images: CustomImages,
    vms: VirtualMachines,
    disks: Disks,
    operations: Operations,
) -> list[Route]:
    """In order; the first whose method and path fit answers."""
    table: list[tuple[str, str, Handler]] = [
        ("GET", f"{_LAB}/customimages", images.list),
        ("GET", f"{_LAB}/customimages/{{image}}", images.get),
        ("PUT", f"{_LAB}/customimages/{{image}}", images.put),
        ("PATCH", f"{_LAB}/customimages/{{image}}", images.patch),
        ("DELETE", f"{_LAB}/customimages/{{image}}", images.delete),
        ("GET", f"{_LAB}/virtualmachines", lab_vms.list),
        ("GET", f"{_LAB}/virtualmachines/{{vm}}", lab_vms.get),
        ("POST", f"{_LAB}/virtualmachines/{{vm}}/start", lab_vms.start),
        ("POST", f"{_LAB}/virtualmachines/{{vm}}/stop", lab_vms.stop),
        ("POST", f"{_LAB}/virtualmachines/{{vm}}/applyArtifacts", installs.apply),
        ("GET", f"{_LAB}/artifactsources", sources.list),
        ("GET", _SOURCE, sources.get),
        ("GET", f"{_SOURCE}/artifacts", sources.list_artifacts),
        ("GET", f"{_SOURCE}/artifacts/{{artifact}}", sources.get_artifact),
        ("GET", _LAB, labs.get),
        ("GET", _LABS, labs.list_by_group),
        ("GET", f"{_SUBSCRIPTION}/providers/Microsoft.DevTestLab/labs", labs.list_by_subscription),
        ("GET", _VM, vms.get),
        ("GET", f"{_VM}/instanceView", vms.instance_view),
        ("POST", f"{_VM}/start", vms.start),
        ("POST", f"{_VM}/deallocate", vms.deallocate),
        ("POST", f"{_VM}/powerOff", vms.power_off),
        ("POST", f"{_VM}/generalize", vms.generalize),
        ("GET", _DISK, disks.get),
        ("POST", f"{_DISK}/beginGetAccess", disks.grant),
        ("POST", f"{_DISK}/endGetAccess", disks.revoke),
        ("GET", f"{_SUBSCRIPTION}/providers/{{provider}}/locations/{{location}}/operations/{{operation}}", operations.poll),
        ("GET", f"{_SUBSCRIPTION}/providers/{{provider}}/locations/{{location}}/DiskOperations/{{operation}}", operations.poll),
        ("GET", "/subscriptions", tenant.list_subscriptions),
        ("GET", _SUBSCRIPTION, tenant.get_subscription),
        ("GET", "/tenants", tenant.list_tenants),
    ]  # fmt: skip
    return [(method, _pattern(path), handler) for method, path, handler in table]


def is_operation_poll(path: str) -> bool:
    return re.search(r"/(disk)?operations/[^/]+$", path, re.IGNORECASE) is not None


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    text = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile(text + "/?", re.IGNORECASE)
