"""The whole run, from the claim to the report."""

from dataclasses import dataclass

from activities.claim import Release, Released, release_claim, take_claim
from activities.configuration import Asked, read_configuration
from activities.inspection import inspect_factory
from activities.notify import Notice, Notified, notify
from activities.planning import Planned, plan_captures_of_run, plan_distribution_of_run
from activities.report import Closing, Refusal, Summary, write_report
from activities.tickets import Round, close_unfinished
from orchestrators.inspection import inspect_all_labs
from orchestrators.lanes import ROUNDS, work_in_lanes
from shared.domain.outcomes import CANCELLED, RunState
from shared.domain.runs import TAKEOVER_PAUSE, Run, RunRequest, mint_run_id
from shared.domain.tickets import Kind
from shared.durable import Orchestration, Steps, call, continue_as_new, pause, settled
from shared.errors import PermanentError
from shared.wire import to_plain


def factory_run(context: Orchestration, request: RunRequest) -> Steps[Summary]:
    """1. take the claim  2. read and freeze the configuration  3. inspect the factory and capture its golden VMs
    4. inspect the labs and deliver what they ask for  5. report  6. release the claim, or go on with the next run.
    """
    try:
        taken = yield from call(context, take_claim, request)
    except PermanentError as error:
        return (yield from _reported(context, request.run_id, None, error))
    run = taken.run
    if taken.took_over:
        # What the dead run had in flight ends first; its late repeats then meet the fence.
        yield from pause(context, TAKEOVER_PAUSE)
    try:
        yield from _work(context, run, request)
        summary = yield from _reported(context, run.id, run)
    except PermanentError as error:
        summary = yield from _refused(context, run, error)
    return (yield from _released(context, run, request, summary))


def _work(context: Orchestration, run: Run, request: RunRequest) -> Steps[None]:
    """Every stage lists, plans, does."""
    _show(context, Stage("configuration"))
    configured = yield from call(context, read_configuration, Asked(run, request))
    if not configured.usable:
        return
    _show(context, Stage("factory", configured.labs))
    yield from call(context, inspect_factory, run)
    captures = deliveries = NOTHING_PLANNED
    if configured.captures:
        captures = yield from call(context, plan_captures_of_run, run)
        _show(context, Stage("captures", configured.labs, captures.work))
        yield from work_in_lanes(context, run, Kind.CAPTURES, configured.terms.lanes)
    if configured.distributes:
        _show(context, Stage("labs", configured.labs, captures.work))
        yield from inspect_all_labs(context, run, configured.labs)
        deliveries = yield from call(context, plan_distribution_of_run, run)
        _show(context, Stage("deliveries", configured.labs, captures.work, deliveries.work))
        yield from work_in_lanes(context, run, Kind.PAIRS, configured.terms.lanes)
    _show(context, Stage("report", configured.labs, captures.work, deliveries.work))


NOTHING_PLANNED = Planned(0, 0)


@dataclass(frozen=True)
class Stage:
    """The custom status: where the run is, and counters; nothing else."""

    stage: str
    labs: int = 0
    captures: int = 0
    deliveries: int = 0


def _show(context: Orchestration, stage: Stage) -> None:
    context.set_custom_status(to_plain(stage))


def _reported(
    context: Orchestration, run_id: str, run: Run | None, error: PermanentError | None = None
) -> Steps[Summary]:
    """Write the report, then tell it; one that cannot be written leaves its reason in the run's output."""
    refusal = Refusal(error.code, error.message, error.next_step) if error else None
    summary = yield from call(context, write_report, Closing(run_id, context.current_utc_datetime, run, refusal))
    # While the claim is held: a late repeat then meets the fence, and no next run has begun.
    yield from settled(context, notify, Notice(run_id, run), Notified(False))
    return summary


def _refused(context: Orchestration, run: Run, error: PermanentError) -> Steps[Summary]:
    """A stage failed as a whole. Without the claim the report is still this run's own: nobody else writes it.

    What a cancelled run had planned and not begun gets its outcome here.
    """
    if error.code == CANCELLED:
        try:
            for kind in Kind:
                yield from call(context, close_unfinished, Round(run, kind, ROUNDS))
        except PermanentError as unclosed:
            error = unclosed
    lost = error.code == "Fenced"
    if lost:
        error = PermanentError("ClaimLost", f"Run {run.id} lost the claim while it worked.", "Start another run.")
    try:
        return (yield from _reported(context, run.id, None if lost else run, error))
    except PermanentError as unreported:
        return Summary(run.id, RunState.FAILED, {}, unreported.code)


def _released(context: Orchestration, run: Run, request: RunRequest, summary: Summary) -> Steps[Summary]:
    """Release the claim, or go on under the next run's id when the configuration changed meanwhile."""
    next_run = mint_run_id(context.current_utc_datetime, context.new_uuid(), after=run.id)
    answer = yield from call(context, release_claim, Release(run, next_run, whole=not request.selective))
    if answer.state is Released.HANDED_OVER:
        continue_as_new(context, RunRequest(next_run))
    return summary
