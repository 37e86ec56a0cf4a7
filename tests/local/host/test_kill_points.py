"""Where tests let the host die: in a process of its own, because that process does die."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from local.host.kill_points import KillPoints
points = KillPoints(sys.argv[1])
for when, name in (one.split(":") for one in sys.argv[2:]):
    points.reach(when, name)
    print(when, name, flush=True)
"""


def reached(kill_at: str, *points: str) -> tuple[int, int]:
    """Exit status, and how many points were passed."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, kill_at, *points], capture_output=True, text=True, check=False
    )
    return ended.returncode, len(ended.stdout.splitlines())


@pytest.mark.parametrize(
    ("kill_at", "passed"),
    [
        ("before:add", 0),
        ("before:add:1", 0),
        ("before:add:2", 2),
        ("after:add", 1),
        ("before:subtract", 3),
        ("before-episode:chain", 4),
    ],
)
def test_the_host_dies_at_the_nth_time_and_nowhere_else(kill_at: str, passed: int):
    points = ("before:add", "after:add", "before:add", "before:subtract", "before-episode:chain")
    assert reached(kill_at, *points) == (137, passed)


@pytest.mark.parametrize("kill_at", ["", "before:other", "before:add:3", "after-episode:add"])
def test_a_point_that_is_not_reached_kills_nobody(kill_at: str):
    assert reached(kill_at, "before:add", "after:add", "before:add") == (0, 3)
