"""The VMs of the factory lab, with everything that decides whether and how one is captured."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.images import OsType
from shared.domain.outcomes import Outcome


@dataclass(frozen=True)
class Artifact:
    """The last artifact applied to a VM: its name in the artifact source, how it ended, when it was installed."""

    name: str
    status: str
    installed: datetime | None = None
    message: str = ""


@dataclass(frozen=True)
class OsDisk:
    """`ownership_updated` changes when the VM is started or deallocated (`azure-facts.md` section 3)."""

    id: str
    unique_id: str
    ownership_updated: datetime
    size_bytes: int | None = None


@dataclass(frozen=True)
class DiskTraits:
    """What of an OS disk decides whether it can be exported, and whether an image of it boots (`shared.domain.guards`)."""

    generation: str = "V1"
    security_type: str = ""
    state: str = ""
    network_access: str = "AllowAll"
    public_access: bool = True
    needs_token: bool = False
    encrypted: bool = False
    exported_by_other: bool = False

    @property
    def is_exported(self) -> bool:
        """Does the disk have an active SAS, whoever asked for it?"""
        return self.state in ("ActiveSAS", "ActiveSASFrozen")


@dataclass(frozen=True)
class GeneralizeStage:
    """Our own generalize stage of a VM, recorded in the journal before the first call that changes the VM.

    `artifact` is applied by it; without one DevTest Labs generalizes the VM while it makes a custom image of it. `after` is when
    the last artifact before ours was installed; `ended` is the disk's `ownership_updated` once the VM was generalized and
    deallocated. Both are Azure's own times.
    """

    factory: str
    run: str
    vm: str
    vm_id: str
    disk: str
    artifact: str = ""
    after: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class GoldenVm:
    """A VM of the factory lab, with what Compute says of it, or the `problem` with asking it. A tag that is absent is None."""

    name: str
    state: str
    image_path: str | None = None
    ignored: bool = False
    generalize_tag: str | None = None
    image_state_tag: str | None = None
    os_type: OsType = OsType.UNKNOWN
    notes: str = ""
    compute_id: str = ""
    vm_id: str = ""
    power_state: str = ""
    generalized: bool = False
    last_artifact: Artifact | None = None
    disk: OsDisk | None = None
    traits: DiskTraits = DiskTraits()
    data_disks: int = 0
    purchase_plan: str = ""
    stage: GeneralizeStage | None = None
    problem: Outcome | None = None

    @property
    def is_candidate(self) -> bool:
        """Is it worth asking Compute about it?"""
        return self.image_path is not None and not self.ignored and self.state in ("Succeeded", APPLYING)

    @property
    def is_specialized(self) -> bool:
        """Does its tag say that it is published as it is, without having been generalized?"""
        return (self.image_state_tag or "").lower() == "specialized"


APPLYING = "ApplyingArtifacts"
"""The lab VM's provisioning state while artifacts are applied to it."""
