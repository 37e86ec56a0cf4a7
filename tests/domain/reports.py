"""Reports for the tests of their renderings."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.findings import Finding, Severity
from shared.domain.outcomes import Ending, RunState
from shared.domain.report import CaptureRow, ConfigurationRead, PairRow, RunReport

BEGUN = datetime(2026, 11, 23, 2, 5, 9, tzinfo=UTC)
ENDED = BEGUN + timedelta(hours=1, minutes=2, seconds=3.4)

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'\"><svg/onload=alert(1)>",
    "]]><x>&amp;&lt;!--",
    "a | b",
    "a \\| b",
    "line\nbreak\r\n# heading",
    "[click](javascript:alert(1))",
    "![x](http://evil)",
    "`code",
    "--- | ---",
    "\u2028x\x0by\x85z\x00\x1b[31m",
    "lone \ud800 surrogate \uffff",
]


def row(**changes: Any) -> PairRow:
    given: dict[str, Any] = {"subscription_id": "s", "lab": "lab", "image": "image", "state": Ending.DELIVERED}
    return PairRow(**{**given, **changes})


def report(**changes: Any) -> RunReport:
    given: dict[str, Any] = {
        "run_id": "20261123T020509Z-3fa2",
        "factory_id": "f",
        "state": RunState.SUCCEEDED,
        "started_at": BEGUN,
        "ended_at": ENDED,
        "configuration": ConfigurationRead("etag", "sha"),
        "counts": {},
    }
    return RunReport(**{**given, **changes})


def of_one_text(text: str) -> RunReport:
    """A report in which everything that others can name is called `text`."""
    said: dict[str, Any] = {
        "image_path": text,
        "image": text,
        "state": Ending.FAILED,
        "code": text,
        "message": text,
        "next": text,
        "seconds": 5.0,
        "ended_at": BEGUN + timedelta(minutes=1),
    }
    skipped: dict[str, Any] = {**said, "state": Ending.SKIPPED}
    return report(
        state=RunState.FAILED,
        configuration=ConfigurationRead(text, text),
        findings=(Finding(Severity.ERROR, text, text, text, text, 3),),
        captures=(CaptureRow(vm=text, **said), CaptureRow(vm=text, **skipped)),
        pairs=(
            PairRow(subscription_id=text, lab=text, resource_group=text, **said),
            PairRow(subscription_id=text, lab=text, **skipped),
        ),
    )
