"""Show a run while it works: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from rich.console import Console
from rich.live import Live
from rich.table import Table

QUESTION_EVERY = 1.0
SILENT_FOR = 60.0
"""Seconds without any answer of the host before it is given up."""


class HostGoneError(Exception):
    """The host does not answer any more."""


@dataclass(frozen=True)
class Shown:
    """What is worth a line: changes of it are printed, repeats are not."""

    state: str
    stage: str
    done: str

    @classmethod
    def of(cls, status: dict[str, Any]) -> "Shown":
        counts: dict[str, int] = status.get("counts", {})
        planned: dict[str, int] = status.get("planned", {})
        ended = {name: counts.get(name, 0) for name in ("delivered", "present", "skipped", "failed")}
        if not planned:
            done = ", ".join(f"{count} {name}" for name, count in ended.items() if count)
            return cls(status["state"], status.get("stage", ""), done)
        done = f"{counts.get('capturesEnded', 0)}/{planned.get('captures', 0)} captures"
        if planned.get("deliveries"):
            left = sum(pair["state"] in ("queued", "working") for pair in status.get("pairs", ()))
            done += f", {planned['deliveries'] - left}/{planned['deliveries']} deliveries ({ended['failed']} failed)"
        return cls(status["state"], status.get("stage", ""), done)


def follow(host: str, run_id: str, alive: Callable[[], bool]) -> dict[str, Any]:
    """Ask until the run has ended and answer its last status; raises HostGoneError when the host is gone."""
    console = Console()
    if not sys.stdout.isatty():
        return _watch(host, run_id, alive, _Lines(run_id))
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        return _watch(host, run_id, alive, lambda status: live.update(_table(run_id, status)))


def _watch(host: str, run_id: str, alive: Callable[[], bool], show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    answered = time.monotonic()
    while True:
        try:
            answer = requests.get(f"{host}/api/runs/{run_id}", timeout=30)
            if answer.status_code in (200, 202):
                answered = time.monotonic()
                status: dict[str, Any] = answer.json()
                show(status)
                if status["state"] != "Running":
                    return status
        except requests.ConnectionError:
            pass
        if not alive() or time.monotonic() - answered > SILENT_FOR:
            raise HostGoneError(f"The host stopped answering while run {run_id} worked; `make run` resumes it.")
        time.sleep(QUESTION_EVERY)


class _Lines:
    """Plain lines: one for each change."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._last: Shown | None = None

    def __call__(self, status: dict[str, Any]) -> None:
        shown = Shown.of(status)
        if shown != self._last:
            print(f"{self._run_id}  {shown.state:<10} {shown.stage:<14} {shown.done}", flush=True)
            self._last = shown


def _table(run_id: str, status: dict[str, Any]) -> Table:
    shown = Shown.of(status)
    table = Table("Run", "State", "Stage", "Done")
    table.add_row(run_id, shown.state, shown.stage, shown.done)
    return table
