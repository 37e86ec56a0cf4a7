"""What the experiments found, as the shortest case that shows it; and that a case is the same whenever it is played."""

import pytest

from tests.resilience.cases import play
from tests.resilience.laboratory import Laboratory
from tests.resilience.timeline import told
from tests.resilience.trial import baseline
from tests.resilience.troubles import Way

pytestmark = pytest.mark.slow


def number_of(laboratory: Laboratory, part: str) -> int:
    """The first call of the run in which nothing goes wrong that has this in its path."""
    return next(number for number, call in enumerate(baseline(laboratory).calls) if part in call)


def test_an_export_whose_answer_was_lost_is_made_anew(laboratory: Laboratory) -> None:
    grant = number_of(laboratory, "/beginGetAccess")
    assert play(laboratory, f"E1 {grant}:{Way.BROKEN_AFTER}").violations == []


def test_an_export_that_azure_does_not_find_is_not_forgotten(laboratory: Laboratory) -> None:
    revoke = number_of(laboratory, "/endGetAccess")
    assert play(laboratory, f"E1 {revoke}:{Way.MISSING}").violations == []


def test_a_case_is_the_same_to_the_last_call_whenever_it_is_played(laboratory: Laboratory) -> None:
    play(laboratory, "E5 4711")
    first = list(told(laboratory))
    play(laboratory, "E5 4712")
    other = list(told(laboratory))
    play(laboratory, "E5 4711")
    assert list(told(laboratory)) == first != other


def test_a_host_that_dies_leaves_nothing_of_its_memory(laboratory: Laboratory) -> None:
    verdict = play(laboratory, "E3 700")
    lines = list(told(laboratory))
    died = next(number for number, line in enumerate(lines) if "the host dies" in line)
    assert "a new process begins" in lines[died + 1]
    assert (verdict.violations, verdict.injected) == ([], 1)
