"""The life of one delivery."""

from dataclasses import replace
from datetime import timedelta

from activities.delivery import (
    Copying,
    DeliveryEnd,
    DeliveryWork,
    ImageCreation,
    begin_copy,
    begin_custom_image,
    begin_image_removal,
    copy_pending,
    custom_image_pending,
    image_removal_pending,
    settle_delivery,
)
from activities.tickets import Noted, Round, SpeedNote, note_speed
from shared.domain.outcomes import Ending, Outcome
from shared.domain.tickets import Kind
from shared.domain.waiting import Deadline, Progress
from shared.durable import (
    Orchestration,
    Steps,
    begin_waiting,
    call,
    continue_as_new,
    settled,
    wait_on,
    wait_while,
)
from shared.errors import PermanentError


def deliver(context: Orchestration, work: DeliveryWork) -> Steps[Outcome]:
    """Copy the VHD, make it the lab's custom image, settle.

    A failure is returned, never raised: one lab's trouble belongs in the run's report and must not end the deliveries beside it.
    """
    begun = work.copying.begun if work.copying else context.current_utc_datetime
    try:
        if copying := (yield from _copied(context, work)):
            continue_as_new(context, replace(work, copying=copying))
            return GOES_ON
        yield from _created(context, work)
        outcome = Outcome(Ending.DELIVERED, bytes=work.delivery.image.size_bytes)
    except PermanentError as error:
        outcome = Outcome.failed(error)
    outcome = replace(outcome, seconds=(context.current_utc_datetime - begun).total_seconds())
    # The outcome is written first; then what still runs is aborted and the copy removed, unless an image creation reads it.
    return (yield from settled(context, settle_delivery, DeliveryEnd(work, outcome), outcome))


GOES_ON = Outcome(Ending.SKIPPED)
"""Answered by a history that is continued by another one; nobody hears it."""


def _copied(context: Orchestration, work: DeliveryWork) -> Steps[Copying | None]:
    """None when the VHD lies in the lab's account, whole; else what to go on with in a new history.

    Nothing is to do where it lies there already, or where the image is being made.
    """
    delivery = work.delivery
    if delivery.direct or delivery.adopt:
        return None
    copying = work.copying
    if copying is None:
        copy = yield from call(context, begin_copy, work)
        copying = Copying(context.current_utc_datetime, copy, begin_waiting(context))
    what = f"The copy of {delivery.image.name} to the lab {delivery.lab.id.name}"
    account = copying.copy.account

    def noted(waited: timedelta, progress: Progress) -> Steps[Noted]:
        """The account's speed decides what free lanes take next."""
        work_round = Round(work.run, Kind.PAIRS, work.round)
        done = progress.done_bytes or 0
        return call(context, note_speed, SpeedNote(work_round, account, waited.total_seconds(), done))

    deadline = Deadline(what, work.terms.copy_deadline, work.terms.stall_deadline)
    waiting = yield from wait_on(context, copy_pending, copying.copy, deadline, copying.waiting, noted)
    return replace(copying, waiting=waiting) if waiting else None


def _created(context: Orchestration, work: DeliveryWork) -> Steps[None]:
    """The lab has the custom image; one of ours that had failed is made anew."""
    delivery = work.delivery
    what = f"The custom image {delivery.image.name} of the lab {delivery.lab.id.name}"
    deadline = Deadline(what, work.terms.image_deadline)
    if delivery.adopt:
        creation = ImageCreation(work)
    else:
        if delivery.repair:
            removal = yield from call(context, begin_image_removal, work)
            if removal.pending:
                yield from wait_while(context, image_removal_pending, work, deadline)
        creation = yield from call(context, begin_custom_image, work)
    yield from wait_while(context, custom_image_pending, creation, deadline)
