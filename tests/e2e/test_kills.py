"""`kill -9` of the host before and after every activity, and at any moment: the run ends as if nothing had happened."""

import random
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

import function_app
from local.azure import LocalAzure
from local.factory.session import REPOSITORY, settings
from local.host import LocalHost
from tests.e2e.blobs import BlobClient
from tests.e2e.conftest import Factory
from tests.e2e.test_the_job import blobs, images, job

pytestmark = pytest.mark.slow

NEVER_CALLED_HERE = {
    "begin_image_removal",
    "image_removal_pending",
    "give_up_listing",
    "set_lab_aside",
    "close_unfinished",
}
ACTIVITIES = [activity.__name__ for activity in function_app.ACTIVITIES if activity.__name__ not in NEVER_CALLED_HERE]
POINTS = [f"{when}:{name}" for name in ACTIVITIES for when in ("before", "after")]


class Killed:
    """A factory whose host is killed and started again, over one world in virtual time."""

    def __init__(self, azure: LocalAzure, folder: Path) -> None:
        self.azure, self.store = azure, folder / "hub.db"
        azure.control.set_speed(0)
        self.factory = Factory("", azure.control, BlobClient(azure.environment("local")))
        world, files = job()
        world.behave |= {"copySeconds": 60, "imageSeconds": 30}
        world.behave["artifacts"]["fresh"]["deallocate"] = None
        azure.control.clear_faults()
        azure.control.put_world(world.document)
        self.factory.configure(files)

    def new_host(self, kill_at: str = "", virtual: bool = True) -> LocalHost:
        control = self.azure.endpoints["control"] if virtual else None
        environment = settings(self.azure)
        return LocalHost(REPOSITORY, self.store, environment, virtual=control, polling_seconds=0, kill_at=kill_at)

    @contextmanager
    def host(self, virtual: bool = True) -> Generator[LocalHost, None, None]:
        with self.new_host(virtual=virtual) as host:
            self.factory.host = host.url
            yield host

    def died(self, point: str) -> bool:
        """Let a host work until it dies at this point; False when it does not come there."""
        host = self.new_host(point)
        try:
            host.start()
        except RuntimeError:
            # What it resumed came to the point before the host answered.
            return True
        try:
            self.factory.host = host.url
            if not self.factory.runs():
                self.start()
            return host.wait(0 if ended(self) else 10)
        finally:
            host.stop()

    def start(self) -> None:
        """Start the run. A host that dies right then has stored the start, or the start is repeated."""
        try:
            requests.post(f"{self.factory.host}/api/runs", timeout=60)
        except requests.ConnectionError:
            return

    def check(self) -> None:
        """What a run that nobody disturbed leaves behind."""
        [run_id] = self.factory.runs()
        report = self.factory.report(run_id)
        assert report["state"] == "Succeeded", report
        pairs = Counter((pair["lab"], pair["imagePath"]) for pair in report["pairs"])
        assert set(pairs.values()) == {1}
        assert report["counts"]["delivered"] == 5
        assert images(self.factory) == {
            "lab-a": {"Win\\Server.json", "Win\\Fresh.json", "Linux\\Ubuntu 22.04 LTS.json"},
            "lab-b": {"Old\\Legacy.json", "Win\\Server.json"},
            "factory": {"Old\\Legacy.json"},
        }
        world = self.factory.world()
        assert [disk["name"] for disk in world["disks"] if disk.get("sas")] == []
        assert [blob["name"] for account in ("stlaba", "stlabb") for blob in blobs(world, account)] == []
        golden = [blob["name"] for blob in blobs(world, "stfactory")]
        assert len(golden) == 8, "four golden images: a VHD and a manifest each"
        assert self.factory.claim()["state"] == "released"


@pytest.fixture
def killed(own_host: LocalAzure, tmp_path: Path) -> Generator[Killed, None, None]:
    killed = Killed(own_host, tmp_path)
    yield killed
    own_host.control.set_speed(1)
    # Of a run that did not end: nobody is to wait for it.
    killed.factory.blobs.delete("imagefactory", "active-run", account="stfactory")


def test_killed_before_and_after_every_activity_the_run_ends_as_if_nothing_had_happened(killed: Killed) -> None:
    """One run, killed at each activity in turn, in the order of a run, and started again each time."""
    died = [point for point in POINTS if killed.died(point)]
    with killed.host():
        killed.check()
    missed = sorted(set(POINTS) - set(died))
    assert len(missed) <= 4, f"not reached: {missed}"


def test_killed_at_random_moments_the_run_ends_as_if_nothing_had_happened(killed: Killed) -> None:
    """Eight moments of one run in real time, from a seed that a failure prints."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    killed.azure.control.set_speed(20)
    for _ in range(8):
        with killed.host(virtual=False) as host:
            if not killed.factory.runs():
                killed.start()
            if ended(killed):
                break
            time.sleep(moments.uniform(0.05, 2.5))
            host.kill()
    with killed.host(virtual=False):
        killed.check()


def ended(killed: Killed) -> bool:
    return any(name.endswith("report.json") for name in killed.factory.blobs.names("runs")) and (
        killed.factory.claim().get("state") == "released"
    )
