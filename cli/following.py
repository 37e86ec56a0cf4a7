"""Follow a run until it has ended."""

import time
from collections.abc import Callable

from cli.app import Answer, App
from cli.ending import CommandError, UnansweredError, UnknownRunError
from cli.progress import Show, shown_progress
from cli.runs import RunLine, path_of

USUALLY = 10.0
SHORTEST, LONGEST = 1.0, 60.0
"""Seconds between two questions: as the app says (Retry-After), within bounds."""

SILENT_FOR = 600.0
"""Seconds without an answer after which nobody waits any longer; the run goes on without its spectators."""

UNKNOWN_FOR = 60.0
"""Seconds that a run which was just started may take to be known."""


def follow(app: App, run_id: str) -> Answer:
    """Show how the run goes until it has ended; the answer that tells its end.

    Raises CommandError when the app does not answer for ten minutes; it says how to go on, as does an interrupt.
    """
    try:
        with shown_progress() as show:
            return _followed(app, run_id, show)
    except UnansweredError as error:
        raise CommandError(f"{error.message} The run goes on without this command.", going_on(run_id)) from None
    except KeyboardInterrupt:
        raise InterruptedWaitError(run_id) from None


class InterruptedWaitError(Exception):
    """Somebody pressed Ctrl+C while a run was followed: the run goes on."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


def going_on(run_id: str) -> str:
    return f"Follow it: image-factory status {run_id} --wait. End it: image-factory cancel {run_id}"


def _followed(app: App, run_id: str, show: Show) -> Answer:
    begun = answered = time.monotonic()
    while True:
        wait = USUALLY
        try:
            answer = app.ask("GET", path_of(run_id))
            run, answered = answer.read(RunLine), time.monotonic()
            show(run)
            if not run.works:
                return answer
            wait = answer.retry_after or USUALLY
        except UnansweredError:
            if time.monotonic() - answered > SILENT_FOR:
                raise
        except UnknownRunError:
            if time.monotonic() - begun > UNKNOWN_FOR:
                raise
        time.sleep(min(max(wait, SHORTEST), LONGEST))


def wait_for_turn(start: Callable[[], Answer], app: App, working: Callable[[Answer], str]) -> Answer:
    """Start as soon as no other run works; each that does is followed to its end."""
    while (answer := start()).status == 409:
        follow(app, working(answer))
        time.sleep(SHORTEST)
    return answer
