"""The life of one capture."""

from activities.capture import (
    CaptureEnd,
    CaptureWork,
    begin_capture_copy,
    capture_copy_pending,
    release_disk,
    settle_capture,
    write_capture_manifest,
)
from shared.domain.outcomes import Ending, Outcome
from shared.durable import Orchestration, Steps, call, settled, wait_while
from shared.errors import PermanentError


def capture(context: Orchestration, work: CaptureWork) -> Steps[Outcome]:
    """Copy the exported disk, release it, write the manifest, settle.

    A failure is returned, never raised: one VM's trouble must not end the captures beside it.
    """
    begun = context.current_utc_datetime
    try:
        copy = yield from call(context, begin_capture_copy, work)
        what = f"The copy of the disk of {work.capture.vm}"
        yield from wait_while(context, capture_copy_pending, copy, work.terms.copy_deadline, what)
        released = yield from call(context, release_disk, work)
        # The manifest is the commit mark: with it the golden image exists, without it the next run starts afresh.
        written = yield from call(context, write_capture_manifest, released)
        seconds = (context.current_utc_datetime - begun).total_seconds()
        outcome = Outcome(Ending.CAPTURED, bytes=written.size_bytes, seconds=seconds)
    except PermanentError as error:
        outcome = Outcome.failed(error)
    return (yield from settled(context, settle_capture, CaptureEnd(work, outcome), outcome))
