"""How a command ends: its exit code, and an error that says place, cause and next step."""

from collections.abc import Sequence
from enum import IntEnum

from shared.domain.findings import Finding


class Exit(IntEnum):
    """`PARTIAL` is also a plan with changes."""

    DONE = 0
    FAILED = 1
    PARTIAL = 2
    USAGE = 64
    INTERRUPTED = 130


class CommandError(Exception):
    """The command ends here; `findings` tell everything that the app found wrong in what was asked."""

    def __init__(
        self, message: str, next_step: str = "", exit_code: Exit = Exit.FAILED, findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(message)
        self.message, self.next_step = message, next_step
        self.exit_code, self.findings = exit_code, findings


class UnansweredError(CommandError):
    """No answer that could be used, this time: whoever waits for something may ask again."""


class UnknownRunError(CommandError):
    """The app knows no run of that id."""


_OF_STATES = {"Running": Exit.DONE, "Succeeded": Exit.DONE, "PartiallySucceeded": Exit.PARTIAL}


def exit_of(state: str) -> Exit:
    """The exit code that stands for the state of a run."""
    return _OF_STATES.get(state, Exit.FAILED)
