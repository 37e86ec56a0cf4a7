"""Custom images from lab VMs: DevTest Labs generalizes the VM itself, is told that it was done, or takes it as it is."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.devtestlabs.models import CustomImage, CustomImagePropertiesFromVm, LinuxOsInfo, WindowsOsInfo

from local.azure.vhd import seeded_digest, vhd_length
from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import FACTORY, compute

pytestmark = pytest.mark.slow
LAB = ("rg-factory", "factory")


def image_of(name, *, linux=None, windows=None):
    source = CustomImagePropertiesFromVm(
        source_vm_id=name if name.startswith("/") else f"{FACTORY}/virtualMachines/{name}",
        linux_os_info=linux and LinuxOsInfo(linux_os_state=linux),
        windows_os_info=windows and WindowsOsInfo(windows_os_state=windows),
    )
    return CustomImage(vm=source)


@pytest.fixture
def begin(clients, azure):
    azure.control.set_speed(0)
    images = clients.labs().custom_images

    def beginning(image):
        images.begin_create_or_update(*LAB, "made", image, polling=False)
        return images.get(*LAB, "made")

    return beginning


@pytest.fixture
def codes(clients):
    def of(name):
        statuses = clients.compute().virtual_machines.instance_view(f"rg-{name}", name).statuses
        return [status.code for status in statuses[1:]]

    return of


def test_devtest_labs_generalizes_a_vm_when_it_is_asked_to(clients, azure, begin, codes):
    azure.control.behave(imageSeconds=9)
    owned = clients.compute().disks.get("rg-busy", "busy-os").last_ownership_update_time
    assert begin(image_of("busy", linux="DeprovisionRequested")).provisioning_state == "Creating"
    seen = [codes("busy")]
    for _ in range(3):
        azure.control.advance(3)
        seen.append(codes("busy"))
    assert seen == [
        ["PowerState/running"],
        ["PowerState/stopped"],
        ["PowerState/deallocated"],
        ["PowerState/deallocated", "OSState/generalized"],
    ]
    made = clients.labs().custom_images.get(*LAB, "made")
    assert (made.provisioning_state, made.vm.linux_os_info.linux_os_state) == ("Succeeded", "DeprovisionRequested")
    assert made.managed_image_id.endswith("/providers/microsoft.compute/images/made")
    assert clients.compute().disks.get("rg-busy", "busy-os").last_ownership_update_time > owned
    (shown,) = [image for image in azure.control.world()["subscriptions"][0]["images"] if image["name"] == "made"]
    assert shown["digest"] == seeded_digest(
        f"disk:{compute('busy').replace('virtualMachines/busy', 'disks/busy-os').lower()}", vhd_length(1)
    )


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize("state", ["DeprovisionRequested", "DeprovisionApplied"])
def test_a_vm_that_became_a_generalized_image_does_not_start_again(clients, azure, begin, codes, seconds, state):
    azure.control.behave(imageSeconds=seconds)
    begin(image_of("busy", linux=state))
    azure.control.advance(1)
    assert codes("busy") == ["PowerState/deallocated", "OSState/generalized"]
    assert clients.labs().custom_images.get(*LAB, "made").managed_image_id
    with pytest.raises(ResourceExistsError):
        clients.labs().virtual_machines.begin_start(*LAB, "busy", polling=False)


def test_a_specialized_vm_is_left_alone_and_gives_a_snapshot(clients, azure, begin, codes):
    begin(image_of("ready", windows="NonSysprepped"))
    azure.control.advance(1)
    assert codes("ready") == ["PowerState/deallocated"]
    made = clients.labs().custom_images.get(*LAB, "made")
    assert (made.managed_snapshot_id.rpartition("/")[2], made.managed_image_id) == ("made", None)


def test_an_image_fails_when_its_vm_is_started_under_it(clients, azure, begin, codes):
    azure.control.behave(imageSeconds=9)
    begin(image_of("busy", linux="DeprovisionRequested"))
    azure.control.advance(7)
    clients.compute().virtual_machines.begin_start("rg-busy", "busy", polling=False)
    azure.control.advance(3)
    assert clients.labs().custom_images.get(*LAB, "made").provisioning_state == "Failed"
    assert codes("busy") == ["PowerState/running"]


def test_a_creation_that_the_world_lets_fail_leaves_the_vm_stopped(clients, azure, begin, codes):
    azure.control.behave(deploy={"factory/made": "Failed"})
    begin(image_of("busy", linux="DeprovisionRequested"))
    azure.control.advance(1)
    assert clients.labs().custom_images.get(*LAB, "made").provisioning_state == "Failed"
    assert codes("busy") == ["PowerState/deallocated"]


@pytest.mark.parametrize(
    ("image", "status", "code"),
    [
        (image_of("none", linux="NonDeprovisioned"), 400, "InvalidSourceVm"),
        (image_of(f"{FACTORY}/virtualmachines/busy".replace("labs/factory", "labs/other")), 400, "InvalidSourceVm"),
        (image_of("busy", windows="SysprepRequested"), 400, "InvalidRequestContent"),
        (image_of("busy"), 400, "InvalidRequestContent"),
        (image_of("ready", windows="SysprepRequested"), 409, "VirtualMachineNotRunning"),
        (CustomImage(description="of nothing"), 400, "InvalidRequestContent"),
    ],
)
def test_an_image_of_a_vm_is_refused(begin, image, status, code):
    with pytest.raises(HttpResponseError) as caught:
        begin(image)
    assert (caught.value.status_code, refused_with(caught)) == (status, code)
