"""A run as it goes: bars on a terminal, a line for each change elsewhere. Both go to stderr; the result is for stdout."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.printing import harmless, say
from cli.runs import RunLine

Show = Callable[[RunLine], None]


@contextmanager
def shown_progress() -> Generator[Show]:
    if sys.stderr.isatty():
        bars = _Bars()
        with Live(bars.drawn, console=Console(stderr=True), transient=True):
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


class _Bars:
    """What the run is about, then a bar for the captures and one for the deliveries, once it is known how many there are."""

    def __init__(self) -> None:
        text = TextColumn("{task.description}", markup=False)
        self._about = Progress(SpinnerColumn(), text, TimeElapsedColumn())
        self._bars = Progress(text, BarColumn(), MofNCompleteColumn())
        self._run = self._about.add_task("", total=None)
        self._captures = self._bars.add_task("  captures  ", total=None, visible=False)
        self._deliveries = self._bars.add_task("  deliveries", total=None, visible=False)
        self.drawn = Group(self._about, self._bars)

    def show(self, run: RunLine) -> None:
        self._about.update(self._run, description=harmless(f"{run.run_id}  {run.stage or 'starting'}: {run.told}"))
        for bar, (done, planned) in ((self._captures, run.captures), (self._deliveries, run.deliveries)):
            self._bars.update(bar, completed=done, total=planned or None, visible=planned > 0)
