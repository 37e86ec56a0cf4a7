"""Custom images from VHDs: how they are made, what is refused, what goes wrong later."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.devtestlabs.models import CustomImage, CustomImagePropertiesCustom

from local.azure.vhd import seeded_digest, vhd_length
from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import GOLDEN, MASTERS

pytestmark = pytest.mark.slow
LAB = ("rg-factory", "factory")
VHD = f"{GOLDEN}.vhd"


def image_of(uri, os_type="Windows", **more):
    vhd = CustomImagePropertiesCustom(os_type=os_type, image_name=uri, sys_prep=True)
    return CustomImage(vhd=vhd, tags={"ImagePath": "Win2016\\Datacenter.json"}, description="d", **more)


@pytest.fixture
def images(clients):
    return clients.labs().custom_images


@pytest.fixture
def uri(clients):
    return clients.account("stfactory").get_blob_client(MASTERS, VHD).url


def begin(images, name, image, lab=LAB):
    response = images.begin_create_or_update(
        *lab, name, image, polling=False, cls=lambda pipeline, _, __: pipeline.http_response
    )
    return response.result()


def test_an_image_is_made_and_keeps_no_vhd(clients, azure, images, uri):
    made = images.begin_create_or_update(*LAB, "Win-Nov-1-2026", image_of(uri)).result()
    assert (made.provisioning_state, made.author, made.name) == ("Succeeded", "local@example.com", "Win-Nov-1-2026")
    assert made.managed_image_id.endswith("/providers/microsoft.compute/images/win-nov-1-2026")
    assert made.id.endswith("/labs/factory/customimages/win-nov-1-2026")
    clients.account("stfactory").get_blob_client(MASTERS, VHD).delete_blob()
    assert images.get(*LAB, "WIN-Nov-1-2026").provisioning_state == "Succeeded"
    shown = [image for image in azure.control.world()["subscriptions"][0]["images"] if image["lab"] == "factory"]
    assert [(image["digest"], image["vhdUri"]) for image in shown] == [(seeded_digest("golden", vhd_length(1)), uri)]


def test_the_operation_runs_as_long_as_the_world_says(azure, images, uri):
    azure.control.set_speed(0)
    answer = begin(images, "slow", image_of(uri))
    assert answer.status_code == 201
    assert answer.headers["x-ms-retry-after-ms"] == "50"
    assert "Location" not in answer.headers
    assert 3000 < len(answer.headers["Azure-AsyncOperation"]) < 3500
    assert images.get(*LAB, "slow").provisioning_state == "Creating"
    azure.control.advance(0.5)
    assert images.get(*LAB, "slow").provisioning_state == "Succeeded"


def test_what_an_operation_came_to_can_be_asked_by_its_name(clients, azure, images, uri):
    azure.control.behave(deploy={"factory/broken": "Failed"})
    url = begin(images, "broken", image_of(uri)).headers["Azure-AsyncOperation"]
    name = url.partition("?")[0].rpartition("/")[2]
    operations = clients.labs().operations
    assert operations.get("westeurope", name).status == "Running"
    azure.control.advance(1)
    ended = operations.get("westeurope", name)
    assert (ended.status, ended.error.code) == ("Failed", "ImageCreationFailed")
    assert images.get(*LAB, "broken").provisioning_state == "Failed"


def test_an_image_whose_vhd_vanishes_fails(clients, azure, images, uri):
    begin(images, "robbed", image_of(uri))
    clients.account("stfactory").get_blob_client(MASTERS, VHD).delete_blob()
    assert images.get(*LAB, "robbed").provisioning_state == "Failed"
    azure.control.advance(10)
    assert images.get(*LAB, "robbed").provisioning_state == "Failed"


def test_an_existing_image_is_never_put_over(images, uri):
    with pytest.raises(ResourceExistsError):
        begin(images, "OLD-image", image_of(uri.replace("stfactory", "sta")), ("rg-lab-a", "Lab-A"))


def test_tags_of_an_image_can_be_changed_and_the_image_deleted(azure, images):
    lab = ("rg-lab-a", "Lab-A")
    assert images.update(*lab, "Old-Image", tags={"a": "b"}).tags == {"a": "b"}
    images.begin_delete(*lab, "Old-Image").result()
    with pytest.raises(ResourceNotFoundError):
        images.get(*lab, "Old-Image")
    images.begin_delete(*lab, "Old-Image").result()
    effects = [entry["effect"] for entry in azure.control.operations() if entry["method"] in ("PATCH", "DELETE")]
    assert effects == ["update", "delete", "none"]


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("a.b", lambda uri: uri, "InvalidCustomImageName"),
        ("x" * 81, lambda uri: uri, "InvalidCustomImageName"),
        ("x", lambda uri: uri.replace("stfactory", "sta"), "InvalidStorageAccountForLab"),
        ("x", lambda uri: uri + "?sig=x", "InvalidVhdUri"),
        ("x", lambda uri: uri.replace(GOLDEN, f"folder/{GOLDEN}"), "InvalidParameter"),
        ("x", lambda uri: uri.replace(GOLDEN, "none"), "VhdNotFound"),
        ("x", lambda uri: uri.replace(GOLDEN, "text"), "InvalidVhd"),
    ],
)
def test_an_image_is_refused(images, uri, name, change, code):
    with pytest.raises(HttpResponseError) as caught:
        begin(images, name, image_of(change(uri)))
    assert (caught.value.status_code, refused_with(caught)) == (400, code)


def test_a_page_blob_without_footer_is_no_vhd(clients, images):
    blob = clients.account("stfactory").get_blob_client(MASTERS, "raw.vhd")
    blob.create_page_blob(1024**2 + 512)
    with pytest.raises(HttpResponseError) as caught:
        begin(images, "x", image_of(blob.url))
    assert refused_with(caught) == "InvalidVhd"


def test_no_image_comes_from_a_copy_that_is_not_complete(clients, azure, images, uri):
    azure.control.set_speed(0)
    azure.control.behave(copy={"*": {"statuses": ["Pending", "Failed"]}})
    target = clients.account("stfactory").get_blob_client(MASTERS, "copy.vhd")
    target.start_copy_from_url(uri)
    with pytest.raises(ResourceExistsError) as pending:
        begin(images, "x", image_of(target.url))
    assert refused_with(pending) == "PendingCopyOperation"
    azure.control.advance(10)
    with pytest.raises(HttpResponseError) as failed:
        begin(images, "x", image_of(target.url))
    assert refused_with(failed) == "InvalidVhd"


def test_an_image_is_listed_with_those_that_were_there(images, uri):
    begin(images, "new", image_of(uri))
    assert [(image.name, image.provisioning_state) for image in images.list(*LAB)] == [("new", "Creating")]
    assert [image.tags for image in images.list("rg-lab-a", "Lab-A")] == [{"ImagePath": "Win2012\\Old.json"}]
