"""A run as it goes: bars on a terminal, a line for each change elsewhere. Both go to stderr; the result is for stdout."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.printing import harmless, say
from cli.runs import RunLine

Show = Callable[[RunLine], None]


@contextmanager
def shown_progress() -> Generator[Show]:
    if sys.stderr.isatty():
        with _Bars() as bars:
            yield bars.show
    else:
        yield _Lines().show


class _Lines:
    """Repeats are not printed."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, run: RunLine) -> None:
        line = f"{run.run_id}  {run.state:<10} {run.stage:<14} {run.told}".rstrip()
        if line != self._last:
            say(line, to_stderr=True)
            self._last = line


class _Bars(Progress):
    """One bar for the captures, one for the deliveries, each once it is known how many there are."""

    def __init__(self) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        super().__init__(*columns, console=Console(stderr=True), transient=True)
        self._run = self.add_task("", total=None)
        self._captures = self.add_task("captures", total=None, visible=False)
        self._deliveries = self.add_task("deliveries", total=None, visible=False)

    def show(self, run: RunLine) -> None:
        self.update(self._run, description=harmless(f"{run.run_id}  {run.stage or 'starting'}: {run.told}"))
        for bar, (done, planned) in ((self._captures, run.captures), (self._deliveries, run.deliveries)):
            self.update(bar, completed=done, total=planned or None, visible=planned > 0)
