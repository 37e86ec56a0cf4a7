"""Save the OS disk of a golden VM as a golden image: grant, copy, release, manifest, settle."""

from dataclasses import dataclass, replace

from activities.copies import RunningCopy, copy_progress
from activities.grants import end_grant, record_grant, take_back_grant
from activities.marks import GOLDEN, mark
from shared.azure import disks
from shared.azure.vhds import SAS_MARGIN, Vhd, Vhds
from shared.domain.capture import Capture, capture_key
from shared.domain.manifest import write_manifest
from shared.domain.outcomes import Outcome
from shared.domain.runs import Run, Terms
from shared.domain.tickets import Kind
from shared.domain.waiting import Progress
from shared.errors import PermanentError, RejectedError
from shared.journal import Journal, fence


@dataclass(frozen=True)
class CaptureWork:
    """A capture with the run that makes it and the run's terms: the export outlives the copy's deadline by an hour."""

    run: Run
    capture: Capture
    terms: Terms


def begin_capture_copy(work: CaptureWork) -> RunningCopy:
    """Export the disk and start the copy to the factory's account; waits for the grant, because its address may not leave here.

    Repeat-safe: the copy's name holds the capture and the run, and a copy that is there is adopted.
    """
    run, capture = work.run, work.capture
    fence(run, Kind.CAPTURES, capture.key)
    vhds = Vhds(run.account)
    found = vhds.find_vhd(capture.vhd)
    if found is None:
        record_grant(run, capture.disk)
    try:
        vhd = found or _export(work, vhds)
    finally:
        # Also when it failed: it may have been granted or begun all the same.
        _look_again(run, capture, vhds, granted=found is None)
    size = capture.disk.size_bytes
    return RunningCopy(run.account, capture.vhd, vhd.copy_id, size + VHD_FOOTER if size else None)


def _export(work: CaptureWork, vhds: Vhds) -> Vhd:
    run, capture = work.run, work.capture
    source = disks.grant(capture.disk.id, work.terms.copy_deadline + SAS_MARGIN)
    return vhds.begin_copy(capture.vhd, source, mark(run, GOLDEN, digest=capture.digest, image=capture.image))


def _look_again(run: Run, capture: Capture, vhds: Vhds, granted: bool) -> None:
    """Pass the fence once more; where it has closed, undo what a late repeat began and raise what it says."""
    try:
        fence(run, Kind.CAPTURES, capture.key)
    except PermanentError:
        if granted:
            take_back_grant(run, capture.disk)
        else:
            end_grant(run, capture.disk)
        _take_back_copy(run, capture, vhds)
        raise


def _take_back_copy(run: Run, capture: Capture, vhds: Vhds) -> None:
    """Remove what is not and will not be a golden image; a finished one has its manifest before its outcome.

    A copy that is complete while the claim is gone is left to the sweep: its manifest may be on its way. Any other goes, not only
    one that is pending: the end of its export has made it fail.
    """
    vhd = vhds.find_vhd(capture.vhd)
    if vhd is None or vhds.exists(capture.manifest):
        return
    if vhd.copy_status != "success" or Journal(run.id).has_outcome(Kind.CAPTURES, capture.key):
        vhds.remove(capture.vhd)


VHD_FOOTER = 512
"""Bytes that a fixed VHD has after the disk's own (`azure-facts.md` section 3)."""


def capture_copy_pending(copy: RunningCopy) -> Progress:
    """Ask once how far the copy is; raises RejectedError when it failed, was aborted or has the wrong length."""
    return copy_progress(copy)


def release_disk(work: CaptureWork) -> CaptureWork:
    """End the export, and answer the capture with the disk as it is now: either of its two states counts as captured."""
    fence(work.run)
    end_grant(work.run, work.capture.disk)
    return replace(work, capture=replace(work.capture, disk=disks.get_disk(work.capture.disk.id).identity))


@dataclass(frozen=True)
class Manifested:
    size_bytes: int


def write_capture_manifest(released: CaptureWork) -> Manifested:
    """Write the manifest: the commit mark of the golden image, so it comes last. Repeat-safe: created once."""
    run, capture = released.run, released.capture
    fence(run, Kind.CAPTURES, capture.key)
    vhds = Vhds(run.account)
    vhd = vhds.find_vhd(capture.vhd)
    if vhd is None:
        raise RejectedError("CopyGone", f"The VHD {vhds}/{capture.vhd} is gone.", "The next run captures it afresh.")
    keys = (capture.digest, capture_key(capture.vm_id, capture.disk))
    image = capture.golden_image(vhd.size_bytes, tuple(dict.fromkeys(keys)))
    origin = {
        "generation": capture.generation,
        "vm": capture.vm,
        "vmId": capture.vm_id,
        "diskId": capture.disk.id,
        "run": run.id,
        "factory": run.factory,
    }
    vhds.create(capture.manifest, write_manifest(image, origin))
    return Manifested(vhd.size_bytes)


@dataclass(frozen=True)
class CaptureEnd:
    work: CaptureWork
    outcome: Outcome


def settle_capture(end: CaptureEnd) -> Outcome:
    """Record the outcome first, then end the export and remove a VHD that got no manifest.

    The first outcome wins and is returned; a repeat finishes what is left to clean.
    """
    run, capture = end.work.run, end.work.capture
    fence(run)
    outcome = Journal(run.id).settle(Kind.CAPTURES, capture.key, end.outcome)
    vhds = Vhds(run.account)
    if not vhds.exists(capture.manifest):
        vhds.remove(capture.vhd)
    end_grant(run, capture.disk)
    return outcome
