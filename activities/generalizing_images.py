"""Where a lab offers no generalize artifact: a custom image is made of the VM, which makes DevTest Labs generalize it (C16)."""

from activities.capture import CaptureWork
from shared.azure import labs, tags
from shared.azure.errors import NEXT_STEPS
from shared.azure.labs import UNKNOWN_OPERATION, Operation, factory_lab
from shared.domain.golden_vms import GoldenVm
from shared.domain.images import ImageState
from shared.domain.runs import Run
from shared.errors import MissingError, RejectedError

_PREFIX = "generalize-"


def image_of(work: CaptureWork) -> str:
    """The name of the custom image by which this run generalizes the capture's VM."""
    return f"{_PREFIX}{work.capture.key}-{work.run.id}"


def is_image_there(work: CaptureWork) -> bool:
    return labs.find_custom_image(factory_lab().id, image_of(work)) is not None


def begin_image(work: CaptureWork, vm: GoldenVm) -> Operation:
    """Start to make it; one that a repeat of this very call has begun is adopted (C17)."""
    marks = {tags.FACTORY: work.run.factory, tags.RUN: work.run.id}
    try:
        return labs.begin_generalizing_image(factory_lab().id, image_of(work), vm.name, vm.os_type, marks)
    except RejectedError:
        if not is_image_there(work):
            raise
        return UNKNOWN_OPERATION


def is_image_pending(work: CaptureWork, operation: Operation) -> bool:
    """Raises RejectedError with the lab's reason when it could not be made."""
    lab, name = factory_lab().id, image_of(work)
    found = labs.find_custom_image(lab, name)
    if found is None:
        raise MissingError("ImageGone", f"The custom image {name} of the lab {lab} is gone.", "Start another run.")
    if found.state == ImageState.FAILED:
        code, message = labs.failure_of(lab, operation)
        raise RejectedError(
            code or "GeneralizeFailed",
            f"The lab {lab} could not generalize {work.capture.vm}: {message or 'Azure gives no reason'}.",
            NEXT_STEPS.get(code, "Look at the VM; the next run tries again."),
        )
    return found.state != ImageState.SUCCEEDED


def begin_removal(work: CaptureWork) -> None:
    """The image has done its work. Repeat-safe."""
    labs.begin_delete_custom_image(factory_lab().id, image_of(work))


def sweep_generalizing_images(run: Run) -> None:
    """Delete what dead runs left of them, once they are made or failed."""
    lab = factory_lab().id
    for image in labs.list_custom_images(lab):
        is_dead = image.is_ours(run.factory) and image.run != run.id and image.state != ImageState.CREATING
        if image.name.startswith(_PREFIX) and is_dead:
            labs.begin_delete_custom_image(lab, image.name)
