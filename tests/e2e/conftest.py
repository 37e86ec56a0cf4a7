"""A factory seen from outside: a host's address, a storage endpoint, the simulator's control address.

All come from the environment where HOST_URL is given (Microsoft's own host, say); else the local Azure and the embedded host are
started for the tests.
"""

import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
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

    def __init__(self, host: str, control: Control, blobs: BlobClient, speed: float = 1) -> None:
        """`speed` is that of the simulator's clock; 0 is virtual time, in which a run waits for nothing."""
        self.host, self.control, self.blobs, self._speed = host, control, blobs, speed

    @property
    def is_virtual(self) -> bool:
        return not self._speed

    def give(self, world: World) -> None:
        """Replace the world; nothing is left of the one before, faults included."""
        self.wait_until_idle()
        self.control.clear_faults()
        self.control.set_speed(self._speed)
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


@contextmanager
def hosting(
    azure: LocalAzure,
    folder: Path,
    more: dict[str, str] | None = None,
    *,
    virtual: bool = True,
    polling_seconds: float = 0,
) -> Generator[Factory, None, None]:
    """A factory on a host of its own, with `more` settings. It has no blob trigger unless it polls: only the tests start runs.

    A claim that it held to its end is gone with it: nobody is to wait for that.
    """
    clock = azure.endpoints["control"] if virtual else None
    environment = settings(azure) | (more or {})
    with LocalHost(REPOSITORY, folder / "hub.db", environment, virtual=clock, polling_seconds=polling_seconds) as host:
        factory = Factory(host.url, azure.control, BlobClient(azure.environment("local")), speed=0 if virtual else 1)
        yield factory
    factory.blobs.delete("imagefactory", "active-run", account="stfactory")


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
    """The factory, in virtual time where its host is the tests' own."""
    if azure is None or os.environ.get("HOST_URL"):
        yield Factory(os.environ["HOST_URL"].rstrip("/"), Control(os.environ["CONTROL_URL"]), BlobClient(os.environ))
        return
    with hosting(azure, tmp_path_factory.mktemp("host")) as factory:
        yield factory


@pytest.fixture(scope="module")
def factory_in_real_time(
    azure: LocalAzure | None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Factory, None, None]:
    """For what is done while a run works."""
    if azure is None or os.environ.get("HOST_URL"):
        yield request.getfixturevalue("factory")
        return
    with hosting(azure, tmp_path_factory.mktemp("host"), virtual=False) as factory:
        yield factory


@pytest.fixture
def given(factory: Factory) -> Factory:
    """The world of the main job, before its first run."""
    from tests.e2e.test_the_job import job

    world, files = job()
    factory.give(world)
    factory.configure(files)
    factory.control.clear_operations()
    return factory


@pytest.fixture
def own_host(azure: LocalAzure | None) -> LocalAzure:
    """For tests that start and kill hosts themselves."""
    if azure is None or os.environ.get("HOST_URL"):
        pytest.skip("this test starts and kills hosts of its own")
    return azure
