"""Which golden VMs of the factory lab are saved, and why the others are not."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from shared.domain.images import LONGEST_DESCRIPTION, GoldenImage, OsState, OsType
from shared.domain.matching import canonical_path, path_key
from shared.domain.naming import first_free, image_name
from shared.domain.outcomes import Ending, Outcome
from shared.errors import ConfigurationError

GENERALIZE_ARTIFACTS = ("windows-sysprep", "linux-deprovision")
"""The artifacts of DevTest Labs' public repository that generalize a VM (`azure-facts.md` section 6)."""

SHUTDOWN_WITHIN = timedelta(minutes=60)
"""A VM deallocated later than this after its generalize artifact may have been started in between."""


@dataclass(frozen=True)
class Artifact:
    """The last artifact applied to a VM: its name in the artifact source, how it ended, when it was installed."""

    name: str
    status: str
    installed: datetime | None = None


@dataclass(frozen=True)
class OsDisk:
    """`ownership_updated` changes when the VM is started or deallocated (`azure-facts.md` section 3)."""

    id: str
    unique_id: str
    ownership_updated: datetime
    size_bytes: int | None = None


@dataclass(frozen=True)
class GoldenVm:
    """A VM of the factory lab, with what Compute says of it. `image_path` is None when the tag is absent."""

    name: str
    state: str
    image_path: str | None = None
    ignored: bool = False
    os_type: OsType = OsType.UNKNOWN
    notes: str = ""
    compute_id: str = ""
    vm_id: str = ""
    power_state: str = ""
    generalized: bool = False
    last_artifact: Artifact | None = None
    disk: OsDisk | None = None

    @property
    def is_candidate(self) -> bool:
        return self.image_path is not None and not self.ignored and self.state == "Succeeded"


@dataclass(frozen=True)
class Capture:
    """One VM whose OS disk is saved as the golden image `image`. `digest` names the captured state (see `capture_key`)."""

    vm: str
    vm_id: str
    image_path: str
    image: str
    os_type: OsType
    description: str
    disk: OsDisk
    digest: str
    vhd: str
    built: datetime

    @property
    def key(self) -> str:
        return short_hash(self.digest)

    @property
    def manifest(self) -> str:
        return self.vhd.removesuffix(".vhd") + ".json"

    def golden_image(self, size_bytes: int, captures: tuple[str, ...]) -> GoldenImage:
        return GoldenImage(
            name=self.image,
            image_path=self.image_path,
            os_type=self.os_type,
            vhd=self.vhd,
            built=self.built,
            description=self.description,
            os_state=OsState.GENERALIZED,
            digest=self.digest,
            size_bytes=size_bytes,
            manifest=self.manifest,
            captures=captures,
        )


@dataclass(frozen=True)
class DecidedCapture:
    """A VM whose outcome is known without work."""

    vm: str
    image_path: str
    image: str
    outcome: Outcome


@dataclass(frozen=True)
class CapturePlan:
    captures: tuple[Capture, ...] = ()
    decided: tuple[DecidedCapture, ...] = ()


def short_hash(text: str) -> str:
    """16 hex digits that stand for a longer key in blob names and instance ids."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def capture_key(vm_id: str, disk: OsDisk) -> str:
    """Identifies a VM's disk in one state: equal keys mean equal content, so it is captured once (B22)."""
    state = f"{vm_id}|{disk.unique_id}|{disk.ownership_updated.isoformat()}".lower()
    return hashlib.sha256(state.encode()).hexdigest()


def vhd_name(digest: str, run: str) -> str:
    return f"{uuid5(NAMESPACE_URL, f'image-factory:{digest}:{run}')}.vhd"


def plan_captures(
    vms: Iterable[GoldenVm], images: Iterable[GoldenImage], run: str, day: date, built: datetime
) -> CapturePlan:
    """Decide for every VM: capture it under a free name, or leave it with a reason.

    Names are given in order of path, then VM name, so that the same world gives the same names (names table, row 13).
    """
    known = tuple(images)
    # A manifest whose VHD is gone is no capture (B43): the VM is captured again, under the next free name.
    captured = {key: image for image in known if image.size_bytes is not None for key in image.captures}
    taken = {image.name.lower() for image in known}
    captures: list[Capture] = []
    decided: list[DecidedCapture] = []
    for vm in sorted(vms, key=lambda vm: (path_key(vm.image_path or ""), vm.name.lower())):
        path = canonical_path(vm.image_path or "")
        outcome = not_ready(vm)
        name = ""
        if outcome is None and vm.disk is not None:
            digest = capture_key(vm.vm_id, vm.disk)
            if image := captured.get(digest):
                name, outcome = (
                    image.name,
                    Outcome(Ending.PRESENT, "AlreadyCaptured", "Captured in this state already."),
                )
            else:
                try:
                    name = first_free(image_name(path, day), taken)
                except ConfigurationError as error:
                    outcome = Outcome.failed(error)
                else:
                    taken.add(name.lower())
                    captures.append(
                        Capture(
                            vm=vm.name,
                            vm_id=vm.vm_id,
                            image_path=path,
                            image=name,
                            os_type=vm.os_type,
                            description=vm.notes.replace("Golden Image: ", "")[:LONGEST_DESCRIPTION],
                            disk=vm.disk,
                            digest=digest,
                            vhd=vhd_name(digest, run),
                            built=built,
                        )
                    )
        if outcome is not None:
            decided.append(DecidedCapture(vm.name, path, name, outcome))
    return CapturePlan(tuple(captures), tuple(decided))


def not_ready(vm: GoldenVm) -> Outcome | None:
    """Why this VM is not captured now; None when it is ready."""
    reason = _policy(vm)
    if reason is None:
        return None
    code, message, next_step = reason
    return Outcome(Ending.SKIPPED, code, message, next_step)


def _policy(vm: GoldenVm) -> tuple[str, str, str] | None:
    if vm.image_path is None:
        return "NoImagePath", "The VM has no ImagePath tag.", "Tag it with its ImagePath if it is a golden VM."
    if vm.ignored:
        return "FactoryIgnore", "The VM is tagged FactoryIgnore.", "Remove the tag to have it captured."
    if vm.state != "Succeeded":
        return "NotSucceeded", f"The lab VM is in state {vm.state!r}.", "Wait until it is provisioned, or repair it."
    if not vm.power_state:
        return "NoComputeVm", "The lab VM has no Compute VM.", "Delete the lab VM, or repair it."
    if vm.power_state != "deallocated":
        return "NotDeallocated", f"The VM is {vm.power_state}.", "Generalize it, then stop it in the lab."
    if vm.os_type is OsType.UNKNOWN:
        return "OsTypeUnknown", "The lab does not tell the VM's operating system.", "Repair the lab VM."
    if vm.disk is None:
        return "NoOsDisk", "The VM has no managed OS disk.", "Only managed disks can be captured."
    if not is_generalized(vm):
        return (
            "NoEvidence",
            "Nothing proves that the VM is generalized: its last artifact is not a generalize artifact that succeeded"
            " within the hour before it was deallocated, and Compute does not say OSState/generalized.",
            "Apply windows-sysprep or linux-deprovision as the last artifact and let the lab deallocate the VM.",
        )
    return None


def is_generalized(vm: GoldenVm) -> bool:
    """Evidence of generalization (B20): Compute's word, or the artifact followed by a prompt deallocation."""
    if vm.generalized:
        return True
    last = vm.last_artifact
    if last is None or vm.disk is None or last.installed is None:
        return False
    if last.name.lower() not in GENERALIZE_ARTIFACTS or last.status != "Succeeded":
        return False
    return timedelta(0) <= vm.disk.ownership_updated - last.installed <= SHUTDOWN_WITHIN
