"""The end of a run as an Adaptive Card, the message that a Teams workflow posts."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from shared.domain.findings import Severity
from shared.domain.outcomes import Ending, RunState
from shared.domain.quoting import one_line
from shared.domain.report import RunReport, counts

MOST_FAILURES = 5
LONGEST_TEXT = 400
"""Teams refuses a message above 28 KB; whoever wants to know more reads the report."""


class NotifyOn(StrEnum):
    """Which runs are told of: those that failed, at least in part; those that also changed something; all."""

    FAILURE = "failure"
    CHANGE = "change"
    ALWAYS = "always"

    def wants(self, report: RunReport) -> bool:
        failed = report.state in (RunState.FAILED, RunState.PARTIALLY_SUCCEEDED)
        rows = (*report.captures, *report.pairs)
        changed = any(row.state in (Ending.CAPTURED, Ending.DELIVERED) for row in rows)
        return self is NotifyOn.ALWAYS or failed or (self is NotifyOn.CHANGE and changed)


def card_message(report: RunReport, host: str) -> dict[str, Any]:
    """The message with the card. `host` is the app's host name, empty where nobody knows it: then there is no link.

    Texts of others stand in text runs only: these know no Markdown, so that nothing in them becomes a link or a mention.
    """
    body = [
        _texts(
            (f"Image factory: {report.state}", {"size": "large", "weight": "bolder", "color": _colour(report.state)})
        ),
        _texts((f"Run {report.run_id} took {str(report.ended_at - report.started_at).partition('.')[0]}.", {})),
        {"type": "FactSet", "facts": [{"title": title, "value": str(count)} for title, count in _facts(report)]},
    ]
    failures = list(_failures(report))
    for what, why, advice in failures[:MOST_FAILURES]:
        body.append(_texts((what, {"weight": "bolder"}), (f" {why}", {}), (f" {advice}", {"isSubtle": True})))
    if len(failures) > MOST_FAILURES:
        body.append(_texts((f"And {len(failures) - MOST_FAILURES} more: see the report.", {"isSubtle": True})))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if host:
        url = f"https://{host}/api/runs/{report.run_id}/report?format=html"
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Report", "url": url}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _facts(report: RunReport) -> Iterable[tuple[str, int]]:
    names = {"delivered": "Delivered", "present": "Present", "skipped": "Skipped", "failed": "Failed"}
    names |= {"captured": "Captured", "capturesFailed": "Captures failed"}
    counted = counts(report.captures, report.pairs)
    return ((title, counted[name]) for name, title in names.items() if counted[name])


def _failures(report: RunReport) -> Iterable[tuple[str, str, str]]:
    """What failed, why, and what to do: the run's own errors first."""
    for found in report.findings:
        if found.severity is Severity.ERROR:
            place = f"{found.path}, line {found.line}" if found.line else found.path
            yield place or "The run", f"{found.code}: {found.message}", found.next
    for row in report.captures:
        if row.state is Ending.FAILED:
            yield f"VM {row.vm}", f"{row.code}: {row.message}", row.next
    for row in report.pairs:
        if row.state is Ending.FAILED:
            yield f"{row.image or row.image_path} in {row.lab}", f"{row.code}: {row.message}", row.next


def _colour(state: RunState) -> str:
    colours = {RunState.SUCCEEDED: "good", RunState.PARTIALLY_SUCCEEDED: "warning", RunState.FAILED: "attention"}
    return colours.get(state, "default")


def _texts(*runs: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "RichTextBlock",
        "inlines": [{"type": "TextRun", "text": _plain(text), **style} for text, style in runs if text.strip()],
    }


def _plain(text: str) -> str:
    """One line, cut, in which no client finds a date or a binding to fill in (`{{DATE(...)}}`, `${...}`)."""
    shown = one_line(" ".join(text.split())).replace("{{", "{ {").replace("${", "$ {")
    kept = f" {shown}" if text.startswith(" ") else shown
    return kept if len(kept) <= LONGEST_TEXT else kept[:LONGEST_TEXT] + "…"
