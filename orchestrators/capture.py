"""The life of one capture."""

from dataclasses import replace
from datetime import timedelta

from activities.capture import (
    CaptureEnd,
    CaptureWork,
    begin_capture_copy,
    capture_copy_pending,
    release_disk,
    settle_capture,
    write_capture_manifest,
)
from activities.generalize import (
    begin_deallocate,
    begin_generalize,
    deallocation_pending,
    end_generalize,
    generalize_pending,
)
from shared.domain.outcomes import Ending, Outcome
from shared.domain.waiting import Deadline
from shared.durable import Orchestration, Steps, call, pause, settled, wait_while
from shared.errors import PermanentError


def capture(context: Orchestration, work: CaptureWork) -> Steps[Outcome]:
    """Generalize the VM if asked, copy the exported disk, release it, write the manifest, settle.

    A failure is returned, never raised: one VM's trouble must not end the captures beside it.
    """
    begun = context.current_utc_datetime
    try:
        if work.capture.generalize:
            work = yield from _generalized(context, work)
        copy = yield from call(context, begin_capture_copy, work)
        what = f"The copy of the disk of {work.capture.vm}"
        deadline = Deadline(what, work.terms.copy_deadline, work.terms.stall_deadline)
        yield from wait_while(context, capture_copy_pending, copy, deadline)
        released = yield from call(context, release_disk, work)
        # The manifest is the commit mark: with it the golden image exists, without it the next run starts afresh.
        written = yield from call(context, write_capture_manifest, released)
        outcome = Outcome(Ending.CAPTURED, bytes=written.size_bytes)
    except PermanentError as error:
        outcome = Outcome.failed(error)
    outcome = replace(outcome, seconds=(context.current_utc_datetime - begun).total_seconds())
    return (yield from settled(context, settle_capture, CaptureEnd(work, outcome), outcome))


STOPPED_FOR = timedelta(minutes=1)
"""DevTest Labs deallocates the VM itself; and a restart, which the artifact may end with, looks like a shutdown for a moment."""


def _generalized(context: Orchestration, work: CaptureWork) -> Steps[CaptureWork]:
    """The VM is generalized and deallocated; the capture is that of its disk as it is then.

    Success is what the VM shows, not what the artifact says: it ends before the work is done.
    """
    what = f"The shutdown of {work.capture.vm} after it was generalized"
    deadline = Deadline(what, work.terms.generalize_deadline, next_step="Look at the VM; the next run goes on with it.")
    generalizing = yield from call(context, begin_generalize, work)
    yield from wait_while(context, generalize_pending, generalizing, deadline)
    if (yield from call(context, deallocation_pending, generalizing)).pending:
        yield from pause(context, STOPPED_FOR)
        yield from call(context, begin_deallocate, generalizing)
        yield from wait_while(context, deallocation_pending, generalizing, deadline)
    return (yield from call(context, end_generalize, generalizing))
