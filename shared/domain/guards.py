"""What would make a dead image: found before anything is copied, so that nobody meets it in a lab (C2, C8, B27)."""

from shared.domain.golden_vms import DiskTraits, GoldenVm
from shared.domain.images import OsType
from shared.domain.outcomes import Ending, Outcome

_IGNORE = "or tag the VM FactoryIgnore"


def obstacle_to(vm: GoldenVm, is_running: bool = False) -> Outcome | None:
    """Why no sound image can be made of this VM as it is; None when nothing speaks against it.

    `is_running`: it is to be generalized first, so its disk may be in use now.
    """
    found = _of_the_vm(vm) or _of_the_disk(vm.traits, is_running)
    return Outcome(Ending.FAILED, *found) if found else None


def _of_the_vm(vm: GoldenVm) -> tuple[str, str, str] | None:
    if vm.os_type is OsType.UNKNOWN:
        return "OsTypeUnknown", "The lab does not tell the VM's operating system.", "Repair the lab VM."
    if vm.data_disks:
        said = "a data disk" if vm.data_disks == 1 else f"{vm.data_disks} data disks"
        return (
            "DataDisks",
            f"The VM has {said}; a custom image made from a VHD holds the OS disk only.",
            f"Detach the data disks, {_IGNORE}.",
        )
    if vm.purchase_plan:
        return (
            "PurchasePlan",
            f"The VM was made from a marketplace image with the purchase plan {vm.purchase_plan}, which a VHD does not carry:"
            " no VM could be made from the custom image.",
            f"Build the golden VM from an image without a plan, {_IGNORE}.",
        )
    return None


def _of_the_disk(disk: DiskTraits, is_running: bool) -> tuple[str, str, str] | None:
    if disk.generation != "V1" or disk.security_type:
        kind = f"{disk.generation}, {disk.security_type}" if disk.security_type else disk.generation
        return (
            "Generation2Disk",
            f"The OS disk is of generation {kind}; a custom image made from its VHD never boots.",
            f"Build the golden VM as generation 1 without Trusted Launch, {_IGNORE}.",
        )
    if disk.encrypted:
        return (
            "DiskEncrypted",
            "The OS disk is encrypted by Azure Disk Encryption; its VHD could not be read elsewhere.",
            f"Decrypt the disk before it is captured, {_IGNORE}.",
        )
    if disk.network_access != "AllowAll" or not disk.public_access:
        barred = (
            f"networkAccessPolicy is {disk.network_access}"
            if disk.network_access != "AllowAll"
            else "publicNetworkAccess is Disabled"
        )
        return "ExportForbidden", f"The OS disk may not be exported: its {barred}.", f"Allow the export, {_IGNORE}."
    if disk.needs_token:
        return (
            "ExportForbidden",
            "The OS disk's dataAccessAuthMode is AzureActiveDirectory: no server-side copy can read its export.",
            f"Set dataAccessAuthMode to None, {_IGNORE}.",
        )
    if disk.exported_by_other:
        return (
            "DiskExportedByOther",
            "The OS disk has an active export that the factory did not ask for.",
            "End that export (az disk revoke-access), then run again.",
        )
    if disk.state == "Attached" and not is_running:
        return (
            "DiskInUse",
            "The OS disk is attached to a running VM, although its own VM is deallocated.",
            "Detach it from the other VM, then run again.",
        )
    return None
