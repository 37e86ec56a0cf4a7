"""Many orchestrations at once, and hours of timers, on one host."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.host import LocalHost
from tests.local.host.orchestrations import Orchestrations

pytestmark = pytest.mark.slow

NewHost = Callable[..., LocalHost]
MANY = 75
"""Of each shape."""


def first_of(number: int) -> int:
    """What a chain begins with; its activities are told from all others by it."""
    return 1_000 * (number + 1)


def start_many(orchestrations: Orchestrations) -> None:
    """Chains, fan-outs, parents with three children, and sleepers."""

    def start(number: int) -> None:
        shapes = {"chain": first_of(number), "fan_out": 3, "family": {"children": 3}, "nap": 0.5}
        for name, value in shapes.items():
            orchestrations.start(name, value, f"{name}-{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(start, range(MANY)))


def assert_all_completed(orchestrations: Orchestrations) -> None:
    for number in range(MANY):
        assert orchestrations.wait(f"chain-{number}")["output"]["value"] == first_of(number) + 3
        assert orchestrations.wait(f"fan_out-{number}")["output"] == 6
        assert orchestrations.wait(f"family-{number}")["output"] == 6
        assert orchestrations.wait(f"nap-{number}")["output"] >= 1
        assert orchestrations.wait(f"family-{number}:2")["output"] == 3


def times_run(folder: Path) -> Counter[str]:
    """How often each activity of the chains and, at 0 to 2, of all fan-outs together ran."""
    return Counter((folder / "notes").read_text("utf-8").splitlines())


def steps_of_chains() -> set[str]:
    return {f"add_one {first_of(number) + step}" for number in range(MANY) for step in range(3)}


def test_three_hundred_orchestrations_at_once_all_complete(new_host: NewHost, tmp_path: Path):
    orchestrations = Orchestrations(new_host().url)
    begun = time.monotonic()
    start_many(orchestrations)
    assert_all_completed(orchestrations)
    assert time.monotonic() - begun < 120
    of_fan_outs = {f"add_one {number}": MANY for number in range(3)}
    assert times_run(tmp_path) == Counter(steps_of_chains()) + Counter(of_fan_outs), "each activity exactly once"


def test_three_hundred_orchestrations_complete_through_a_kill(new_host: NewHost, tmp_path: Path):
    first = new_host()
    start_many(Orchestrations(first.url))
    first.kill()  # the last sleepers have a second to go
    assert_all_completed(Orchestrations(new_host().url))
    times = times_run(tmp_path)
    assert times.keys() >= steps_of_chains(), "each activity at least once"
    assert min(times[f"add_one {number}"] for number in range(3)) >= MANY
    for number in range(MANY):
        again = sum(times[f"add_one {first_of(number) + step}"] for step in range(3)) - 3
        assert again <= 1, "only the step of a chain whose answer was not stored yet is done again"


def test_a_chain_of_timers_over_hours_ends_at_once_on_time_of_its_own(new_host: NewHost):
    orchestrations = Orchestrations(new_host(virtual="alone").url)
    orchestrations.run("chain", 1)  # the first start loads much
    begun = time.monotonic()
    ended = orchestrations.run("nap", 1.5 * 3600)
    assert time.monotonic() - begun < 60  # instead of three hours
    assert ended["output"] == 3 * 3600
