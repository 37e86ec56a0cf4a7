"""How the real extension plays an orchestrator's actions: one after another, each awaited (`durable-facts.md` 2.8).

The embedded host schedules whatever the SDK has numbered, which hides what goes wrong on Azure: a `task_any` window runs one by one
there, the step after a failed `task_all` waits for the slowest sibling, retries in a fan-out lose results. So every step is played
the extension's way, too, and an instance fails loudly where the two part.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from itertools import zip_longest
from typing import Any, NamedTuple

from local.host.past import Told
from local.host.replay import Intent

Action = Mapping[str, Any]


class Does(IntEnum):
    """The SDK's numbers for what an action is (`actionType`). Others are not waited for."""

    ACTIVITY = 0
    ACTIVITY_WITH_RETRY = 1
    CHILD = 2
    CHILD_WITH_RETRY = 3
    TIMER = 5
    EVENT = 6
    WHEN_ANY = 11
    WHEN_ALL = 12


class Started(NamedTuple):
    """A task as the extension starts it; its number is its place in the order of starting."""

    kind: str
    name: str = ""
    input: str | None = None


def disagreement(
    name: str, numbered: Mapping[int, Intent], actions: Iterable[Action], told: Iterable[Told]
) -> str | None:
    """A message when the extension would have started other tasks than the SDK has numbered; None when they agree."""
    started, unknown = started_by_extension(actions, told)
    wanted = [Started(intent.kind, intent.name, intent.input) for _, intent in sorted(numbered.items())]
    for number, (ours, theirs) in enumerate(zip_longest(wanted, started)):
        if ours != theirs or unknown:
            return (
                f"The orchestrator '{name}' would not do this on Azure: at task {number} the SDK has {_told(ours)}, the"
                f" extension {_told(theirs)}. It awaits the actions one by one: a task_any window, a step after a failed"
                " task_all, a retry in a fan-out or nested compound tasks get out of step there (docs/hosts.md)."
            )
    return None


def started_by_extension(actions: Iterable[Action], told: Iterable[Told]) -> tuple[list[Started], bool]:
    """What the extension has started after all it was told; and whether it was told of a task it had not started."""
    player = _Player(actions)
    player.go_on()
    for one in told:
        player.tell(one)
    return player.started, player.confused


def _told(task: Started | None) -> str:
    return f"{task.kind} '{task.name}'" if task else "nothing"


class _Promise:
    """A task, or several: calls `then` once, as soon as it has ended."""

    __slots__ = ("ended", "failed", "then")

    def __init__(self) -> None:
        self.ended = self.failed = False
        self.then: Callable[[], None] | None = None

    def end(self, failed: bool = False) -> None:
        if not self.ended:
            self.ended, self.failed = True, failed
            if self.then is not None:
                self.then()

    def and_then(self, act: Callable[[], None]) -> None:
        if self.ended:
            act()
        else:
            self.then = act


class _Player:
    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions = iter(actions)
        self._playing: _Promise | None = None
        self._tasks: list[_Promise] = []
        self._waiting: defaultdict[str, deque[_Promise]] = defaultdict(deque)
        self._early: defaultdict[str, int] = defaultdict(int)
        self.started: list[Started] = []
        self.confused = False

    def go_on(self) -> None:
        """Play action after action until one has to be awaited."""
        while self._playing is None or self._playing.ended:
            action = next(self._actions, None)
            if action is None:
                return
            self._playing = self._play(action)
        self._playing.then = self.go_on

    def tell(self, one: Told) -> None:
        if one.task_id is None:
            self._raise_event(one.event_name.lower())
        elif one.task_id < len(self._tasks):
            self._tasks[one.task_id].end(one.failed)
        else:
            self.confused = True

    def _raise_event(self, name: str) -> None:
        if self._waiting[name]:
            self._waiting[name].popleft().end()
        else:
            self._early[name] += 1

    def _play(self, action: Action) -> _Promise:
        match action["actionType"]:
            case Does.WHEN_ANY | Does.WHEN_ALL as kind:
                return self._compound(action["compoundActions"], needs_all=kind == Does.WHEN_ALL)
            case Does.ACTIVITY_WITH_RETRY | Does.CHILD_WITH_RETRY:
                return self._retry(action, action["retryOptions"]["maxNumberOfAttempts"])
            case Does.ACTIVITY | Does.CHILD:
                return self._start(_named(action))
            case Does.TIMER:
                timer = self._start(Started("timer"))
                if action.get("isCanceled"):
                    timer.end()
                return timer
            case Does.EVENT:
                return self._event(action["externalEventName"].lower())
            case _:
                return _ended()

    def _start(self, task: Started) -> _Promise:
        self.started.append(task)
        self._tasks.append(_Promise())
        return self._tasks[-1]

    def _event(self, name: str) -> _Promise:
        if self._early[name]:
            self._early[name] -= 1
            return _ended()
        self._waiting[name].append(_Promise())
        return self._waiting[name][-1]

    def _compound(self, actions: list[Action], needs_all: bool) -> _Promise:
        """All are started in list order before the first is awaited."""
        whole, parts = _Promise(), [self._play(action) for action in actions]
        left = len(parts) if needs_all else min(1, len(parts))

        def part_ended() -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                whole.end()

        for part in parts:
            part.and_then(part_ended)
        return whole if parts else _ended()

    def _retry(self, action: Action, attempts: int) -> _Promise:
        """Attempt, timer, attempt, timer: how many there were is looked at after the timer."""
        whole = _Promise()

        def attempt(left: int) -> None:
            task = self._start(_named(action))
            task.and_then(lambda: pause(left - 1) if task.failed else whole.end())

        def pause(left: int) -> None:
            self._start(Started("timer")).and_then(lambda: attempt(left) if left else whole.end(failed=True))

        attempt(attempts)
        return whole


def _named(action: Action) -> Started:
    kind = "activity" if action["actionType"] in (Does.ACTIVITY, Does.ACTIVITY_WITH_RETRY) else "child"
    return Started(kind, action["functionName"], action["input"])


def _ended() -> _Promise:
    promise = _Promise()
    promise.end()
    return promise
