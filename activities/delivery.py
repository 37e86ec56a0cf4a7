"""Deliver one golden image to one lab: copy the VHD, make it a custom image, settle."""

from dataclasses import dataclass
from datetime import UTC, datetime

from activities.copies import RunningCopy, copy_progress
from activities.marks import COPY, mark
from shared.azure import labs, tags
from shared.azure.errors import NEXT_STEPS
from shared.azure.labs import Operation
from shared.azure.vhds import Vhds
from shared.domain.distribution import Delivery
from shared.domain.images import CustomImage, ImageState, OsState
from shared.domain.matching import canonical_path
from shared.domain.outcomes import Outcome
from shared.domain.runs import Run, Terms
from shared.domain.tickets import Kind
from shared.domain.waiting import DONE, PENDING, Progress, Waiting
from shared.errors import MissingError, PermanentError, RejectedError
from shared.journal import Journal, fence


@dataclass(frozen=True)
class Copying:
    """How far a delivery is whose copy is under way."""

    begun: datetime
    copy: RunningCopy
    waiting: Waiting


@dataclass(frozen=True)
class DeliveryWork:
    """A delivery with the run that makes it and the run's terms: the copy's source outlives its deadline by an hour.

    `copying` is there when the delivery goes on in a new history.
    """

    run: Run
    delivery: Delivery
    terms: Terms
    round: int = 1
    copying: Copying | None = None


def begin_copy(work: DeliveryWork) -> RunningCopy:
    """Start the server-side copy of the golden VHD to the lab's account and return at once.

    Repeat-safe: the copy's name holds the pair and the run; a copy that is there is adopted, not started again.
    """
    run, delivery = work.run, work.delivery
    fence(run, Kind.PAIRS, delivery.key)
    target = Vhds(delivery.lab.account)
    # The signed address lives and dies in this call: what an activity takes or returns stays readable in the history.
    source = Vhds(run.account).signed_url(delivery.image.vhd, work.terms.copy_deadline)
    try:
        vhd = target.begin_copy(delivery.vhd, source, mark(run, COPY))
    finally:
        # Also when it failed: it may have been begun all the same.
        _look_again(run, delivery)
    return RunningCopy(target.account, delivery.vhd, vhd.copy_id, delivery.image.size_bytes)


def _look_again(run: Run, delivery: Delivery) -> None:
    """Pass the fence once more; where it has closed, take back the copy and raise what it says."""
    try:
        fence(run, Kind.PAIRS, delivery.key)
    except PermanentError:
        _remove_copy(delivery)
        raise


def copy_pending(copy: RunningCopy) -> Progress:
    """Ask once how far the copy is; raises RejectedError when it failed, was aborted or has the wrong length."""
    return copy_progress(copy)


def begin_image_removal(work: DeliveryWork) -> Progress:
    """Start deleting our failed custom image, to make it anew; any other image of that name is left alone."""
    run, delivery = work.run, work.delivery
    fence(run, Kind.PAIRS, delivery.key)
    found = labs.find_custom_image(delivery.lab.id, delivery.image.name)
    if found is None or found.run == run.id or not found.is_ours(run.factory):
        return DONE
    if found.state == ImageState.FAILED:
        labs.begin_delete_custom_image(delivery.lab.id, delivery.image.name)
    return PENDING


def image_removal_pending(work: DeliveryWork) -> Progress:
    """Ask once whether the failed image is gone."""
    delivery = work.delivery
    found = labs.find_custom_image(delivery.lab.id, delivery.image.name)
    return Progress(pending=found is not None and found.run != work.run.id)


@dataclass(frozen=True)
class ImageCreation:
    """What to ask about: the delivery whose custom image is being made and the operation that knows why it failed."""

    work: DeliveryWork
    operation: Operation = labs.UNKNOWN_OPERATION


def begin_custom_image(work: DeliveryWork) -> ImageCreation:
    """Create the lab's custom image from the copy, or from the golden VHD itself where the lab owns it.

    Looks again first (W4): an image of this name that this run made is adopted, any other is a conflict and is left alone.
    """
    run, delivery = work.run, work.delivery
    image, lab = delivery.image, delivery.lab
    fence(run, Kind.PAIRS, delivery.key)
    if (found := labs.find_custom_image(lab.id, image.name)) is not None:
        return _adopted(work, found)
    try:
        operation = labs.begin_custom_image(
            lab.id,
            image.name,
            Vhds(lab.account).url(delivery.vhd),
            image.os_type,
            image.os_state is OsState.GENERALIZED,
            image.description,
            _tags(run, delivery),
        )
    except RejectedError:
        # After any error look, then decide (C17): a repeat of this very call may have been first.
        if (found := labs.find_custom_image(lab.id, image.name)) is None:
            raise
        return _adopted(work, found)
    return ImageCreation(work, operation)


def _adopted(work: DeliveryWork, found: CustomImage) -> ImageCreation:
    if not (found.is_ours(work.run.factory) and found.run == work.run.id):
        raise RejectedError(
            "ImageConflict",
            f"Meanwhile the lab {work.delivery.lab.id} has a custom image {found.name} that this run did not make.",
            "The next run looks at it again.",
        )
    return ImageCreation(work)


def custom_image_pending(creation: ImageCreation) -> Progress:
    """Ask once whether the custom image is made; raises RejectedError with Azure's reason when it failed."""
    lab, name = creation.work.delivery.lab.id, creation.work.delivery.image.name
    found = labs.find_custom_image(lab, name)
    if found is None:
        raise MissingError("ImageGone", f"The custom image {name} of the lab {lab} is gone.", "Start another run.")
    if found.state == ImageState.SUCCEEDED:
        return DONE
    if found.state != ImageState.FAILED:
        return PENDING
    code, message = labs.failure_of(lab, creation.operation)
    raise RejectedError(
        code or "ImageFailed",
        f"The lab {lab} could not make the custom image {name}: {message or 'Azure gives no reason'}.",
        NEXT_STEPS.get(code, "The next run deletes the failed image and makes it again."),
    )


@dataclass(frozen=True)
class DeliveryEnd:
    work: DeliveryWork
    outcome: Outcome


def settle_delivery(end: DeliveryEnd) -> Outcome:
    """Record the outcome first, then remove the copy, unless an image creation reads it.

    The first outcome wins and is returned; a repeat finishes the removal. A golden VHD is never removed here.
    """
    run, delivery = end.work.run, end.work.delivery
    fence(run)
    outcome = Journal(run.id).settle(Kind.PAIRS, delivery.key, end.outcome)
    _remove_copy(delivery)
    return outcome


def _remove_copy(delivery: Delivery) -> None:
    """Remove this run's copy; it stays while an image creation reads it, for a later sweep (I2)."""
    if delivery.direct:
        return
    target = Vhds(delivery.lab.account)
    if not _reads(delivery, target.url(delivery.vhd)):
        target.remove(delivery.vhd)


def _reads(delivery: Delivery, vhd_url: str) -> bool:
    try:
        image = labs.find_custom_image(delivery.lab.id, delivery.image.name)
    except MissingError:
        return False
    return image is not None and image.state == ImageState.CREATING and image.vhd_url.lower() == vhd_url.lower()


def _tags(run: Run, delivery: Delivery) -> dict[str, str]:
    """ImagePath as the original writes it, so that both factories recognise the image; then whose it is and what it holds."""
    image = delivery.image
    marks = {
        tags.IMAGE_PATH: canonical_path(image.image_path),
        tags.FACTORY: run.factory,
        tags.RUN: run.id,
        tags.BUILT: image.built.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        tags.DIGEST: image.digest,
        tags.CONFIGURATION: delivery.configuration,
        tags.IMAGE_STATE: "specialized" if image.os_state is OsState.SPECIALIZED else "",
    }
    return {name: value[:256] for name, value in marks.items() if value}
