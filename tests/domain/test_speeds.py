"""Which work a free lane takes next."""

import heapq
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.speeds import Load, Speed, begun, next_index, told, written

GIB = 2**30


def test_an_account_that_was_not_tried_comes_first() -> None:
    loads = [Load("tried", 500 * GIB), Load("new", GIB)]
    assert next_index([0, 1], loads, begun({}, "tried")) == 1


def test_the_largest_comes_first_where_no_speed_is_known() -> None:
    loads = [Load("a", 32), Load("a", 127), Load("a", 64)]
    assert next_index([0, 1, 2], loads, {}) == 1


def test_a_small_image_for_a_slow_account_comes_before_a_large_one_for_a_fast_one() -> None:
    loads = [Load("fast", 127 * GIB), Load("slow", 32 * GIB)]
    speeds = told(told({}, "fast", 127.0, 127 * GIB), "slow", 320.0, 32 * GIB)
    speeds = begun(begun(speeds, "fast"), "slow")
    assert next_index([0, 1], loads, speeds) == 1


def test_of_equals_the_account_with_most_left_to_do_goes_first() -> None:
    loads = [Load("little", 10), Load("much", 10), Load("much", 10)]
    assert next_index([0, 1, 2], loads, {}) in (1, 2)


@pytest.mark.parametrize(
    ("account", "seconds", "gib"),
    [("a", 0, 0.0), ("a", 15, 1.5), ("a", 40, 4.0), ("a", 999, 4.0), ("unknown", 15, 0.0)],
)
def test_how_much_of_a_copy_is_written_goes_by_the_speed_of_its_account(
    account: str, seconds: float, gib: float
) -> None:
    speeds = begun(told({}, "a", 10.0, GIB), "unknown")
    assert written(speeds, Load(account, 4 * GIB), seconds) == gib * GIB


def test_a_speed_is_the_mean_of_what_copies_told() -> None:
    speeds = told(told({}, "a", 10.0, GIB), "a", 30.0, GIB)
    assert speeds["a"] == Speed(begun=0, told=2, seconds_per_gib=20.0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**12)), min_size=1, max_size=30), st.data())
def test_it_always_takes_one_that_is_left(work: list[tuple[str, int]], data: st.DataObject) -> None:
    loads = [Load(account, size) for account, size in work]
    left = sorted(data.draw(st.sets(st.integers(0, len(loads) - 1), min_size=1)))
    speeds = told(begun({}, "a"), "a", 1.0, 1)
    assert next_index(left, loads, speeds) in left


def test_known_speeds_end_a_distribution_sooner_than_sizes_alone() -> None:
    """Sixty worlds of 20 accounts of very different speed, 5 images each, 20 lanes: the mean time over the ideal."""
    by_speed, by_size = [], []
    for seed in range(60):
        loads, seconds = _world(random.Random(seed))
        ideal = max(sum(seconds) / 20, max(seconds))
        by_speed.append(_makespan(loads, seconds, learning=True) / ideal)
        by_size.append(_makespan(loads, seconds, learning=False) / ideal)
    assert sum(by_speed) / 60 < 1.12
    assert sum(by_size) / 60 > 1.15


def _world(chance: random.Random) -> tuple[list[Load], list[float]]:
    loads: list[Load] = []
    seconds: list[float] = []
    for account in range(20):
        speed = 9 * chance.lognormvariate(0, 0.6)
        for size in (32, 127, 127, 127, 127):
            loads.append(Load(f"st{account}", size * GIB))
            seconds.append(size * speed * chance.lognormvariate(0, 0.3))
    return loads, seconds


def _makespan(loads: list[Load], seconds: list[float], learning: bool) -> float:
    left, speeds, now = list(range(len(loads))), dict[str, Speed](), 0.0
    running: list[tuple[float, int]] = []
    while left or running:
        while left and len(running) < 20:
            index = next_index(left, loads, speeds)
            left.remove(index)
            speeds = begun(speeds, loads[index].account)
            if learning:
                speeds = told(speeds, loads[index].account, seconds[index], loads[index].size_bytes)
            heapq.heappush(running, (now + seconds[index], index))
        now, _ = heapq.heappop(running)
    return now
