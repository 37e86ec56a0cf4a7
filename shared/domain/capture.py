"""Which golden VMs of the factory lab are saved, and why the others are not."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from shared.domain.generalizing import Generalize
from shared.domain.golden_vms import GoldenVm, OsDisk
from shared.domain.guards import obstacle_to
from shared.domain.images import LONGEST_DESCRIPTION, GoldenImage, OsState, OsType
from shared.domain.matching import canonical_path, path_key
from shared.domain.naming import first_free, image_name
from shared.domain.outcomes import Ending, Outcome
from shared.domain.readiness import Ready, readiness
from shared.domain.runs import short_hash, started
from shared.errors import ConfigurationError


@dataclass(frozen=True)
class Capture:
    """One VM whose OS disk is saved as the golden image `image`.

    `digest` names the captured state (see `capture_key`). A VM that is to be generalized first has another one afterwards; its
    `key` and its VHD keep their names.
    """

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
    os_state: OsState = OsState.GENERALIZED
    generation: str = "V1"
    generalize: bool = False

    @property
    def key(self) -> str:
        """Names the capture within its run: a lab's VMs have names of their own."""
        return short_hash(self.vm.lower())

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
            os_state=self.os_state,
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


def capture_key(vm_id: str, disk: OsDisk) -> str:
    """Identifies a VM's disk in one state: equal keys mean equal content, so it is captured once (B22)."""
    state = f"{vm_id}|{disk.unique_id}|{disk.ownership_updated.isoformat()}".lower()
    return hashlib.sha256(state.encode()).hexdigest()


def vhd_name(digest: str, run: str) -> str:
    return f"{uuid5(NAMESPACE_URL, f'image-factory:{digest}:{run}')}.vhd"


def plan_captures(
    vms: Iterable[GoldenVm], images: Iterable[GoldenImage], run: str, policy: Generalize = Generalize.NEVER
) -> CapturePlan:
    """Decide for every VM: capture it under a free name, or leave it with a reason.

    Names are given in order of path, then VM name, so that the same world gives the same names (names table, row 13).
    """
    known = tuple(images)
    # A manifest whose VHD is gone is no capture (B43): the VM is captured again, under the next free name.
    captured = {(key, i.os_state): i.name for i in known if i.size_bytes is not None for key in i.captures}
    taken = {image.name.lower() for image in known}
    captures: list[Capture] = []
    decided: list[DecidedCapture] = []
    for vm in sorted(vms, key=lambda vm: (path_key(vm.image_path or ""), vm.name.lower())):
        planned = _planned(vm, readiness(vm, policy), captured, taken, run)
        if isinstance(planned, Capture):
            captures.append(planned)
            taken.add(planned.image.lower())
        else:
            decided.append(planned)
    return CapturePlan(tuple(captures), tuple(decided))


ALREADY_CAPTURED = Outcome(Ending.PRESENT, "AlreadyCaptured", "Captured in this state already.")


def _planned(
    vm: GoldenVm, ready: Ready | Outcome, captured: Mapping[tuple[str, OsState], str], taken: Collection[str], run: str
) -> Capture | DecidedCapture:
    path = canonical_path(vm.image_path or "")
    if isinstance(ready, Outcome):
        return DecidedCapture(vm.name, path, "", ready)
    digest = capture_key(vm.vm_id, ready.disk)
    if there := captured.get((digest, ready.os_state)):
        return DecidedCapture(vm.name, path, there, ALREADY_CAPTURED)
    if obstacle := obstacle_to(vm, is_running=ready.generalize):
        return DecidedCapture(vm.name, path, "", obstacle)
    try:
        name = first_free(image_name(path, started(run).date()), taken)
    except ConfigurationError as error:
        return DecidedCapture(vm.name, path, "", Outcome.failed(error))
    return Capture(
        vm=vm.name,
        vm_id=vm.vm_id,
        image_path=path,
        image=name,
        os_type=vm.os_type,
        description=vm.notes.replace("Golden Image: ", "")[:LONGEST_DESCRIPTION],
        disk=ready.disk,
        digest=digest,
        vhd=vhd_name(digest, run),
        built=started(run),
        os_state=ready.os_state,
        generation=vm.traits.generation,
        generalize=ready.generalize,
    )
