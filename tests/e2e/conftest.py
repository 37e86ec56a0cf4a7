"""A factory seen from outside: a host's address, a storage endpoint, the simulator's control address.

All come from the environment where HOST_URL is given (Microsoft's own host, say); else the local Azure and the embedded host are
started for the tests.
"""

import json
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.azure import Control, LocalAzure
from local.factory.session import REPOSITORY, settings
from local.host import LocalHost
from tests.e2e.blobs import BlobClient
from tests.e2e.worlds import World

ENDS_WITHIN = float(os.environ.get("RUN_ENDS_WITHIN", "300"))
"""Seconds of real time; Microsoft's host is slower than ours."""


class Factory:
    """One factory app and the world it works in, as an operator sees them."""

    def __init__(self, host: str, control: Control, blobs: BlobClient) -> None:
        self.host, self.control, self.blobs = host, control, blobs

    def give(self, world: World) -> None:
        """Replace the world; nothing is left of the one before, faults included."""
        self.wait_until_idle()
        self.control.clear_faults()
        self.control.put_world(world.document)

    def configure(self, files: dict[str, bytes], clear: bool = True) -> None:
        """Upload the configuration; with an uploading trigger labs.json starts a run of its own, without one nothing."""
        if clear:
            for name in self.blobs.names("configuration"):
                self.blobs.delete("configuration", name)
        for name in sorted(files, key=lambda name: name.lower() == "labs.json"):
            self.blobs.put("configuration", name, files[name])

    def run(self, **body: Any) -> dict[str, Any]:
        """Start a run and wait for its report."""
        return self.report(self.start(**body))

    def start(self, **body: Any) -> str:
        answer = self.post(body or None)
        if answer.status_code == 409:
            # An upload's own run is on its way: let it end first.
            self.report(answer.json()["runId"])
            self.wait_until_idle()
            answer = self.post(body or None)
        assert answer.status_code == 202, answer.text
        return answer.json()["runId"]

    def post(self, body: Any = None) -> requests.Response:
        return requests.post(f"{self.host}/api/runs", json=body, headers=self.key, timeout=90)

    def status(self, run_id: str) -> requests.Response:
        return requests.get(f"{self.host}/api/runs/{run_id}", headers=self.key, timeout=60)

    def report_as(self, run_id: str, accept: str = "*/*", **parameters: str) -> requests.Response:
        headers = self.key | {"Accept": accept}
        return requests.get(f"{self.host}/api/runs/{run_id}/report", parameters, headers=headers, timeout=60)

    @property
    def key(self) -> dict[str, str]:
        return {"x-functions-key": os.environ["HOST_KEY"]} if os.environ.get("HOST_KEY") else {}

    def report(self, run_id: str) -> dict[str, Any]:
        """Wait until the run has ended; its report."""
        until = time.monotonic() + ENDS_WITHIN
        while time.monotonic() < until:
            answer = self.status(run_id)
            if answer.status_code == 200:
                text = self.blobs.get("runs", f"runs/{run_id}/report.json")
                assert text is not None, f"{answer.text}: no report"
                return json.loads(text)
            time.sleep(0.3)
        raise AssertionError(f"run {run_id} has not ended: {self.status(run_id).text}")

    def wait_until_idle(self) -> None:
        """Wait until no run holds the claim."""
        until = time.monotonic() + ENDS_WITHIN
        while self.claim().get("state") == "held":
            assert time.monotonic() < until, "a run does not end"
            time.sleep(0.3)
        time.sleep(0.3)

    def claim(self) -> dict[str, Any]:
        text = self.blobs.get("imagefactory", "active-run", account="stfactory")
        return json.loads(text) if text else {}

    def runs(self) -> list[str]:
        return sorted({name.split("/")[1] for name in self.blobs.names("runs") if name.startswith("runs/")})

    def journal(self, run_id: str) -> dict[str, bytes]:
        """Every blob of a run's journal."""
        names = [name for name in self.blobs.names("runs") if name.startswith(f"runs/{run_id}/")]
        return {name: self.blobs.get("runs", name) or b"" for name in names}

    def world(self) -> dict[str, Any]:
        return self.control.world()

    def operations(self, effects_only: bool = False) -> list[dict[str, Any]]:
        """The app's calls since the last `control.clear_operations()`."""
        calls = [call for call in self.control.operations() if call["caller"] == "app"]
        if not effects_only:
            return calls
        return [call for call in calls if call["effect"] != "none" and not _is_bookkeeping(call["path"])]


def _is_bookkeeping(path: str) -> bool:
    """The journal, the claim and the report beside labs.json: a run that changes nothing else "writes nothing"."""
    own = ("/runs", "/imagefactory", "abs.json.report.md")
    return "/runs/" in path or "/imagefactory/" in path or path.endswith(own)


def app_settings(azure: LocalAzure) -> dict[str, str]:
    return settings(azure)


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Generator[LocalAzure | None, None, None]:
    """The local Azure that the tests started; None where another one was given."""
    if os.environ.get("CONTROL_URL"):
        yield None
        return
    with LocalAzure(tmp_path_factory.mktemp("azure"), World().document) as azure:
        yield azure


@pytest.fixture(scope="session")
def factory(azure: LocalAzure | None, tmp_path_factory: pytest.TempPathFactory) -> Generator[Factory, None, None]:
    """The factory. The tests' own host has no blob trigger, so that only the tests start runs (see test_triggers.py)."""
    if azure is None or os.environ.get("HOST_URL"):
        yield Factory(os.environ["HOST_URL"].rstrip("/"), Control(os.environ["CONTROL_URL"]), BlobClient(os.environ))
        return
    store = tmp_path_factory.mktemp("host") / "hub.db"
    with LocalHost(REPOSITORY, store, app_settings(azure), polling_seconds=0) as host:
        yield Factory(host.url, azure.control, BlobClient(azure.environment("local")))


@pytest.fixture
def own_host(azure: LocalAzure | None) -> LocalAzure:
    """For tests that start and kill hosts themselves."""
    if azure is None or os.environ.get("HOST_URL"):
        pytest.skip("this test starts and kills hosts of its own")
    return azure


__all__ = ["Factory", "Path"]
