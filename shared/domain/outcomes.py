"""How things end: a capture or a pair exactly once, and the run by the sum of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import FactoryError


class Ending(StrEnum):
    DELIVERED = "delivered"
    CAPTURED = "captured"
    PRESENT = "present"
    SKIPPED = "skipped"
    FAILED = "failed"


class RunState(StrEnum):
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    PARTIALLY_SUCCEEDED = "PartiallySucceeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    INTERRUPTED = "Interrupted"


CANCELLED = "Cancelled"
"""The code of whatever was not done because somebody cancelled the run."""


@dataclass(frozen=True)
class Outcome:
    """One final state with its reason: a stable code, what Azure said, what to do next.

    `ended_at` is told by the journal: the time at which storage took the outcome.
    """

    state: Ending
    code: str = ""
    message: str = ""
    next: str = ""
    bytes: int | None = None
    seconds: float | None = None
    ended_at: datetime | None = None

    @classmethod
    def failed(cls, error: FactoryError) -> "Outcome":
        """How a piece of work ends that met this error; what was cancelled has not failed, it is left."""
        state = Ending.SKIPPED if error.code == CANCELLED else Ending.FAILED
        return cls(state, error.code, error.message, error.next_step)


def run_state(captures: Iterable[Ending], pairs: Iterable[Ending], refused: bool, set_aside: bool) -> RunState:
    """The run's final state (`design.md` section 3, outcomes).

    `refused`: the configuration was unusable or the claim not ours. `set_aside`: a lab or an entry was.
    What a policy skipped changes nothing.
    """
    delivered = set(pairs)
    if refused:
        return RunState.FAILED
    if Ending.FAILED in delivered.union(captures):
        useful = delivered & {Ending.DELIVERED, Ending.PRESENT}
        return RunState.PARTIALLY_SUCCEEDED if useful else RunState.FAILED
    return RunState.PARTIALLY_SUCCEEDED if set_aside else RunState.SUCCEEDED
