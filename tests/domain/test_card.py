"""The card of a run: what it tells, of which runs, and that no text in it becomes anything but text."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.findings import Finding, Severity
from shared.domain.outcomes import Ending, RunState
from shared.domain.renderings.card import MOST_FAILURES, NotifyOn, card_message
from shared.domain.report import CaptureRow, RunReport
from tests.domain.test_report import report, row

FAILED = row(state=Ending.FAILED, code="CopyFailed", message="The copy failed.", next="Run again.")
LARGEST = 28 * 1024
"""Bytes of a message that Teams takes (Microsoft: "Limits and specifications for Microsoft Teams")."""


def content(report: RunReport, host: str = "") -> dict[str, Any]:
    (attachment,) = card_message(report, host)["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return attachment["content"]


def elements(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from elements(each)
    elif isinstance(value, list):
        for each in value:
            yield from elements(each)


def texts(card: dict[str, Any]) -> str:
    return "\n".join(each["text"] for each in elements(card) if each.get("type") == "TextRun")


def test_it_tells_the_state_the_counts_and_what_failed_with_its_next_step() -> None:
    aside = Finding(Severity.ERROR, "LabDuplicate", "Twice.", "Join the two.", "$.Labs[1]", 9)
    vm = CaptureRow("vm-1", state=Ending.FAILED, code="DiskExportedByOther", message="Busy.", next="Wait.")
    ended = report(
        state=RunState.PARTIALLY_SUCCEEDED,
        findings=(aside, Finding(Severity.WARNING, "UnknownKey", "Hm.", "Correct it.")),
        captures=(vm,),
        pairs=(row(), row(), FAILED),
    )
    card = content(ended)
    said = texts(card)
    for text in ("PartiallySucceeded", "20261123T020509Z-3fa2", "1:02:03", "LabDuplicate: Twice.", "$.Labs[1], line 9"):
        assert text in said
    for text in ("Join the two.", "VM vm-1", "Wait.", "image in lab", "CopyFailed: The copy failed.", "Run again."):
        assert text in said
    assert "UnknownKey" not in said
    (facts,) = (each["facts"] for each in elements(card) if each.get("type") == "FactSet")
    told = {"Delivered": "2", "Failed": "1", "Captures failed": "1"}
    assert {fact["title"]: fact["value"] for fact in facts} == told


def test_the_report_is_linked_where_the_app_knows_its_name() -> None:
    assert content(report(), "factory.azurewebsites.net")["actions"] == [
        {
            "type": "Action.OpenUrl",
            "title": "Report",
            "url": "https://factory.azurewebsites.net/api/runs/20261123T020509Z-3fa2/report?format=html",
        }
    ]
    assert "actions" not in content(report())


def test_the_first_failures_are_told_and_how_many_more_there_are() -> None:
    said = texts(content(report(pairs=(FAILED,) * 12)))
    assert said.count("CopyFailed") == MOST_FAILURES
    assert f"And {12 - MOST_FAILURES} more" in said


HOSTILE = st.text(max_size=2000) | st.sampled_from(
    [
        "[free](https://evil)",
        "**loud**",
        "<at>everyone</at>",
        "{{DATE(2026-01-01T00:00:00Z,SHORT)}}",
        "${secret}",
        "\u202e",
    ]
)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_texts_of_others_stand_where_no_markdown_is_read_and_fill_nothing_in(lab: str, message: str, code: str) -> None:
    """A TextBlock, a FactSet and a title read Markdown; a TextRun does not (Adaptive Cards, "Text features")."""
    ended = report(pairs=(row(lab=lab, state=Ending.FAILED, message=message, code=code, next=message),) * 9)
    message_sent = card_message(ended, "")
    for each in elements(message_sent):
        assert each.get("type") in (None, "message", "AdaptiveCard", "RichTextBlock", "TextRun", "FactSet")
        if each.get("type") == "FactSet":
            assert all(fact["value"].isdecimal() for fact in each["facts"])
    assert texts(message_sent).replace("\n", "").isprintable()
    assert not any(mark in json.dumps(message_sent) for mark in ("{{", "${"))
    assert len(json.dumps(message_sent)) < LARGEST


QUIET = report(pairs=(row(state=Ending.PRESENT),))
BUSY = report(pairs=(row(),))
CAPTURED = report(captures=(CaptureRow("vm", state=Ending.CAPTURED),))
PARTLY = report(state=RunState.PARTIALLY_SUCCEEDED, pairs=(row(state=Ending.PRESENT),))
LOST = report(state=RunState.FAILED)


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (NotifyOn.FAILURE, [PARTLY, LOST]),
        (NotifyOn.CHANGE, [BUSY, CAPTURED, PARTLY, LOST]),
        (NotifyOn.ALWAYS, [QUIET, BUSY, CAPTURED, PARTLY, LOST]),
    ],
)
def test_an_operator_says_which_runs_are_told_of(wish: NotifyOn, told: list[RunReport]) -> None:
    assert [ended for ended in (QUIET, BUSY, CAPTURED, PARTLY, LOST) if wish.wants(ended)] == told
