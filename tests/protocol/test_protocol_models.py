"""The extensions of the run protocol, walked through: cancelling a run, and runs that do a part of the job (decisions 5 and 6)."""

import pytest

from shared.domain.claim import Claim
from tests.protocol import cancel_model, doorbell_model


@pytest.mark.parametrize(("ghosts", "at_least"), [(0, 1_000), (1, 25_000)])
def test_a_cancel_at_any_moment_leaves_nothing_and_no_upload_waits(ghosts: int, at_least: int) -> None:
    states, violation = cancel_model.explore(ghosts=ghosts)
    assert violation == ""
    assert states >= at_least


@pytest.mark.slow
def test_a_cancel_beside_two_repeats_leaves_nothing() -> None:
    states, violation = cancel_model.explore(ghosts=2)
    assert violation == ""
    assert states > 300_000


@pytest.mark.parametrize(
    ("rule", "ghosts"),
    [
        *((rule, 0) for rule in sorted(cancel_model.RULES) if not rule.startswith("the second look")),
        ("the second look obeys the cancel or the outcome", 1),
    ],
)
def test_each_rule_of_the_cancel_is_needed(rule: str, ghosts: int) -> None:
    _, violation = cancel_model.explore(cancel_model.RULES - {rule}, ghosts)
    assert violation


def test_no_upload_is_lost_whether_runs_do_all_or_a_part() -> None:
    states, violation = doorbell_model.explore()
    assert violation == ""
    assert states > 100_000


def without_the_ring(claim: Claim, whole: bool, etag: str, next_run: str) -> Claim:
    """A part of the job that is always released: an upload that rang it would wait."""
    return claim.left_by(True, etag, next_run) if whole else claim.released()


def test_an_upload_that_rings_a_part_of_the_job_must_be_heard() -> None:
    assert "never read" in doorbell_model.explore(without_the_ring)[1]


def never_handed_over(claim: Claim, whole: bool, etag: str, next_run: str) -> Claim:
    assert whole in (True, False)
    assert etag
    assert next_run
    return claim.released()


def test_a_run_that_never_hands_over_loses_uploads() -> None:
    assert "never read" in doorbell_model.explore(never_handed_over)[1]
