"""How the real extension schedules an orchestrator's actions: one by one, each awaited (`durable-facts.md` 2.8).

The engine schedules whatever the SDK has numbered, which hides defects that only show on Azure: a `task_any` window runs one by one
there, the step after a failed `task_all` waits for the slowest sibling, retries in a fan-out lose results. So the same history is
played the extension's way, too, and an instance fails loudly where the two numberings part.
"""

import json
from collections.abc import Generator, Iterable
from typing import Any

from local.host.replay import Decision, Step

_ACTIVITY, _ACTIVITY_RETRY, _CHILD, _CHILD_RETRY, _CONTINUE, _TIMER = 0, 1, 2, 3, 4, 5
_ANY, _ALL = 11, 12
_COMPLETED, _FAILED = (5, 8, 11), (6, 9)


def disagreement(step: Step, decision: Decision) -> str | None:
    """A message when the extension would have started other tasks than the SDK has numbered; None when they agree."""
    if decision.error is not None:
        return None
    numbered = set(step.scheduled) | {intent.task_id for intent in decision.new}
    started = started_by_extension(decision.actions, _answers(step.history))
    if numbered == set(range(started)):
        return None
    return (
        f"{step.name}: the SDK has numbered {len(numbered)} tasks where Azure's extension would have started {started}:"
        " it awaits the actions one by one. A task_any window, a step after a failed task_all, a retry inside a fan-out or"
        " nested compound tasks do this."
    )


def started_by_extension(actions: Iterable[dict[str, Any]], answers: dict[int, bool]) -> int:
    """How many tasks the extension has started after these answers (task id -> failed)."""
    player = _Player(answers)
    for action in actions:
        if action.get("actionType") == _CONTINUE or not player.ended(player.play(action)):
            break
    return player.next_id


def _answers(history: Iterable[str]) -> dict[int, bool]:
    answers: dict[int, bool] = {}
    for text in history:
        if '"TaskScheduledId"' in text or '"TimerId"' in text:
            event = json.loads(text)
            kind = event["EventType"]
            if kind in _COMPLETED or kind in _FAILED:
                answers[event.get("TaskScheduledId", event.get("TimerId"))] = kind in _FAILED
    return answers


_Play = Generator[None, None, bool]
"""A played action: yields while it waits, returns whether it failed."""


class _Player:
    """Gives ids in the order of starting, as both sides do, each for itself."""

    def __init__(self, answers: dict[int, bool]) -> None:
        self.answers = answers
        self.next_id = 0
        self._ended: dict[int, bool] = {}

    def ended(self, play: _Play) -> bool:
        try:
            next(play)
        except StopIteration:
            return True
        return False

    def play(self, action: dict[str, Any]) -> _Play:
        kind = action["actionType"]
        if kind in (_ANY, _ALL):
            return (yield from self._compound(action["compoundActions"], any if kind == _ANY else all))
        if kind in (_ACTIVITY_RETRY, _CHILD_RETRY):
            return (yield from self._retry(action["retryOptions"]["maxNumberOfAttempts"]))
        if kind in (_ACTIVITY, _CHILD, _TIMER):
            return (yield from self._task())
        return False

    def _task(self) -> _Play:
        task_id, self.next_id = self.next_id, self.next_id + 1
        while task_id not in self.answers:
            yield
        return self.answers[task_id]

    def _retry(self, attempts: int) -> _Play:
        failed = False
        for _ in range(attempts):
            failed = yield from self._task()
            if not failed:
                return False
            yield from self._task()
        return failed

    def _compound(self, actions: list[dict[str, Any]], enough: Any) -> _Play:
        """All are started in list order before the first is awaited."""
        plays = [self.play(action) for action in actions]
        ended = [self.ended(play) for play in plays]
        while not enough(ended):
            yield
        return False
