"""What vanishes or changes at a time that the world sets, and what others notice of it."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.compute.models import GrantAccessData
from azure.mgmt.devtestlabs.models import CustomImage, CustomImagePropertiesCustom

from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import FACTORY, GOLDEN, MASTERS, ONE, compute, world

pytestmark = pytest.mark.slow
VHD = f"{GOLDEN}.vhd"
LAB = ("rg-factory", "factory")
READY_DISK = f"/subscriptions/{ONE}/resourceGroups/rg-ready/providers/Microsoft.Compute/disks/ready-os"
STORAGE = f"/subscriptions/{ONE}/resourceGroups/rg-factory/providers/Microsoft.Storage/storageAccounts/stfactory"


@pytest.fixture
def happen(azure):
    """Let this happen in ten seconds, and let them pass."""
    azure.control.set_speed(0)

    def happening(**event):
        azure.control.behave(events=[{"at": 10, **event}])
        azure.control.advance(10)

    return happening


def is_gone(call):
    try:
        call()
    except ResourceNotFoundError:
        return True
    return False


def test_nothing_happens_before_its_time(clients, azure):
    azure.control.set_speed(0)
    azure.control.behave(events=[{"at": 10, "delete": FACTORY}])
    azure.control.advance(9)
    assert clients.labs().labs.get(*LAB).name == "factory"
    azure.control.advance(1)
    assert is_gone(lambda: clients.labs().labs.get(*LAB))


def test_a_lab_takes_its_vms_and_images_along(clients, azure, happen):
    happen(delete=FACTORY.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))
    assert [lab.name for lab in clients.labs().labs.list_by_subscription()] == ["Lab-A"]
    assert is_gone(lambda: clients.labs().virtual_machines.get(*LAB, "ready"))
    assert is_gone(lambda: clients.compute().virtual_machines.get("rg-ready", "ready"))
    # Its storage account is another thing.
    assert clients.account("stfactory").get_blob_client(MASTERS, VHD).exists()
    azure.control.put_world(azure.control.world())
    assert is_gone(lambda: clients.labs().labs.get(*LAB))


def test_a_lab_vm_takes_along_what_it_runs_on(clients, happen):
    happen(delete=f"{FACTORY}/virtualmachines/ready")
    left = [vm.name for vm in clients.labs().virtual_machines.list(*LAB)]
    assert left == ["busy", "lost"]
    assert is_gone(lambda: clients.compute().virtual_machines.get("rg-ready", "ready"))
    assert is_gone(lambda: clients.compute().disks.get("rg-ready", "ready-os"))


def test_a_compute_vm_leaves_its_lab_vm_and_its_disk(clients, happen):
    happen(delete=compute("ready"))
    assert is_gone(lambda: clients.compute().virtual_machines.get("rg-ready", "ready"))
    assert clients.labs().virtual_machines.get(*LAB, "ready").last_known_power_state == "Stopped"
    disk = clients.compute().disks.get("rg-ready", "ready-os")
    assert (disk.disk_state, disk.managed_by) == ("Unattached", None)


@pytest.mark.parametrize("gone", [READY_DISK, f"{FACTORY}/virtualmachines/ready"])
def test_a_copy_fails_when_the_disk_goes_away(clients, azure, happen, gone):
    azure.control.behave(copySeconds=60)
    azure.control.set_speed(1)
    access = GrantAccessData(access="Read", duration_in_seconds=3600)
    url = clients.compute().disks.begin_grant_access("rg-ready", "ready-os", access).result().access_sas
    azure.control.set_speed(0)
    target = clients.account("stfactory").get_blob_client(MASTERS, "copy.vhd")
    target.start_copy_from_url(url)
    happen(delete=gone)
    assert target.get_blob_properties().copy.status == "failed"


def test_a_storage_account_vanishes_under_its_readers(clients, azure, happen):
    azure.control.behave(copySeconds=60, imageSeconds=60)
    target = clients.account("sta").get_blob_client(MASTERS, "copy.vhd")
    target.start_copy_from_url(clients.signed("stfactory", MASTERS, VHD))
    uri = clients.account("stfactory").get_blob_client(MASTERS, VHD).url
    vhd = CustomImagePropertiesCustom(os_type="Windows", image_name=uri, sys_prep=True)
    clients.labs().custom_images.begin_create_or_update(*LAB, "made", CustomImage(vhd=vhd), polling=False)
    happen(delete=STORAGE)
    with pytest.raises(HttpResponseError) as caught:
        list(clients.account("stfactory").list_containers())
    assert refused_with(caught) == "AccountNotFound"
    assert target.get_blob_properties().copy.status == "failed"
    assert clients.labs().custom_images.get(*LAB, "made").provisioning_state == "Failed"


def test_an_image_vanishes(clients, happen):
    happen(
        delete=f"/subscriptions/{ONE}/resourceGroups/rg-lab-a/providers/Microsoft.DevTestLab/labs/Lab-A/customImages/Old-Image"
    )
    assert list(clients.labs().custom_images.list("rg-lab-a", "Lab-A")) == []


def test_what_is_not_there_cannot_vanish(clients, happen):
    happen(delete=f"{FACTORY}/virtualmachines/none")
    assert len(list(clients.labs().virtual_machines.list(*LAB))) == 3


@pytest.mark.parametrize("vm", [compute("ready"), f"{FACTORY}/virtualMachines/ready"])
def test_a_vm_is_started_again(clients, azure, happen, vm):
    before = clients.compute().disks.get("rg-ready", "ready-os").last_ownership_update_time
    happen(start=vm)
    azure.control.advance(1)
    assert clients.labs().virtual_machines.get(*LAB, "ready").last_known_power_state == "Running"
    assert clients.compute().disks.get("rg-ready", "ready-os").last_ownership_update_time > before


def test_a_generalized_vm_is_not_started_by_an_event_either(clients, azure, happen):
    clients.compute().virtual_machines.generalize("rg-ready", "ready")
    happen(start=compute("ready"))
    azure.control.advance(1)
    assert clients.labs().virtual_machines.get(*LAB, "ready").last_known_power_state == "Stopped"


def test_events_of_a_world_are_counted_from_its_loading(clients, azure):
    azure.control.put_world(world(events=[{"at": 3600, "delete": FACTORY}]))
    assert not is_gone(lambda: clients.labs().labs.get(*LAB))
    azure.control.advance(3600)
    assert is_gone(lambda: clients.labs().labs.get(*LAB))


@pytest.mark.parametrize("event", [{"at": 1}, {"vm": "busy"}, {"at": 1, "delete": "/subscriptions/x"}])
def test_what_is_no_event_is_refused_and_changes_nothing(azure, event):
    with pytest.raises(ValueError, match=r"event|deleted"):
        azure.control.behave(events=[event])
    with pytest.raises(ValueError, match=r"event|deleted"):
        azure.control.put_world(world(events=[event]))
    assert azure.control.world()["factoryLab"] == FACTORY
