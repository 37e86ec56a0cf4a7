"""Recorded exchanges with Azure, replayed: the simulator answers with the same status, headers and keys.

The recordings are read where they are (SHARED_DIR, or `shared` beside the repository) and are no part of it.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.azure import LocalAzure

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]
WIRE = Path(os.environ.get("SHARED_DIR", REPOSITORY.parent / "shared")) / "azure-wire"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
LAB = {"name": "cliautomationlab", "rg": "labtest", "location": "westus", "storage": "acliautomationlab9688"}
LAB_COMPUTE = "cliautomationlab1482693233000"
OPERATION = re.compile(r"/(?:disk)?operations/([^/?]+)", re.IGNORECASE)
OURS = re.compile(
    r"(/microsoft\.devtestlab/labs/[^/]+(/virtualmachines(/[^/]+)?|/customimages(/[^/]+)?|/artifactsources(/public%20repo)?)?"
    r"|/microsoft\.compute/(disks|virtualmachines)/[^/]+(/begingetaccess|/endgetaccess|/deallocate|/poweroff|/generalize)?)$",
    re.IGNORECASE,
)
# Sent by Azure, not kept by the recorders; or sent since the recording was made.
UNRECORDED_HEADERS = re.compile(
    r"cache-control|pragma|expires|strict-transport-security|x-content-type-options|x-ms-(correlation-|routing-)?request-id"
    r"|date|server|content-length|x-ms-ratelimit-remaining-subscription-.*"
)
# What our disks and VMs are: OS disks from an image, standard, without data disks, on managed disks.
OTHER_KEYS = re.compile(
    r"(properties\.(output\.properties\.)?)?(osType|hyperVGeneration|LastOwnershipUpdateTime|tier)|managedBy"
    r"|properties\.creationData\.source.*"
    r"|properties\.storageProfile\.(dataDisks\[\]|osDisk\.(vhd|managedDisk)).*|properties\.osProfile\..*"
    r"|properties\.instanceView\.(disks\[\]|osVersion|hyperVGeneration).*|value\[\]\.properties\.(notes|artifact.*)"
    r"|properties\.(securityProfile|networkProfile).*|value\[\]\.tags.*|tags\..*"
)


def vm(name: str, system: str = "Linux") -> dict[str, Any]:
    compute = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{LAB_COMPUTE}/providers/Microsoft.Compute/virtualMachines/{name}"
    )
    return {"lab": LAB["name"], "rg": LAB["rg"], "name": name, "osType": system, "computeId": compute}


def image(name: str) -> dict[str, Any]:
    source = {
        "sourceVmId": f"/labs/{LAB['name']}/virtualmachines/linuxvm1",
        "linuxOsInfo": {"linuxOsState": "NonDeprovisioned"},
    }
    made = {"lab": LAB["name"], "rg": LAB["rg"], "name": name, "vm": source, "author": "user@example.com"}
    return {**made, "creationDate": "2024-09-05T09:11:18.11946+00:00"}


def running(rg: str, name: str) -> dict[str, Any]:
    return {"rg": rg, "name": name, "powerState": "VM running", "osType": "Linux", "location": "westus"}


def disk(rg: str, name: str, **more: Any) -> dict[str, Any]:
    return {"rg": rg, "name": name, "location": "westus", **more}


AUTH_MODE = "cli_test_disk_data_access_auth_mode_000001"
MANAGED, SNAPSHOTS = "cli_test_managed_disk000001", "test_snapshot_access_000001"
WORLDS: dict[str, dict[str, Any]] = {
    "devtestlab/test_lab_custom_image.json": {
        "labs": [LAB],
        "vms": [vm("linuxvm1")],
        "images": [image("cusimg1"), image("image_cmdrg52nv")],
    },
    "devtestlab/test_lab_vm.json": {
        "labs": [LAB],
        "vms": [vm("linuxvm000001"), vm("winvm000002", "Windows"), vm("ubuntuvm5367")],
    },
    "devtestlab/test_lab_retrieve_commands.json": {"labs": [LAB]},
    "devtestlab/net_lab_create_delete.json": {"labs": [{"name": "other", "rg": "DevTestLabRG3848"}]},
    "compute/test_disk_data_access_auth_mode.json": {
        "disks": [
            disk(AUTH_MODE, "disk-000002", dataAccessAuthMode="AzureActiveDirectory"),
            disk(AUTH_MODE, "disk-000003", dataAccessAuthMode="None"),
        ]
    },
    "compute/test_vm_managed_disk.json": {"disks": [disk(MANAGED, "d1"), disk(MANAGED, "d2")]},
    "compute/test_snapshot_access.json": {"disks": [disk(SNAPSHOTS, "snapshot1"), disk(SNAPSHOTS, "snapshot2")]},
    "compute/test_image_update_add_set.json": {"compute": [running("cli_test_image_update_add_set_000001", "vm1")]},
    "compute/test_vm_generalize.json": {"compute": [running("cli_test_generalize_vm000001", "vm-generalize")]},
}


@pytest.fixture(scope="module")
def authentic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    with LocalAzure(tmp_path_factory.mktemp("authentic"), {}, authentic=True) as azure:
        yield azure


class Replay:
    """Sends what was sent to Azure; polls go to the operations that the simulator began instead of the recorded ones."""

    def __init__(self, azure: LocalAzure) -> None:
        self._azure, self._endpoints = azure, azure.endpoints
        header, resource = {"X-IDENTITY-HEADER": "local"}, {"resource": "https://management.azure.com"}
        token = requests.get(self._endpoints["identity"], headers=header, params=resource, timeout=10).json()[
            "access_token"
        ]
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.verify = self._endpoints["caBundle"]
        self._session.trust_env = False
        self._begun: dict[str, requests.Response] = {}

    def url(self, exchange: dict[str, Any]) -> str | None:
        """Where it goes; None when it asks for something that is not simulated."""
        uri = exchange["uri"]
        if (match := OPERATION.search(uri)) is not None:
            begun = self._begun.get(match[1])
            return (
                None
                if begun is None
                else begun.headers["Location" if "monitor=true" in uri else "Azure-AsyncOperation"]
            )
        path = uri.partition("?")[0]
        if "getaccess" in path.lower():
            # A snapshot is exported like a disk, and disks were recorded without the end of it.
            uri, path = uri.replace("/snapshots/", "/disks/"), path.replace("/snapshots/", "/disks/")
        is_ours = OURS.search(path) and not (exchange["method"] == "PUT" and "/customimages/" not in path)
        known = not re.search(r"\$filter=properties|method=delete", uri, re.IGNORECASE) and "/virtualmachines" not in (
            path.lower() if exchange["method"] == "DELETE" else ""
        )
        return f"{self._endpoints['arm']}{uri}" if is_ours and known else None

    def send(self, exchange: dict[str, Any], url: str) -> requests.Response:
        status = exchange["body"].get("status") if isinstance(exchange["body"], dict) else None
        if OPERATION.search(url) and status not in ("Running", "InProgress"):
            self._azure.control.advance(30)
        if url.partition("?")[0].endswith("/generalize"):
            # The call that stopped the VM is not in every recording.
            statuses = ["ProvisioningState/succeeded", "PowerState/stopped"]
            self._azure.control.behave(events=[{"at": 0, "vm": url.split("/")[-2], "statuses": statuses}])
        answer = self._session.request(exchange["method"], url, json=exchange.get("request"), timeout=30)
        if (match := OPERATION.search(exchange["headers"].get("azure-asyncoperation", ""))) is not None:
            self._begun[match[1]] = answer
        return answer


@pytest.mark.parametrize("recording", WORLDS)
def test_the_simulator_answers_like_azure(authentic, recording):
    file = WIRE / recording
    if not file.exists():
        pytest.skip("the recordings are not here")
    world = dict(WORLDS[recording])
    authentic.control.put_world({"disks": world.pop("disks", []), "subscriptions": [{"id": SUBSCRIPTION, **world}]})
    authentic.control.set_speed(0)
    replay, compared = Replay(authentic), 0
    for number, exchange in enumerate(json.loads(file.read_text("utf-8"))["exchanges"]):
        url = replay.url(exchange)
        if url is None:
            continue
        answer = replay.send(exchange, url)
        where = f"{number}: {exchange['method']} {exchange['uri'][:160]}"
        assert answer.status_code == exchange["status"], (where, answer.text)
        recorded, sent = set(exchange["headers"]), {name.lower() for name in answer.headers}
        missing = {name for name in recorded - sent if not UNRECORDED_HEADERS.fullmatch(name)}
        extra = {name for name in sent - recorded if not UNRECORDED_HEADERS.fullmatch(name)}
        assert (missing, extra) == (set(), set()), where
        body = answer.json() if answer.content else None
        expected, given = set(_keys(exchange["body"])), set(_keys(body))
        unlike = {key for key in expected ^ given if not OTHER_KEYS.fullmatch(key)}
        assert unlike == set(), (where, "missing", unlike & expected, "too much", unlike & given)
        compared += 1
    assert compared >= 1
    print(recording, compared)


def _keys(body: Any, prefix: str = "") -> Iterator[str]:
    """Every key by its path; the elements of a list are taken together."""
    if isinstance(body, dict):
        for key, value in body.items():
            path = f"{prefix}.{key}" if prefix else key
            yield path
            yield from _keys(value, path)
    elif isinstance(body, list):
        for item in body:
            yield from _keys(item, f"{prefix}[]")
