"""Disks that cannot be saved as they are, the VMs that hold them, and how VMs start and stop."""

from datetime import UTC, datetime

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.compute.models import GrantAccessData

from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import compute, world

pytestmark = pytest.mark.slow
READ = GrantAccessData(access="Read", duration_in_seconds=3600)
PLAN = {"name": "p", "publisher": "q", "product": "r"}


def of(disk=None, **vm):
    """The world with the VM `ready` and its OS disk changed."""
    given = world()
    given["subscriptions"][0]["compute"][0] |= vm
    if disk:
        given["subscriptions"][0]["disks"].append({"rg": "rg-ready", "name": "ready-os", **disk})
    return given


@pytest.fixture
def put(azure):
    """Put a world, twice: as it is given and as it comes back."""

    def putting(given):
        azure.control.put_world(given)
        azure.control.put_world(azure.control.world())
        azure.control.set_speed(0)

    return putting


def test_a_disk_tells_what_stands_in_the_way_of_saving_it(clients, put):
    disk = {
        "encryption": "EncryptionAtRestWithCustomerKey",
        "encryptionSettings": True,
        "securityType": "ConfidentialVM_DiskEncryptedWithPlatformKey",
        "purchasePlan": PLAN,
        "publicNetworkAccess": "Disabled",
    }
    put(of(disk))
    shown = clients.compute().disks.get("rg-ready", "ready-os")
    assert shown.encryption.type == "EncryptionAtRestWithCustomerKey"
    assert shown.encryption_settings_collection.enabled
    assert shown.security_profile.security_type == "ConfidentialVM_DiskEncryptedWithPlatformKey"
    assert (shown.hyper_v_generation, shown.public_network_access) == ("V2", "Disabled")
    assert (shown.purchase_plan.name, shown.purchase_plan.publisher, shown.purchase_plan.product) == ("p", "q", "r")


def test_a_disk_of_which_nothing_is_said_is_an_ordinary_one(clients):
    shown = clients.compute().disks.get("rg-ready", "ready-os")
    assert (shown.encryption.type, shown.hyper_v_generation) == ("EncryptionAtRestWithPlatformKey", "V1")
    assert (shown.encryption_settings_collection, shown.security_profile, shown.purchase_plan) == (None, None, None)


@pytest.mark.parametrize(
    ("disk", "generation", "security"),
    [
        (None, "V1", None),
        ({"hyperVGeneration": "V2"}, "V2", None),
        ({"securityType": "TrustedLaunch"}, "V2", "TrustedLaunch"),
        ({"securityType": "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey"}, "V2", "ConfidentialVM"),
    ],
)
def test_a_vm_follows_its_os_disk(clients, put, disk, generation, security):
    put(of(disk))
    vm = clients.compute().virtual_machines.get("rg-ready", "ready", expand="instanceView")
    assert vm.instance_view.hyper_v_generation == generation
    assert (vm.security_profile and vm.security_profile.security_type) == security


def test_a_vm_tells_its_plan_and_its_data_disks(clients, put):
    put(of(dataDisks=["logs", "data"], plan=PLAN))
    vm = clients.compute().virtual_machines.get("rg-ready", "ready")
    assert (vm.plan.name, vm.plan.publisher, vm.plan.product) == ("p", "q", "r")
    attached = vm.storage_profile.data_disks
    assert [(disk.lun, disk.name) for disk in attached] == [(0, "logs"), (1, "data")]
    disk = clients.compute().disks.get("rg-ready", "data")
    assert (attached[1].managed_disk.id, disk.managed_by, disk.disk_state) == (disk.id, compute("ready"), "Reserved")
    assert (disk.os_type, disk.hyper_v_generation) == (None, None)
    expanded = clients.labs().virtual_machines.get(
        "rg-factory", "factory", "ready", expand="properties($expand=computeVm)"
    )
    assert expanded.compute_vm.data_disk_ids == [disk.managed_disk.id for disk in attached]
    assert [disk.name for disk in expanded.compute_vm.data_disks] == ["logs", "data"]
    assert expanded.compute_vm.os_disk_id == vm.storage_profile.os_disk.managed_disk.id


@pytest.mark.parametrize(
    ("disk", "status", "code", "told"),
    [
        ({"networkAccessPolicy": "DenyAll"}, 403, "DiskAccessDenied", "DenyAll"),
        ({"networkAccessPolicy": "AllowPrivate"}, 403, "DiskAccessDenied", "AllowPrivate"),
        ({"publicNetworkAccess": "Disabled"}, 403, "DiskAccessDenied", "public network access"),
        ({"managedBy": compute("busy")}, 409, "Conflict", "running VM .*/busy"),
        ({"managedBy": compute("elsewhere")}, 409, "Conflict", "running VM .*/elsewhere"),
        ({"sas": True}, 409, "Conflict", "active shared access signature"),
    ],
)
def test_an_export_is_refused_with_its_reason(clients, put, disk, status, code, told):
    put(of(disk))
    with pytest.raises(HttpResponseError, match=told) as caught:
        clients.compute().disks.begin_grant_access("rg-ready", "ready-os", READ, polling=False)
    assert (caught.value.status_code, refused_with(caught)) == (status, code)


def test_a_data_disk_of_a_running_vm_is_not_exported(clients, put):
    put(of(dataDisks=["data"], powerState="VM stopped"))
    assert clients.compute().disks.get("rg-ready", "data").disk_state == "Attached"
    with pytest.raises(ResourceExistsError):
        clients.compute().disks.begin_grant_access("rg-ready", "data", READ, polling=False)


def test_an_export_that_wants_a_token_gives_a_copy_nothing(clients, azure, put):
    put(of({"dataAccessAuthMode": "AzureActiveDirectory"}))
    azure.control.set_speed(1)
    url = clients.compute().disks.begin_grant_access("rg-ready", "ready-os", READ).result().access_sas
    target = clients.account("stfactory").get_blob_client("imagefactoryvhds", "copy.vhd")
    with pytest.raises(HttpResponseError) as caught:
        target.start_copy_from_url(url)
    assert refused_with(caught) == "CannotVerifyCopySource"
    assert not target.exists()


def test_a_vm_that_is_started_again_owns_its_disks_anew(clients, azure, put):
    put(of(dataDisks=["data"]))
    machines, disks = clients.compute().virtual_machines, clients.compute().disks
    began = azure.control.clock()["seconds"]
    clients.labs().virtual_machines.begin_start("rg-factory", "factory", "ready", polling=False)
    azure.control.advance(1)
    assert machines.instance_view("rg-ready", "ready").statuses[-1].code == "PowerState/running"
    owned = [disks.get("rg-ready", name).last_ownership_update_time for name in ("ready-os", "data")]
    assert owned == [datetime.fromtimestamp(began, UTC)] * 2
    clients.labs().virtual_machines.begin_stop("rg-factory", "factory", "ready", polling=False)
    azure.control.advance(1)
    assert machines.instance_view("rg-ready", "ready").statuses[-1].code == "PowerState/deallocated"


def test_a_generalized_vm_does_not_start_again(clients, put):
    put(of(statuses=["OSState/generalized"]))
    for begin in (
        lambda: clients.compute().virtual_machines.begin_start("rg-ready", "ready", polling=False),
        lambda: clients.labs().virtual_machines.begin_start("rg-factory", "factory", "ready", polling=False),
    ):
        with pytest.raises(ResourceExistsError, match="generalized") as caught:
            begin()
        assert refused_with(caught) == "OperationNotAllowed"


def test_a_vm_whose_disk_is_exported_does_not_start(clients, put):
    put(of({"sas": True}))
    with pytest.raises(ResourceExistsError, match="active shared access signature"):
        clients.compute().virtual_machines.begin_start("rg-ready", "ready", polling=False)


@pytest.mark.parametrize("power", ["VM running", "VM starting", "VM stopping", "VM deallocating"])
def test_only_a_vm_that_has_stopped_is_generalized(clients, put, power):
    put(of(powerState=power))
    with pytest.raises(ResourceExistsError) as caught:
        clients.compute().virtual_machines.generalize("rg-ready", "ready")
    assert refused_with(caught) == "OperationNotAllowed"


def test_a_stopped_vm_can_be_generalized_and_stays_so(clients, azure, put):
    put(of(powerState="VM stopped"))
    machines = clients.compute().virtual_machines
    machines.generalize("rg-ready", "ready")
    machines.begin_deallocate("rg-ready", "ready", polling=False)
    azure.control.advance(1)
    codes = {status.code for status in machines.instance_view("rg-ready", "ready").statuses}
    assert {"PowerState/deallocated", "OSState/generalized"} <= codes


def test_a_vm_takes_the_steps_that_its_world_gives_it(clients, azure, put):
    steps = [{"seconds": 10, "powerState": "VM stopped"}, {"seconds": 20, "powerState": "VM deallocated"}]
    put(of(powerState="VM running", steps=steps))

    def code():
        return clients.compute().virtual_machines.instance_view("rg-ready", "ready").statuses[-1].code

    seen = [code()]
    for seconds in (10, 19, 2):
        azure.control.advance(seconds)
        seen.append(code())
    assert seen == [
        "PowerState/running",
        "PowerState/stopped",
        "PowerState/stopped",
        "PowerState/deallocated",
    ]


def test_an_event_ends_the_steps_that_lie_ahead(clients, azure, put):
    put(of(powerState="VM running", steps=[{"seconds": 10, "powerState": "VM stopped"}]))
    azure.control.behave(events=[{"at": 5, "vm": "ready", "statuses": ["PowerState/deallocated"]}])
    azure.control.advance(20)
    assert (
        clients.compute().virtual_machines.instance_view("rg-ready", "ready").statuses[-1].code.endswith("deallocated")
    )
