"""The control API: faults, the clock, worlds that are replaced; and what a simulator that dies still knows."""

import os
import time
from pathlib import Path

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.mgmt.compute.models import GrantAccessData
from azure.mgmt.devtestlabs.models import CustomImage, CustomImagePropertiesCustom

from local.azure import LocalAzure
from tests.local.azure.conftest import Clients
from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import FACTORY, GOLDEN, MASTERS, ONE, world

pytestmark = pytest.mark.slow
VHD = f"{GOLDEN}.vhd"


def test_a_fault_before_has_no_effect(clients, azure):
    azure.control.fault(
        "DELETE .*/customimages/Old-Image", status=409, body={"error": {"code": "Busy", "message": "m"}}
    )
    images = clients.labs().custom_images
    with pytest.raises(HttpResponseError) as caught:
        images.begin_delete("rg-lab-a", "Lab-A", "Old-Image").result()
    assert refused_with(caught) == "Busy"
    assert images.get("rg-lab-a", "Lab-A", "Old-Image").name == "Old-Image"
    assert [entry["status"] for entry in azure.control.operations() if entry["method"] == "DELETE"] == [409]


def test_a_fault_after_replaces_the_answer_only(clients, azure):
    azure.control.fault("PUT /stb/.*/lost", when="after", status=500)
    blob = clients.account("stb").get_blob_client(MASTERS, "lost")
    with pytest.raises(HttpResponseError):
        blob.upload_blob(b"x")
    assert blob.exists()
    put = next(entry for entry in azure.control.operations() if entry["method"] == "PUT")
    assert (put["status"], put["effect"]) == (500, "create")


def test_a_connection_can_be_closed_with_or_without_effect(clients, azure):
    blob = clients.account("stb").get_blob_client(MASTERS, "cut")
    azure.control.fault("PUT /stb/", reset=True)
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        blob.upload_blob(b"x")
    assert not blob.exists()
    azure.control.fault("PUT /stb/", reset=True, when="after")
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        blob.upload_blob(b"x")
    assert blob.exists()


def test_faults_are_skipped_counted_and_cleared(clients, azure):
    azure.control.fault("GET .*/labs/factory", skip=1, times=2, status=503, headers={"Retry-After": "0"})
    labs = clients.labs().labs

    def status():
        try:
            labs.get("rg-factory", "factory")
        except HttpResponseError as error:
            return error.status_code
        return 200

    assert [status() for _ in range(4)] == [200, 503, 503, 200]
    azure.control.fault("GET .*/labs/factory", times=100, status=503)
    azure.control.clear_faults()
    assert status() == 200


def test_a_fault_may_only_delay_and_may_be_of_one_service(clients, azure):
    azure.control.fault("GET .*", service="blob", status=500)
    azure.control.fault("GET .*/labs/factory", delay=0.5)
    began = time.monotonic()
    clients.labs().labs.get("rg-factory", "factory")
    assert time.monotonic() - began >= 0.5


def test_a_token_can_be_refused_for_a_while(azure):
    azure.control.fault("GET /msi/token", service="identity", status=500)
    url = azure.endpoints["identity"]
    resource, header = {"resource": "https://storage.azure.com"}, {"X-IDENTITY-HEADER": "host"}
    assert [requests.get(url, params=resource, headers=header, timeout=10).status_code for _ in range(2)] == [500, 200]
    assert azure.control.operations()[-1]["caller"] == "host"


def test_a_wrong_fault_or_world_is_refused_and_changes_nothing(azure):
    with pytest.raises(ValueError, match="unterminated"):
        azure.control.fault("(")
    with pytest.raises(ValueError, match="cannot be read"):
        azure.control.put_world({"subscriptions": [{"labs": []}]})
    assert azure.control.world()["factoryLab"] == FACTORY


def test_the_clock_runs_faster_or_is_pushed(azure):
    azure.control.set_speed(0)
    before = azure.control.clock()["seconds"]
    azure.control.advance(3600)
    assert azure.control.clock()["seconds"] == before + 3600
    azure.control.set_speed(1000)
    time.sleep(0.05)
    assert azure.control.clock()["seconds"] > before + 3640


def test_a_world_is_replaced_with_its_factory_lab(azure, clients):
    endpoints = azure.control.put_world(
        {"subscriptions": [{"id": ONE, "labs": [{"name": "Factory", "rg": "g", "storage": "stnew"}]}]}
    )
    assert endpoints["factoryLabId"] == azure.endpoints["factoryLabId"]
    assert endpoints["factoryLabId"].endswith("/resourceGroups/g/providers/Microsoft.DevTestLab/labs/Factory")
    assert [lab.name for lab in clients.labs().labs.list_by_subscription()] == ["Factory"]
    assert list(clients.account("stnew").list_containers()) == []
    with pytest.raises(HttpResponseError):
        list(clients.account("stfactory").list_containers())


def test_a_world_comes_back_and_can_be_put_again(clients, azure):
    clients.account("sta").get_blob_client(MASTERS, "copy.vhd").start_copy_from_url(
        clients.signed("stfactory", MASTERS, VHD)
    )
    azure.control.advance(1)
    azure.control.set_speed(0)
    once = azure.control.world()
    azure.control.put_world(once)
    assert azure.control.world() == once


def is_running(pid: int) -> bool:
    """A process that has ended, but that nobody has asked about, has no command line."""
    command = Path(f"/proc/{pid}/cmdline")
    return command.exists() and command.read_bytes() != b""


def test_everything_survives_a_kill(tmp_path, monkeypatch):
    with LocalAzure(tmp_path, world(copySeconds=4, imageSeconds=4)) as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        clients = Clients(azure)
        disks, images = clients.compute().disks, clients.labs().custom_images
        access = GrantAccessData(access="Read", duration_in_seconds=3600)
        disks.begin_grant_access("rg-ready", "ready-os", access).result()
        # However long the restart takes, nothing ends meanwhile.
        azure.control.set_speed(0)
        target = clients.account("sta").get_blob_client(MASTERS, "copy.vhd")
        started = target.start_copy_from_url(clients.signed("stfactory", MASTERS, VHD))
        uri = clients.account("stfactory").get_blob_client(MASTERS, VHD).url
        vhd = CustomImagePropertiesCustom(os_type="Windows", image_name=uri, sys_prep=True)
        images.begin_create_or_update("rg-factory", "factory", "new", CustomImage(vhd=vhd), polling=False)
        clients.account("stb").get_blob_client(MASTERS, "last").upload_blob(b"written just before")
        before, calls = azure.endpoints, len(azure.control.operations())
        azurite = int((tmp_path / "azurite.pid").read_text())
        azure.kill()
        azure.start()
        assert {**azure.endpoints, "pid": 0} == {**before, "pid": 0}
        assert not is_running(azurite)
        assert (
            clients.account("stb").get_blob_client(MASTERS, "last").download_blob().readall() == b"written just before"
        )
        assert len(azure.control.operations()) == calls + 1
        assert disks.get("rg-ready", "ready-os").disk_state == "ActiveSAS"
        pending = target.get_blob_properties().copy
        assert (pending.id, pending.status) == (started["copy_id"], "pending")
        assert images.get("rg-factory", "factory", "new").provisioning_state == "Creating"
        azure.control.advance(5)
        assert target.get_blob_properties().copy.status == "success"
        assert images.get("rg-factory", "factory", "new").provisioning_state == "Succeeded"


def test_azurite_and_simulator_killed_at_once_lose_nothing(tmp_path, monkeypatch):
    with LocalAzure(tmp_path, world()) as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        container = Clients(azure).account("stb").get_container_client(MASTERS)
        for number in range(20):
            container.upload_blob(f"{number:02}", b"x")
        os.kill(int((tmp_path / "azurite.pid").read_text()), 9)
        azure.kill()
        azure.start()
        assert [blob.name for blob in container.list_blobs()] == [f"{number:02}" for number in range(20)]


def test_traffic_is_written_as_if_it_came_from_azure(azure, clients, tmp_path):
    import json

    file = tmp_path / "traffic.jsonl"
    azure.control.record_traffic(file)
    clients.labs().labs.get("rg-factory", "factory")
    clients.compute().disks.get("rg-ready", "ready-os")
    azure.control.record_traffic(None)
    lab, disk = (json.loads(line) for line in file.read_text().splitlines())
    assert lab["liveRequest"]["url"].startswith("https://management.azure.com/subscriptions/")
    assert disk["liveRequest"]["query"]["api-version"] == "2020-12-01"
    assert (disk["liveResponse"]["statusCode"], disk["liveResponse"]["body"]["name"]) == ("200", "ready-os")
    assert "Bearer" not in file.read_text()


def test_what_is_under_way_in_a_world_goes_on(azure, clients):
    under_way = world()
    under_way["behave"]["events"] = [{"at": 50, "vm": "busy", "statuses": ["PowerState/stopped"]}]
    images = under_way["subscriptions"][0]["images"]
    images += [
        {"lab": "Lab-A", "rg": "rg-lab-a", "name": "soon", "state": "Creating", "seconds": 100},
        {"lab": "Lab-A", "rg": "rg-lab-a", "name": "never", "state": "Creating", "seconds": None},
    ]
    copy = {"name": "half.vhd", "vhd": {"seed": "golden"}, "copy": {"status": "pending", "seconds": 100}}
    under_way["storage"][1]["containers"][0]["blobs"].append(copy)
    azure.control.put_world(under_way)
    azure.control.set_speed(0)
    half = clients.account("sta").get_blob_client(MASTERS, "half.vhd")

    def states():
        images = clients.labs().custom_images.list("rg-lab-a", "Lab-A")
        machine = clients.compute().virtual_machines.instance_view("rg-busy", "busy")
        states = {image.name: image.provisioning_state for image in images}
        return states["soon"], states["never"], half.get_blob_properties().copy.status, machine.statuses[-1].code

    azure.control.advance(40)
    assert states() == ("Creating", "Creating", "pending", "PowerState/running")
    azure.control.advance(70)
    assert states() == ("Succeeded", "Creating", "success", "PowerState/stopped")


def test_a_stopped_simulator_leaves_no_process_and_says_so(tmp_path):
    with LocalAzure(tmp_path, {}) as azure:
        processes = [azure.endpoints["pid"], int((tmp_path / "azurite.pid").read_text())]
        assert all(map(is_running, processes))
    assert not any(map(is_running, processes))
    assert not (tmp_path / "endpoints.json").exists()


def test_azurite_ends_when_its_simulator_is_killed(tmp_path):
    with LocalAzure(tmp_path, {}) as azure:
        azurite = int((tmp_path / "azurite.pid").read_text())
        azure.kill()
        deadline = time.monotonic() + 5
        while is_running(azurite):
            assert time.monotonic() < deadline
            time.sleep(0.02)
