"""How a run ends, by the sum of how everything in it ended."""

from itertools import chain, combinations

import pytest

from shared.domain.outcomes import Ending, Outcome, RunState, run_state
from shared.errors import RejectedError

DELIVERED, CAPTURED, PRESENT, SKIPPED, FAILED = (
    Ending.DELIVERED,
    Ending.CAPTURED,
    Ending.PRESENT,
    Ending.SKIPPED,
    Ending.FAILED,
)


@pytest.mark.parametrize(
    ("captures", "pairs", "state"),
    [
        ([], [], RunState.SUCCEEDED),
        ([CAPTURED, PRESENT], [DELIVERED, PRESENT], RunState.SUCCEEDED),
        ([SKIPPED], [SKIPPED], RunState.SUCCEEDED),
        ([], [DELIVERED, FAILED], RunState.PARTIALLY_SUCCEEDED),
        ([], [PRESENT, FAILED], RunState.PARTIALLY_SUCCEEDED),
        ([FAILED], [PRESENT], RunState.PARTIALLY_SUCCEEDED),
        ([], [SKIPPED, FAILED], RunState.FAILED),
        ([FAILED], [], RunState.FAILED),
        ([CAPTURED], [FAILED], RunState.FAILED),
    ],
)
def test_the_state_of_a_run_follows_from_its_endings(
    captures: list[Ending], pairs: list[Ending], state: RunState
) -> None:
    assert run_state(captures, pairs, refused=False, set_aside=False) is state


def test_a_lab_or_entry_that_was_set_aside_makes_a_good_run_partial() -> None:
    assert run_state([CAPTURED], [DELIVERED], refused=False, set_aside=True) is RunState.PARTIALLY_SUCCEEDED
    assert run_state([], [], refused=False, set_aside=True) is RunState.PARTIALLY_SUCCEEDED


def test_a_refused_run_has_failed_whatever_else_is_known() -> None:
    assert run_state([CAPTURED], [DELIVERED], refused=True, set_aside=False) is RunState.FAILED


def test_what_a_policy_skipped_changes_nothing() -> None:
    some = [ending for ending in Ending if ending is not SKIPPED]
    for pairs in chain.from_iterable(combinations(some, size) for size in range(len(some) + 1)):
        for aside in (False, True):
            assert run_state([], [*pairs, SKIPPED], False, aside) is run_state([], pairs, False, aside)
            assert run_state([SKIPPED], pairs, False, aside) is run_state([], pairs, False, aside)


def test_endings_may_come_as_a_stream() -> None:
    assert run_state(iter([FAILED]), iter([DELIVERED]), False, False) is RunState.PARTIALLY_SUCCEEDED


def test_a_failed_outcome_says_what_the_error_says() -> None:
    error = RejectedError("QuotaExceeded", "No room.", "Ask for more.")
    assert Outcome.failed(error) == Outcome(FAILED, "QuotaExceeded", "No room.", "Ask for more.")
