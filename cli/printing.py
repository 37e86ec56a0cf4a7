"""What is printed: texts of others act neither on a terminal nor on a pipeline that reads along."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import click

from shared.domain.findings import Finding
from shared.domain.quoting import one_line
from shared.wire import to_json

_COMMAND_OF_A_PIPELINE = re.compile(r"##(?=\[|vso\[)|^(\s*):(?=:)", re.IGNORECASE)


def harmless(line: str) -> str:
    """One line without control characters, in which no agent finds a logging command: labs.json may come from a stranger."""
    return _COMMAND_OF_A_PIPELINE.sub(lambda found: f"{found[0]} ", one_line(line))


def say(text: str, to_stderr: bool = False) -> None:
    """Print text that may hold what others wrote."""
    for line in text.splitlines() or [""]:
        click.echo(harmless(line), err=to_stderr)


def say_json(value: Any) -> None:
    """JSON as it is; in its texts `##` is spelled so that no agent takes them for a command."""
    click.echo(re.sub(rb"#(?=#)", rb"\\u0023", to_json(value, indent=2)))


def say_findings(findings: Iterable[Finding], to_stderr: bool = False) -> None:
    for found in findings:
        place = f"{found.path}, line {found.line}: " if found.line else f"{found.path}: " if found.path else ""
        say(f"  {found.severity} {place}{found.code}: {found.message}", to_stderr)
        if found.next:
            say(f"      {found.next}", to_stderr)


def say_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their longest text, without lines between them; the last one is not padded."""
    lines = [tuple(heads), *(tuple(harmless(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
