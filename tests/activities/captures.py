"""A capture of the world's golden VM, its steps, and what of it is there."""

from collections.abc import Callable

from activities.capture import (
    CaptureWork,
    begin_capture_copy,
    capture_copy_pending,
    release_disk,
    write_capture_manifest,
)
from activities.grants import GrantRecord
from activities.inspection import inspect_factory
from activities.planning import CAPTURE_PLAN, plan_captures_of_run
from local.azure import Control
from shared.azure.vhds import Vhds
from shared.domain.capture import CapturePlan
from shared.domain.outcomes import Ending, Outcome
from shared.journal import Journal, claim_container
from shared.wire import from_json
from tests.activities.conftest import configured, effects, started, upload
from tests.e2e.worlds import World, asks, labs_json

Give = Callable[[World], Control]
FAILED = Outcome(Ending.FAILED, "Overdue", "It took too long.")
CAPTURED = Outcome(Ending.CAPTURED)


def world(**behave: object) -> World:
    return World().vm("golden", "Win2022\\Server.json").behaving(**behave)


def work(control: Control) -> CaptureWork:
    """The capture of the world's golden VM, by a run that holds the claim."""
    run = started()
    upload(control, "labs.json", labs_json(asks("factory", "Win2022")))
    terms = configured(run).terms
    inspect_factory(run)
    plan_captures_of_run(run)
    [capture] = Journal(run.id).read(CAPTURE_PLAN, CapturePlan).captures
    control.clear_operations()
    return CaptureWork(run, capture, terms)


def finish_copy(control: Control, capture: CaptureWork) -> None:
    copy = begin_capture_copy(capture)
    control.advance(60)
    assert not capture_copy_pending(copy).pending


def finish(control: Control, capture: CaptureWork) -> CaptureWork:
    """Up to the manifest; answers the capture as it was released."""
    finish_copy(control, capture)
    released = release_disk(capture)
    write_capture_manifest(released)
    return released


def is_exported(control: Control) -> bool:
    [disk] = control.world()["disks"]
    return bool(disk["sas"])


def record(capture: CaptureWork) -> GrantRecord | None:
    found = claim_container(capture.run.account).find(f"grants/{capture.capture.disk.unique_id}")
    return from_json(found.data, GrantRecord) if found else None


def golden(capture: CaptureWork) -> list[str]:
    return [blob.name for blob in Vhds(capture.run.account).list()]


def kinds(control: Control) -> list[str]:
    """What was done to the world, without the container that a first write makes."""
    return [effect for effect, path in effects(control) if not path.endswith("/imagefactoryvhds")]


def assert_nothing_is_left(control: Control, capture: CaptureWork) -> None:
    assert not is_exported(control)
    assert record(capture) is None
    assert golden(capture) == []
