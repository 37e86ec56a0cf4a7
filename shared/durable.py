"""The seam to the durable SDK: the only module that knows how activities and children are called, waited for and registered."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, TypeVar, get_args, get_type_hints

from shared.domain.waiting import Deadline, Progress, Waiting, next_pause
from shared.errors import (
    ConfigurationError,
    ExhaustedError,
    FactoryError,
    MissingError,
    PermanentError,
    RejectedError,
    TransientError,
)
from shared.redaction import redacted
from shared.wire import from_plain, to_plain

V = TypeVar("V")
R = TypeVar("R")

Task: TypeAlias = Any
Steps: TypeAlias = Generator[Task, Any, R]
"""What an orchestrator is: steps of the durable engine that end with a result."""

PATIENCE = timedelta(hours=1)
"""How long a transient failure may last before a step is given up."""

QUESTIONS = 10
"""How often a wait asks before it can go on in a new history."""

CRASHES = 4
"""How often a step whose worker died (or that has a bug) is tried in all."""


class Orchestration(Protocol):
    """What orchestrators may use of `DurableOrchestrationContext`."""

    @property
    def current_utc_datetime(self) -> datetime: ...
    @property
    def is_replaying(self) -> bool: ...
    def call_activity(self, name: str, input_: Any = None) -> Task: ...
    def call_sub_orchestrator(self, name: str, input_: Any = None, instance_id: str | None = None) -> Task: ...
    def create_timer(self, fire_at: datetime) -> Task: ...
    def task_all(self, activities: list[Task]) -> Task: ...
    def continue_as_new(self, input_: Any) -> None: ...
    def set_custom_status(self, status: Any) -> None: ...
    def get_input(self) -> Any: ...
    def new_uuid(self) -> str: ...


Activity: TypeAlias = Callable[[V], R]
Orchestrator: TypeAlias = Callable[[Orchestration, V], Steps[R]]


# --- Steps of an orchestrator


@dataclass(frozen=True)
class Plain:
    """A value that is plain JSON already: one that is sent again and again is made plain once in each replay."""

    plain: Any


def call(context: Orchestration, activity: Activity[V, R], value: V, since: datetime | None = None) -> Steps[R]:
    """Run an activity to its end; raises PermanentError, never a transient one.

    Throttling and outages are waited for on durable timers, up to `PATIENCE`; an activity that raises (a bug, a dead worker) is
    tried `CRASHES` times. Both end as ExhaustedError. Patience counts from `since` where the call is one of several.
    """
    begun = since or context.current_utc_datetime
    sent = value.plain if isinstance(value, Plain) else to_plain(value)
    crashes = attempt = 0
    while True:
        attempt += 1
        try:
            answer: dict[str, Any] = yield context.call_activity(activity.__name__, sent)
        except Exception as error:
            crashes += 1
            failure: FactoryError = TransientError("ActivityFailed", _told(error))
        else:
            refused = _failure(answer)
            if refused is None:
                return from_plain(answer["value"], _result_type(activity))
            failure = refused
        if not isinstance(failure, TransientError):
            raise failure
        if crashes >= CRASHES or context.current_utc_datetime - begun >= PATIENCE:
            raise ExhaustedError(
                failure.code, f"Given up after {attempt} attempts: {failure.message}", "Start another run."
            )
        pause = failure.retry_after or timedelta(seconds=min(5 * 2 ** (attempt - 1), 300))
        yield context.create_timer(context.current_utc_datetime + pause)


def fan_out(context: Orchestration, activity: Activity[V, R], values: Sequence[V]) -> Steps[list[R | PermanentError]]:
    """Run one activity for each value, at most about 100; results in order, failures in their places.

    Transient ones are repeated afterwards, one at a time: never a retry inside a fan-out (`durable-facts.md` 2.4). They share
    one patience: an outage that all of them meet is not waited for a hundred times.
    """
    begun = context.current_utc_datetime
    answers = yield from _all(context, [context.call_activity(activity.__name__, to_plain(value)) for value in values])
    results: list[R | PermanentError] = []
    for value, answer in zip(values, answers, strict=True):
        failure = _failure(answer or _CRASHED)
        try:
            if isinstance(failure, TransientError):
                results.append((yield from call(context, activity, value, since=begun)))
            elif failure is None:
                results.append(from_plain(answer["value"], _result_type(activity)))
            else:
                raise failure
        except PermanentError as error:
            results.append(error)
    return results


_CRASHED: dict[str, Any] = {"error": "ActivityFailed", "message": "", "transient": True}


def call_child(context: Orchestration, orchestrator: Orchestrator[V, R], value: V, instance_id: str) -> Steps[R]:
    """Run a child orchestration under an explicit id; raises PermanentError."""
    [result] = yield from fan_out_children(context, orchestrator, [(value, instance_id)])
    if isinstance(result, PermanentError):
        raise result
    return result


def fan_out_children(
    context: Orchestration, orchestrator: Orchestrator[V, R], children: Sequence[tuple[V, str]]
) -> Steps[list[R | PermanentError]]:
    """Run children side by side, at most about 100; results in order, failures in their places."""
    name = orchestrator.__name__
    tasks = [context.call_sub_orchestrator(name, to_plain(value), child) for value, child in children]
    answers = yield from _all(context, tasks)
    results: list[R | PermanentError] = []
    for (_, child), answer in zip(children, answers, strict=True):
        failure = None if answer is None else _failure(answer)
        if answer is None or isinstance(failure, TransientError):
            results.append(ExhaustedError("ChildFailed", f"The orchestration {child} was ended from outside."))
        elif isinstance(failure, PermanentError):
            results.append(failure)
        else:
            results.append(from_plain(answer["value"], _result_type(orchestrator)))
    return results


def wait_while(context: Orchestration, ask: Activity[V, Progress], subject: V, deadline: Deadline) -> Steps[None]:
    """Ask until nothing is pending, pausing by progress; raises ExhaustedError when overdue or without progress."""
    waiting: Waiting | None = begin_waiting(context)
    while waiting is not None:
        waiting = yield from wait_on(context, ask, subject, deadline, waiting)


def begin_waiting(context: Orchestration) -> Waiting:
    return Waiting(context.current_utc_datetime, context.current_utc_datetime)


def wait_on(
    context: Orchestration,
    ask: Activity[V, Progress],
    subject: V,
    deadline: Deadline,
    waiting: Waiting,
    at_first_progress: Callable[[timedelta, Progress], Steps[Any]] | None = None,
) -> Steps[Waiting | None]:
    """Ask a few times more; None when nothing is pending, else what to go on with, be it in a new history.

    Replay costs grow with the square of the history, and a copy may take hours. Raises as `wait_while`.
    """
    begun, moved, most = waiting.begun, waiting.moved, waiting.most_bytes
    asked: Any = Plain(to_plain(subject))
    for _ in range(QUESTIONS):
        progress = yield from call(context, ask, asked)
        if not progress.pending:
            return None
        now = context.current_utc_datetime
        if (progress.done_bytes or 0) > most:
            if most == 0 and at_first_progress is not None:
                yield from at_first_progress(now - begun, progress)
            most, moved = progress.done_bytes or 0, now
        deadline.check(now - begun, now - moved, progress)
        rest = deadline.within - (now - begun)
        yield context.create_timer(now + min(next_pause(now - begun, progress), rest))
    return Waiting(begun, moved, most)


def settled(context: Orchestration, settle: Activity[V, R], value: V, outcome: R) -> Steps[R]:
    """Run a settling activity; never raises: what could not be settled keeps the outcome it was called for."""
    try:
        return (yield from call(context, settle, value))
    except PermanentError:
        return outcome


def pause(context: Orchestration, length: timedelta) -> Steps[None]:
    yield context.create_timer(context.current_utc_datetime + length)


def continue_as_new(context: Orchestration, value: object) -> None:
    """Start this orchestration over with a new input and an empty history, once the caller has returned."""
    context.continue_as_new(to_plain(value))


def _all(context: Orchestration, tasks: list[Task]) -> Steps[list[Any]]:
    """Every task's answer in order, None for one that failed. (`yield task_all([])` would answer None.)"""
    if not tasks:
        return []
    try:
        return (yield context.task_all(tasks))
    except Exception:
        # task_all tells the first failure only; each task alone still has its answer (`durable-facts.md` 2.6).
        answers: list[Any] = []
        for task in tasks:
            try:
                answers.append((yield task))
            except Exception:
                answers.append(None)
        return answers


# --- What crosses the seam

_ERRORS = {
    kind.__name__: kind for kind in (ConfigurationError, RejectedError, MissingError, ExhaustedError, PermanentError)
}


_LONGEST_MESSAGE = 1000
"""Characters: what crosses the seam is at most 4 KB in all, and a crash may tell a whole page."""


def _told(what: object) -> str:
    """What went wrong, as it may be told: nothing secret in it, and not too long."""
    return redacted(str(what))[:_LONGEST_MESSAGE]


def _envelope(error: FactoryError) -> dict[str, Any]:
    envelope: dict[str, Any] = {"error": error.code, "message": _told(error.message), "next": error.next_step}
    if isinstance(error, TransientError):
        envelope["transient"] = True
        if error.retry_after is not None:
            envelope["retryAfterSeconds"] = error.retry_after.total_seconds()
    else:
        envelope["kind"] = next(name for name, kind in _ERRORS.items() if isinstance(error, kind))
    return envelope


def _failure(answer: dict[str, Any]) -> PermanentError | TransientError | None:
    if "error" not in answer:
        return None
    if answer.get("transient"):
        seconds = answer.get("retryAfterSeconds")
        return TransientError(
            answer["error"], answer["message"], None if seconds is None else timedelta(seconds=seconds)
        )
    return _ERRORS[answer["kind"]](answer["error"], answer["message"], answer["next"])


@lru_cache
def _input_type(function: Callable[..., Any]) -> Any:
    hints = get_type_hints(function)
    return next(kind for name, kind in reversed(hints.items()) if name != "return")


@lru_cache
def _result_type(function: Callable[..., Any]) -> Any:
    result = get_type_hints(function)["return"]
    arguments = get_args(result)
    return arguments[2] if getattr(result, "__origin__", None) is Generator else result


# --- Registration


def register_activities(app: Any, activities: Iterable[Callable[[Any], Any]]) -> None:
    for activity in activities:
        app.function_name(activity.__name__)(app.activity_trigger(input_name="payload")(_activity_entry(activity)))


def register_orchestrators(app: Any, orchestrators: Iterable[Orchestrator[Any, Any]]) -> None:
    for orchestrator in orchestrators:
        entry = app.orchestration_trigger(context_name="context")(_orchestrator_entry(orchestrator))
        app.function_name(orchestrator.__name__)(entry)


def _activity_entry(activity: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The wrapper that meets the host. Without annotations: one that the worker does not like empties the whole app."""

    def run(payload):  # pyright: ignore
        try:
            return {"value": to_plain(activity(from_plain(payload, _input_type(activity))))}
        except FactoryError as error:
            return _envelope(error)
        except Exception as error:
            raise RuntimeError(_told(f"{type(error).__name__}: {error}")) from None

    return run  # pyright: ignore


def _orchestrator_entry(orchestrator: Orchestrator[Any, Any]) -> Callable[[Any], Any]:
    """An orchestrator ends with a value or an error that we understand: a traceback in `output` helps nobody (2.6)."""

    def run(context):  # pyright: ignore
        try:
            value = from_plain(context.get_input(), _input_type(orchestrator))  # pyright: ignore
            return {"value": to_plain((yield from orchestrator(context, value)))}  # pyright: ignore
        except FactoryError as error:
            return _envelope(error)
        except Exception as error:
            return _envelope(PermanentError("Bug", f"{orchestrator.__name__}: {type(error).__name__}: {error}"))

    return run  # pyright: ignore
