"""What a run leaves behind for people and programs: `.local/last/`, and the report on the terminal."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.azure import Control
from local.factory.journal import Runs
from shared.report_forms import FORMS

COLOURS = {"failed": "red", "skipped": "yellow", "delivered": "green", "captured": "green"}


def keep(folder: Path, runs: Runs, run_id: str, control: Control) -> dict[str, Any] | None:
    """Write world.json, operations.jsonl and the report in all its forms; answers the report, None when the run has none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "world.json").write_text(json.dumps(control.world(), indent=1), "utf-8")
    operations = "".join(json.dumps(operation) + "\n" for operation in control.operations())
    (folder / "operations.jsonl").write_text(operations, "utf-8")
    for name in (form.file for form in FORMS):
        text = runs.text(run_id, name)
        if text is not None:
            (folder / name).write_text(text, "utf-8")
        else:
            (folder / name).unlink(missing_ok=True)
    return runs.document(run_id, "report.json")


def show(report: dict[str, Any], folder: Path) -> None:
    """Print the report as tables."""
    console = Console()
    if report.get("findings"):
        table = Table("", "Where", "What", "Next step", title="Findings")
        for finding in report["findings"]:
            place = finding.get("path", "") + (f" line {finding['line']}" if finding.get("line") else "")
            table.add_row(
                finding["severity"], place, f"{finding['code']}: {finding['message']}", finding.get("next", "")
            )
        console.print(table)
    if report.get("captures"):
        table = Table("VM", "Image path", "State", "Image or reason", title="Captures")
        for row in report["captures"]:
            told = _reason(row) or row.get("image", "")
            table.add_row(row["vm"], row.get("imagePath", ""), _coloured(row["state"]), told)
        console.print(table)
    if report.get("pairs"):
        table = Table("Lab", "Image", "State", "Seconds", "Reason", title="Images in labs")
        for row in report["pairs"]:
            seconds = f"{row['seconds']:.0f}" if "seconds" in row else ""
            image = row.get("image") or row.get("imagePath", "")
            table.add_row(row["lab"], image, _coloured(row["state"]), seconds, _reason(row))
        console.print(table)
    console.print(f"Run {report['runId']}: [bold]{report['state']}[/bold]. Report: {folder / 'report.html'}")


def _coloured(state: str) -> str:
    colour = COLOURS.get(state)
    return f"[{colour}]{state}[/{colour}]" if colour else state


def _reason(row: dict[str, Any]) -> str:
    return ": ".join(filter(None, (row.get("code", ""), row.get("message", ""))))
