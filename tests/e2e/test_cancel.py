"""A run that is cancelled leaves nothing behind; at which moment, `tests/resilience` tries without end."""

import time

import pytest

from tests.e2e.conftest import Factory
from tests.e2e.end_state import vhd_blobs
from tests.e2e.over_http import cancel
from tests.e2e.test_the_job import job

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seconds", [0, 0.3, 0.7, 1.2, 2])
def test_a_run_that_is_cancelled_leaves_nothing_behind(given: Factory, seconds: float) -> None:
    world, files = job()
    given.give(world.behaving(copySeconds=4, imageSeconds=2))
    given.configure(files)
    run_id = given.start()
    time.sleep(seconds)
    assert cancel(given, run_id).status_code in (200, 202)
    assert cancel(given, run_id).status_code in (200, 202)
    report = given.report(run_id)
    given.wait_until_idle()
    assert report["state"] in ("Cancelled", "Succeeded")
    assert report["state"] == "Cancelled" or seconds > 0
    keys = [(pair["lab"], pair["imagePath"]) for pair in report["pairs"]]
    assert len(keys) == len(set(keys)), "I4"
    assert {row["state"] for row in report["pairs"] + report["captures"]} <= {
        "delivered",
        "captured",
        "present",
        "skipped",
    }
    world_now = given.world()
    assert [disk["name"] for disk in world_now["disks"] if disk.get("sas")] == [], "I1"
    assert [*vhd_blobs(world_now, "stlaba"), *vhd_blobs(world_now, "stlabb")] == [], "I2"
    manifests = {name for name in vhd_blobs(world_now, "stfactory") if name.endswith(".json")}
    vhds = {name for name in vhd_blobs(world_now, "stfactory") if name.endswith(".vhd")}
    assert {name.removesuffix(".vhd") for name in vhds} == {name.removesuffix(".json") for name in manifests}, "I2"
    assert given.blobs.names("imagefactory", account="stfactory") == ["active-run"]
    assert given.claim()["state"] == "released"
    assert cancel(given, run_id).json()["state"] == report["state"], "a cancel of a run that has ended does nothing"
    after = given.run()
    assert after["state"] == "Succeeded"
    assert after["counts"]["delivered"] + after["counts"]["present"] == 6
