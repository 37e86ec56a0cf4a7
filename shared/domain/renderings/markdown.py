"""The report as a readable Markdown page."""

from collections import Counter
from collections.abc import Iterable

from shared.domain.amounts import duration, size
from shared.domain.findings import Finding
from shared.domain.outcomes import Ending
from shared.domain.renderings.markdown_table import table
from shared.domain.report import CAPTURE_ENDINGS, PAIR_ENDINGS, CaptureRow, PairRow, RunReport


def as_markdown(report: RunReport) -> str:
    """The report as a readable Markdown page."""
    took = report.ended_at - report.started_at
    lines = [
        f"# Image factory run {report.run_id}: {report.state}",
        "",
        f"Started {report.started_at:%Y-%m-%d %H:%M:%S} UTC, took {str(took).partition('.')[0]}.{_sum(report)}",
    ]
    if report.findings:
        lines += ["", "## Findings", "", *findings_table(report.findings)]
    if report.captures:
        heads = ("VM", "Image path", "Image", "State", "Why", "Next step")
        rows = ((r.vm, r.image_path, r.image, _ending(r), r.why, r.next) for r in report.captures)
        lines += ["", "## Captures", "", *table(heads, rows)]
    if report.pairs:
        heads = ("Lab", "Image", "State", "Size", "Time", "Why", "Next step")
        rows = (
            (r.lab, r.image or r.image_path, _ending(r), size(r.bytes), duration(r.seconds), r.why, r.next)
            for r in report.pairs
        )
        lines += ["", "## Images in labs", "", *table(heads, rows)]
    return "\n".join(lines) + "\n"


def findings_table(findings: Iterable[Finding]) -> list[str]:
    rows = ((f.severity.value, f.place, f"{f.code}: {f.message}", f.next) for f in findings)
    return table(("", "Where", "What", "Next step"), rows)


def _sum(report: RunReport) -> str:
    """In counts; nothing of what there was none of."""
    said = ""
    for what, rows, known in (
        ("Captures", report.captures, CAPTURE_ENDINGS),
        ("Images in labs", report.pairs, PAIR_ENDINGS),
    ):
        endings = Counter(row.state for row in rows)
        if counted := [f"{endings[ending]} {ending.value}" for ending in known if endings[ending]]:
            said += f" {what}: {', '.join(counted)}."
    return said or " It came to no golden VM and to no image."


def _ending(row: CaptureRow | PairRow) -> str:
    return f"**{row.ending}**" if row.state is Ending.FAILED else row.ending
