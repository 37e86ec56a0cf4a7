"""A case as a readable timeline: what the host did, what Azure was asked, what went wrong, second by second."""

from collections.abc import Iterator

from tests.resilience.laboratory import A_CALL, MORNING, Laboratory

_MARKS = {"start": "==", "trouble": "!!", "call": "  ", "host": "--"}


def told(laboratory: Laboratory) -> Iterator[str]:
    """The lines of the case that was played last: time since its start, and what happened."""
    for note in laboratory.notes:
        if note.text != f"before {A_CALL}":
            seconds = (note.time - MORNING).total_seconds()
            hours, rest = divmod(seconds, 3600)
            yield f"{int(hours):3}:{int(rest // 60):02}:{rest % 60:06.3f} {_MARKS[note.kind]} {note.text}"
