"""The life of one capture: the disk is released and the manifest comes last, whatever happens."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrators.capture import capture
from shared.domain.capture import Capture
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import Run, Terms
from shared.domain.tickets import Kind
from shared.durable import CRASHES
from shared.errors import PermanentError, RejectedError
from shared.wire import from_plain, to_plain
from tests.orchestrators.engine import Engine
from tests.orchestrators.world import GIB, RUN, World, a_capture, engine_for, held

TERMS = Terms(3, timedelta(hours=2), timedelta(hours=2), 1)
STEPS = ("begin_capture_copy", "capture_copy_pending", "release_disk", "write_capture_manifest")


GENERALIZE = ("begin_generalize", "generalize_pending", "begin_deallocate", "deallocation_pending", "end_generalize")


def scene() -> tuple[World, Engine]:
    world = World(captures=(a_capture(),))
    world.claim = held(RUN)
    return world, engine_for(world)


def captured(engine: Engine, of: Capture | None = None) -> Outcome:
    work = {"run": to_plain(Run(RUN, "factory", "factorystorage", "app")), "capture": to_plain(of or a_capture())}
    ended = engine.run(capture.__name__, {**work, "terms": to_plain(TERMS)})
    assert ended.error is None, "a capture never raises"
    return from_plain(ended.output["value"], Outcome)


def test_a_capture_copies_releases_the_disk_and_writes_the_manifest_last() -> None:
    world, engine = scene()
    outcome = captured(engine)
    assert (outcome.state, outcome.bytes) == (Ending.CAPTURED, 127 * GIB + 512)
    assert [name for name, _ in engine.calls if name != "capture_copy_pending"] == [
        "begin_capture_copy",
        "release_disk",
        "write_capture_manifest",
        "settle_capture",
    ]
    assert world.outcomes[Kind.CAPTURES] == {a_capture().key: outcome}


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_is_an_outcome_and_no_disk_stays_exported(step: str) -> None:
    world, engine = scene()
    engine.faults[step].append(RejectedError("DiskExportedByOther", "No.", "End that export."))
    outcome = captured(engine)
    assert replace(outcome, seconds=None) == Outcome(Ending.FAILED, "DiskExportedByOther", "No.", "End that export.")
    assert world.settled == {a_capture().key: 1}
    assert not world.exported


@pytest.mark.parametrize("step", STEPS)
def test_a_step_whose_worker_always_dies_is_an_outcome(step: str) -> None:
    world, engine = scene()
    engine.faults[step] += [MemoryError("python exited with code 137")] * CRASHES
    assert captured(engine).code == "ActivityFailed"
    assert not world.exported


RUNNING = a_capture(generalize=True)
"""A VM that is to be generalized first."""


def test_a_vm_is_generalized_before_its_disk_is_copied_and_the_copy_is_that_of_the_disk_afterwards() -> None:
    world, engine = scene()
    outcome = captured(engine, RUNNING)
    assert outcome.state is Ending.CAPTURED
    steps = [name for name, _ in engine.calls if not name.endswith("_pending")]
    assert steps == [
        "begin_generalize",
        "end_generalize",
        "begin_capture_copy",
        "release_disk",
        "write_capture_manifest",
        "settle_capture",
    ]
    [copied] = world.copied
    assert copied.digest != RUNNING.digest, "its disk changed when the VM was deallocated"
    assert world.outcomes[Kind.CAPTURES] == {RUNNING.key: outcome}


def test_a_vm_that_stays_stopped_is_deallocated_and_waited_for() -> None:
    world, engine = scene()
    world.stays_stopped = True
    assert captured(engine, RUNNING).state is Ending.CAPTURED
    assert engine.called("begin_deallocate") == 1
    assert engine.called("deallocation_pending") > 2


def test_a_vm_that_never_shuts_down_is_overdue_and_nothing_of_it_is_exported() -> None:
    world, engine = scene()
    world.shutdown_time = timedelta(days=1)
    assert captured(engine, RUNNING).code == "Overdue"
    assert engine.called("begin_deallocate") == engine.called("begin_capture_copy") == 0


@pytest.mark.parametrize("step", GENERALIZE)
def test_a_generalize_stage_that_fails_is_an_outcome_and_nothing_is_copied(step: str) -> None:
    world, engine = scene()
    world.stays_stopped = True
    engine.faults[step].append(RejectedError("GeneralizeFailed", "No.", "Repair it."))
    outcome = captured(engine, RUNNING)
    assert replace(outcome, seconds=None) == Outcome(Ending.FAILED, "GeneralizeFailed", "No.", "Repair it.")
    assert engine.called("begin_capture_copy") == 0


def test_a_copy_that_is_overdue_gets_no_manifest() -> None:
    world, engine = scene()
    world.copy_time = timedelta(days=1)
    assert captured(engine).code == "Overdue"
    assert engine.called("write_capture_manifest") == 0
    assert not world.exported


def test_a_copy_without_progress_gets_no_manifest() -> None:
    world, engine = scene()
    world.stalled.add(a_capture().vhd)
    assert captured(engine).code == "Stalled"
    assert engine.called("write_capture_manifest") == 0


def test_a_capture_whose_copy_failed_writes_no_manifest() -> None:
    _, engine = scene()
    engine.faults["capture_copy_pending"].append(PermanentError("CopyFailed", "Source gone."))
    assert captured(engine).code == "CopyFailed"
    assert engine.called("write_capture_manifest") == 0
