"""Dataclass to JSON and back, as it crosses the durable seam and as it lies in the journal."""

import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.outcomes import Ending, Outcome
from shared.wire import from_json, from_plain, to_json, to_plain, without_blanks
from tests.shared.first_reads import THREADS, TYPES

REPOSITORY = Path(__file__).resolve().parents[2]


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    long_name: str
    other: int | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    several: tuple[Inner, ...] = ()
    at: datetime | None = None
    wait: timedelta = timedelta()
    colour: Colour = Colour.RED
    by_name: dict[str, int] = field(default_factory=dict[str, int])


OUTER = Outer(
    Inner("a", 1),
    (Inner("b"), Inner("c", 0)),
    datetime(2026, 11, 23, 2, 5, 9, 123456, tzinfo=UTC),
    timedelta(hours=12, seconds=0.5),
    Colour.RED,
    {"lab": 1},
)


def test_the_wire_is_lower_camel_case_and_says_nothing_of_what_is_none() -> None:
    assert to_plain(Outer(Inner("a"))) == {
        "inner": {"longName": "a"},
        "several": [],
        "wait": "P0D",
        "colour": "red",
        "byName": {},
    }


def test_what_goes_over_the_wire_comes_back() -> None:
    assert from_plain(to_plain(OUTER), Outer) == OUTER
    assert from_json(to_json(OUTER), Outer) == OUTER
    assert from_json(to_json(OUTER, indent=2), Outer) == OUTER


def test_times_are_utc_in_iso_8601() -> None:
    assert to_plain(OUTER)["at"] == "2026-11-23T02:05:09.123456Z"


def test_empty_texts_and_zeros_are_values_and_stay() -> None:
    assert to_plain(Inner("", 0)) == {"longName": "", "other": 0}


def test_unknown_keys_are_ignored_so_that_an_older_app_reads_a_newer_journal() -> None:
    assert from_plain({"longName": "a", "newKey": 1}, Inner) == Inner("a")


@pytest.mark.parametrize(
    "plain", [None, [], 1, "x", {}, {"longName": None}, {"longName": 1}, {"longName": "a", "other": "x"}]
)
def test_what_does_not_fit_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match=r"Expected|missing"):
        from_plain(plain, Inner)
    assert issubclass(msgspec.ValidationError, ValueError)


@given(
    st.builds(
        Outcome,
        state=st.sampled_from(Ending),
        code=st.text(max_size=20),
        message=st.text(max_size=50),
        bytes=st.none() | st.integers(0, 2**53),
        seconds=st.none() | st.floats(0, 1e9),
    )
)
def test_every_outcome_comes_back_as_it_was(outcome: Outcome) -> None:
    assert from_json(to_json(outcome), Outcome) == outcome


def test_text_that_looks_like_the_durable_codecs_envelope_stays_text() -> None:
    hostile = Inner('{"__class__": "Popen", "__module__": "subprocess", "__data__": "sh"}')
    assert from_plain(to_plain(hostile), Inner) == hostile


def test_a_document_for_others_leaves_out_what_is_empty_but_keeps_zeros_lists_and_no() -> None:
    plain = {"a": "", "b": None, "c": 0, "d": [], "e": [{"f": "", "g": "x"}], "h": False, "i": {"j": ""}}
    assert without_blanks(plain) == {"c": 0, "d": [], "e": [{"g": "x"}], "h": False, "i": {}}


def test_threads_that_read_a_type_for_the_first_time_at_once_do_not_kill_the_process() -> None:
    """msgspec 0.22.0 does."""
    reading = [sys.executable, "-m", "tests.shared.first_reads"]
    done = subprocess.run(reading, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{TYPES * THREADS}\n")
