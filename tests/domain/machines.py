"""Golden VMs for tests: ready ones, and what may be different about them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.golden_vms import Artifact, GeneralizeStage, GoldenVm, OsDisk
from shared.domain.images import OsType

STOPPED = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
SYSPREP = Artifact("windows-sysprep", "Succeeded", STOPPED - timedelta(minutes=10))


def vm(name: str = "vm", path: str | None = "Win2016/Datacenter.json", **changes: Any) -> GoldenVm:
    """A VM that is ready: deallocated ten minutes after sysprep."""
    disk = OsDisk(f"/disks/{name}", f"unique-{name}", STOPPED, 127 * 2**30)
    ready = GoldenVm(
        name=name,
        state="Succeeded",
        image_path=path,
        os_type=OsType.WINDOWS,
        compute_id=f"/vms/{name}",
        vm_id=f"id-{name}",
        power_state="deallocated",
        last_artifact=SYSPREP,
        disk=disk,
    )
    return replace(ready, **changes)


def running(**changes: Any) -> GoldenVm:
    """A VM that is in use: nothing was applied to it lately."""
    in_use: dict[str, Any] = {"power_state": "running", "last_artifact": None}
    return vm(**in_use | changes)


def stage(**changes: Any) -> GeneralizeStage:
    """Our stage of the VM `vm`, begun and not ended."""
    begun = GeneralizeStage("factory", "20261122T020000Z-0000", "vm", "id-vm", "unique-vm", "windows-sysprep")
    return replace(begun, **changes)
