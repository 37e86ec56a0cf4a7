"""Every row of the claim's table in the run protocol."""

import pytest

from shared.domain.claim import Claim, ClaimState, take
from shared.errors import RejectedError

OLDER, MINE, YOUNGER = "20261123T010000Z-aaaa", "20261123T020000Z-bbbb", "20261123T030000Z-cccc"
HELD, RELEASED = ClaimState.HELD, ClaimState.RELEASED


def refusal(claim: Claim) -> str:
    with pytest.raises(RejectedError) as refused:
        take(claim, MINE, "app")
    assert refused.value.next_step
    return refused.value.code


def test_an_absent_claim_is_taken_and_nobody_waits() -> None:
    assert take(None, MINE, "app") == Claim("app", MINE, HELD, took_over=False, seen_etag="")


@pytest.mark.parametrize("app", ["app", "other"])
def test_a_released_claim_of_an_older_run_is_taken_whoever_had_it(app: str) -> None:
    assert take(Claim(app, OLDER, RELEASED, seen_etag="1"), MINE, "app") == Claim("app", MINE, HELD, False, "1")


def test_a_claim_that_a_dead_run_of_this_app_holds_is_taken_over_and_says_so() -> None:
    assert take(Claim("app", OLDER, HELD, seen_etag="1"), MINE, "app") == Claim("app", MINE, HELD, True, "1")


def test_who_takes_a_claim_that_was_taken_over_and_released_has_nobody_to_wait_for() -> None:
    assert take(Claim("app", OLDER, RELEASED, took_over=True), MINE, "app").took_over is False


@pytest.mark.parametrize("took_over", [False, True])
def test_taking_again_changes_nothing_and_tells_the_same_take_over(took_over: bool) -> None:
    mine = Claim("app", MINE, HELD, took_over, "1")
    assert take(mine, MINE, "app") is mine


def test_a_late_repeat_does_not_take_back_what_was_released() -> None:
    assert refusal(Claim("app", MINE, RELEASED)) == "Superseded"


@pytest.mark.parametrize("state", [HELD, RELEASED])
def test_a_late_repeat_does_not_take_the_claim_of_a_younger_run(state: ClaimState) -> None:
    assert refusal(Claim("app", YOUNGER, state)) == "Superseded"


@pytest.mark.parametrize("run", [OLDER, YOUNGER])
def test_a_claim_that_another_app_holds_is_never_taken_over(run: str) -> None:
    assert refusal(Claim("other", run, HELD)) == "ClaimedByOtherApp"


# --- Left


LEFT, HANDED = Claim("app", MINE, RELEASED, seen_etag="1"), Claim("app", YOUNGER, HELD, seen_etag="1")


@pytest.mark.parametrize(
    ("whole", "rung", "cancelled", "etag", "left"),
    [
        # The whole job: whatever changed is the next run's, rung or not.
        (True, False, False, "1", LEFT),
        (True, True, False, "1", LEFT),
        (True, False, False, "2", HANDED),
        (True, True, False, "2", HANDED),
        # A part, or a run that was cancelled: only an upload that has rung; any other finds the claim released.
        (False, False, False, "2", LEFT),
        (False, True, False, "2", HANDED),
        (False, True, False, "1", LEFT),
        (True, False, True, "2", LEFT),
        (True, True, True, "2", HANDED),
        (False, False, True, "2", LEFT),
        (False, True, True, "2", HANDED),
    ],
)
def test_a_claim_is_handed_over_only_for_a_configuration_that_no_whole_run_has_seen(
    whole: bool, rung: bool, cancelled: bool, etag: str, left: Claim
) -> None:
    claim = Claim("app", MINE, HELD, took_over=False, seen_etag="1", rung=rung, cancelled=cancelled)
    assert claim.left_by(whole, etag, YOUNGER) == left


def test_a_mark_ends_with_its_run() -> None:
    marked = Claim("app", OLDER, HELD, seen_etag="1").ring().cancel()
    assert (marked.rung, marked.cancelled) == (True, True)
    assert marked.held_by(OLDER)
    for after in (marked.released(), marked.handed_to(MINE), take(marked, MINE, "app")):
        assert (after.rung, after.cancelled) == (False, False)
    assert take(marked, OLDER, "app") is marked, "taking again keeps it"


def test_the_refusal_says_which_blob_an_operator_may_delete() -> None:
    with pytest.raises(RejectedError, match=r"'other'.*holds the claim") as refused:
        take(Claim("other", OLDER, HELD), MINE, "app")
    assert "imagefactory/active-run" in refused.value.next_step


def test_a_claim_is_handed_on_held_and_taken_by_its_new_run_without_a_pause() -> None:
    handed = Claim("app", OLDER, HELD, took_over=True, seen_etag="1").handed_to(MINE)
    assert handed == Claim("app", MINE, HELD, took_over=False, seen_etag="1")
    assert take(handed, MINE, "app") is handed


def test_only_the_run_named_in_a_held_claim_holds_it() -> None:
    held = Claim("app", MINE, HELD)
    assert held.held_by(MINE)
    assert not held.held_by(OLDER)
    assert not held.released().held_by(MINE)


def test_what_a_run_has_seen_changes_nothing_else() -> None:
    assert Claim("app", MINE, HELD, True, "1").having_seen("2") == Claim("app", MINE, HELD, True, "2")
