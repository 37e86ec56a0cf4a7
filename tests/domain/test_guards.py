"""What would make a dead image is refused before anything is copied."""

from typing import Any

import pytest

from shared.domain.golden_vms import DiskTraits
from shared.domain.guards import obstacle_to
from shared.domain.images import OsType
from shared.domain.outcomes import Ending
from tests.domain.machines import vm


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"os_type": OsType.UNKNOWN}, "OsTypeUnknown"),
        ({"data_disks": 1}, "DataDisks"),
        ({"data_disks": 3}, "DataDisks"),
        ({"purchase_plan": "publisher/product/plan"}, "PurchasePlan"),
        ({"traits": DiskTraits(generation="V2")}, "Generation2Disk"),
        ({"traits": DiskTraits(generation="V2", security_type="TrustedLaunch")}, "Generation2Disk"),
        ({"traits": DiskTraits(security_type="ConfidentialVM_DiskEncryptedWithPlatformKey")}, "Generation2Disk"),
        ({"traits": DiskTraits(encrypted=True)}, "DiskEncrypted"),
        ({"traits": DiskTraits(network_access="DenyAll")}, "ExportForbidden"),
        ({"traits": DiskTraits(network_access="AllowPrivate")}, "ExportForbidden"),
        ({"traits": DiskTraits(public_access=False)}, "ExportForbidden"),
        ({"traits": DiskTraits(needs_token=True)}, "ExportForbidden"),
        ({"traits": DiskTraits(state="ActiveSAS", exported_by_other=True)}, "DiskExportedByOther"),
        ({"traits": DiskTraits(state="Attached")}, "DiskInUse"),
    ],
)
def test_a_vm_that_could_not_become_a_sound_image_fails_with_its_reason_and_what_to_do(
    changes: dict[str, Any], code: str
) -> None:
    obstacle = obstacle_to(vm(**changes))
    assert obstacle is not None
    assert (obstacle.state, obstacle.code) == (Ending.FAILED, code)
    assert obstacle.message
    assert obstacle.next


@pytest.mark.parametrize("state", ["Reserved", "Unattached", "ActiveSAS", ""])
def test_a_sound_vm_meets_no_obstacle(state: str) -> None:
    """An export of our own that a dead run left is ended by the capture."""
    assert obstacle_to(vm(traits=DiskTraits(state=state))) is None


def test_the_disk_of_a_vm_that_is_generalized_first_is_in_use_until_then() -> None:
    assert obstacle_to(vm(traits=DiskTraits(state="Attached")), is_running=True) is None
