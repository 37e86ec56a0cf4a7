"""Waiting by progress: late by little, with few questions."""

import random
from datetime import timedelta

import pytest

from shared.domain.waiting import LONGEST, SHORTEST, Progress, next_pause

GIB = 2**30


def asked_until_done(length: float, wobble: float = 0.0, seed: int = 1) -> tuple[float, int]:
    """(seconds until a copy of `length` seconds is seen to be done, questions); its speed wobbles by that share."""
    speed = random.Random(seed)
    now, questions = 0.0, 0
    while True:
        questions += 1
        if now >= length:
            return now, questions
        share = min(0.999, now / length * (1 + speed.uniform(-wobble, wobble)))
        pause = next_pause(timedelta(seconds=now), Progress(True, int(100 * GIB * share), 100 * GIB))
        now += pause.total_seconds()


def lateness(length: float, wobble: float) -> float:
    """For copies of about that length, how late the end is seen on average, as a share of the length."""
    lengths = [length * (0.75 + step / 100) for step in range(50)]
    late = [asked_until_done(each, wobble, step)[0] / each - 1 for step, each in enumerate(lengths)]
    return sum(late) / len(late)


def test_the_end_of_a_five_minute_copy_is_seen_within_six_percent_however_its_speed_wobbles() -> None:
    assert lateness(300, wobble=0.2) <= 0.06
    assert lateness(300, wobble=0) <= 0.012


def test_the_end_of_a_steady_twenty_minute_copy_is_seen_within_three_thousandths() -> None:
    assert lateness(1200, wobble=0) <= 0.003


@pytest.mark.parametrize(("minutes", "most"), [(5, 12), (20, 16), (180, 50)])
def test_a_copy_costs_few_questions(minutes: int, most: int) -> None:
    assert asked_until_done(minutes * 60)[1] <= most


def test_the_pause_is_seven_tenths_of_the_predicted_rest() -> None:
    assert next_pause(timedelta(seconds=60), Progress(True, GIB, 2 * GIB)) == timedelta(seconds=42)


@pytest.mark.parametrize("told", [Progress(True), Progress(True, 0, GIB), Progress(True, GIB, None)])
def test_where_nothing_is_told_the_pause_is_a_tenth_of_the_time_waited(told: Progress) -> None:
    assert next_pause(timedelta(minutes=10), told) == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("waited", "told", "pause"),
    [
        (timedelta(0), Progress(True), SHORTEST),
        (timedelta(0), Progress(True, 1, GIB), SHORTEST),
        (timedelta(minutes=5), Progress(True, GIB, GIB), SHORTEST),
        (timedelta(minutes=5), Progress(True, 2 * GIB, GIB), SHORTEST),
        (timedelta(hours=9), Progress(True), LONGEST),
        (timedelta(minutes=5), Progress(True, 1, 1000 * GIB), LONGEST),
    ],
)
def test_a_pause_is_always_between_five_seconds_and_five_minutes(
    waited: timedelta, told: Progress, pause: timedelta
) -> None:
    assert timedelta(seconds=5) == SHORTEST
    assert timedelta(minutes=5) == LONGEST
    assert next_pause(waited, told) == pause
