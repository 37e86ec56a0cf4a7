"""For each invariant a planted bug that the checker must see: a checker that never objects proves nothing."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

import activities.delivery
import activities.grants
import activities.marks
import activities.report
import shared.domain.claim
import shared.journal
from activities.copies import RunningCopy
from shared.azure.vhds import Vhds
from shared.domain.waiting import DONE
from tests.resilience.cases import play
from tests.resilience.laboratory import Laboratory

pytestmark = pytest.mark.slow

NOTHING_WRONG = "E3 1000000"
"""The reference run, the next and the one after it: the host dies at a place that no run has."""


def objections(laboratory: Laboratory, case: str = NOTHING_WRONG) -> set[str]:
    return {violation.invariant for violation in play(laboratory, case).violations}


def test_without_a_planted_bug_there_is_nothing_to_object_to(laboratory: Laboratory) -> None:
    assert objections(laboratory) == set()


def test_i1_an_export_that_is_never_ended_is_seen(laboratory, monkeypatch) -> None:
    monkeypatch.setattr(activities.grants.disks, "revoke", lambda _: None)
    assert "I1" in objections(laboratory)


def test_i2_copies_that_are_never_removed_are_seen(laboratory, monkeypatch) -> None:
    monkeypatch.setattr(Vhds, "remove", lambda *_: None)
    assert "I2" in objections(laboratory)


def test_i2_a_claim_that_is_never_released_is_seen(laboratory, monkeypatch) -> None:
    monkeypatch.setattr(shared.domain.claim.Claim, "released", lambda claim: claim)
    assert "I2" in objections(laboratory)


def test_i3_an_image_made_before_its_copy_is_complete_is_seen(laboratory, monkeypatch) -> None:
    monkeypatch.setattr(activities.delivery, "copy_progress", lambda _: DONE)
    assert "I3" in objections(laboratory)


@pytest.mark.parametrize("rows", [lambda rows: rows[1:], lambda rows: (*rows, rows[0])], ids=["left out", "twice"])
def test_i4_a_pair_that_is_not_reported_once_is_seen(laboratory, monkeypatch, rows: Callable[[Any], Any]) -> None:
    pair_rows = activities.report.pair_rows
    monkeypatch.setattr(activities.report, "pair_rows", lambda *plan: rows(pair_rows(*plan)))
    assert "I4" in objections(laboratory)


def test_i5_a_signed_address_in_the_history_is_seen(laboratory, monkeypatch) -> None:
    begin_copy, signed = Vhds.begin_copy, []

    def noting(vhds: Vhds, name: str, source: str, metadata: Any) -> Any:
        signed.append(source)
        return begin_copy(vhds, name, source, metadata)

    def leaking(*of: Any, **more: Any) -> RunningCopy:
        return replace(RunningCopy(*of, **more), copy_id=f"{of[2]} {signed[-1]}" if signed else of[2])

    monkeypatch.setattr(Vhds, "begin_copy", noting)
    monkeypatch.setattr(activities.delivery, "RunningCopy", leaking)
    assert "I5" in objections(laboratory)


def test_i6_a_grant_in_a_run_that_has_nothing_to_do_is_seen(laboratory, monkeypatch) -> None:
    write = shared.journal.Journal.write

    def signing(journal: Any, name: str, document: object) -> Any:
        if name.startswith("tickets/"):
            Vhds("stfactory").signed_url("00000001-0000-4000-8000-000000000001.vhd", timedelta(hours=1))
        return write(journal, name, document)

    monkeypatch.setattr(shared.journal.Journal, "write", signing)
    assert "I6" in objections(laboratory)


def test_i7_a_sweep_that_takes_what_is_not_ours_is_seen(laboratory, monkeypatch) -> None:
    monkeypatch.setattr(activities.marks, "is_leftover", lambda *of: of[2].name.endswith(".vhd"))
    assert "I7" in objections(laboratory)


def test_i8_a_pair_that_is_copied_twice_at_once_is_seen(laboratory, monkeypatch) -> None:
    begin_copy = Vhds.begin_copy

    def doubling(vhds: Vhds, name: str, source: str, metadata: Any) -> Any:
        begin_copy(vhds, f"again-{name}", source, metadata)
        return begin_copy(vhds, name, source, metadata)

    monkeypatch.setattr(Vhds, "begin_copy", doubling)
    assert "I8" in objections(laboratory)


def test_i9_a_delivery_that_removes_the_golden_vhd_is_seen(laboratory, monkeypatch) -> None:
    remove = activities.delivery._remove_copy

    def removing(delivery: Any) -> None:
        remove(delivery)
        Vhds("stfactory").remove(delivery.image.vhd)

    monkeypatch.setattr(activities.delivery, "_remove_copy", removing)
    assert "I9" in objections(laboratory)


@pytest.mark.parametrize(
    "place", ["activities.tickets.told", "orchestrators.lanes.child_id"], ids=["activity", "orchestrator"]
)
def test_a_bug_that_the_next_attempt_hides_is_seen(laboratory, monkeypatch, place: str) -> None:
    module, _, name = place.rpartition(".")
    right, calls = getattr(sys.modules[module], name), count(1)

    def failing_once(*values: Any) -> Any:
        if next(calls) == 1:
            raise ZeroDivisionError
        return right(*values)

    monkeypatch.setattr(sys.modules[module], name, failing_once)
    assert "bug" in objections(laboratory)
