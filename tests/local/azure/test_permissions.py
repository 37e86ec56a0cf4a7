"""The names of Azure's access control follow from what is called."""

import pytest

from local.azure.permissions import Permission, arm_permissions
from tests.local.azure.worlds import ONE

GROUP = f"/subscriptions/{ONE}/resourceGroups/rg"
LAB = f"{GROUP}/providers/Microsoft.DevTestLab/labs/lab"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm"
LOCATION = f"/subscriptions/{ONE}/providers/Microsoft.Compute/locations/westeurope"


@pytest.mark.parametrize(
    ("method", "path", "operation", "scope"),
    [
        ("GET", LAB, "Microsoft.DevTestLab/labs/read", LAB),
        ("GET", f"{LAB}/", "Microsoft.DevTestLab/labs/read", LAB),
        (
            "GET",
            f"/subscriptions/{ONE}/providers/Microsoft.DevTestLab/labs",
            "Microsoft.DevTestLab/labs/read",
            f"/subscriptions/{ONE}/providers/Microsoft.DevTestLab/labs",
        ),
        ("GET", f"{LAB}/customimages", "Microsoft.DevTestLab/labs/customimages/read", f"{LAB}/customimages"),
        ("PUT", f"{LAB}/customimages/a", "Microsoft.DevTestLab/labs/customimages/write", f"{LAB}/customimages/a"),
        ("PATCH", f"{LAB}/customimages/a", "Microsoft.DevTestLab/labs/customimages/write", f"{LAB}/customimages/a"),
        ("DELETE", f"{LAB}/customimages/a", "Microsoft.DevTestLab/labs/customimages/delete", f"{LAB}/customimages/a"),
        ("POST", f"{VM}/deallocate", "Microsoft.Compute/virtualMachines/deallocate/action", VM),
        ("GET", f"{VM}/instanceView", "Microsoft.Compute/virtualMachines/instanceView/read", f"{VM}/instanceView"),
        ("GET", f"{LOCATION}/DiskOperations/1", "Microsoft.Compute/locations/DiskOperations/read", None),
    ],
)
def test_an_operation_is_named_after_its_path(method, path, operation, scope):
    assert arm_permissions(method, path, {}) == [Permission(operation, scope or path)]


def test_the_instance_view_beside_a_vm_is_a_read_of_both():
    names = [needed.operation for needed in arm_permissions("GET", VM, {"$expand": "instanceView"})]
    assert names == ["Microsoft.Compute/virtualMachines/read", "Microsoft.Compute/virtualMachines/instanceView/read"]
