"""Starting, ringing and watching: no upload is lost, two starts are never one run too many."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from activities.claim import Release, release_claim, take_claim
from activities.configuration import configuration_etag
from activities.report import Closing, write_report
from local.azure import Control
from shared import starting
from shared.azure.labs import factory_lab
from shared.domain.claim import Claim, ClaimState
from shared.domain.distribution import DistributionPlan, Pair
from shared.domain.outcomes import Ending, Outcome, RunState
from shared.domain.runs import RunRequest
from shared.domain.tickets import Kind
from shared.errors import MissingError, TransientError
from shared.instances import Instance, get_instance
from shared.journal import DISTRIBUTION_PLAN, Journal, ReadClaim, read_claim, write_claim
from shared.settings import settings
from shared.starting import Start, configuration_arrived, instance_id, start_run
from shared.watching import RunStatus, run_report, run_status
from tests.activities.conftest import RUN, YOUNGER, configured, started, upload
from tests.activities.engine_double import Clock, Engine, factory_run
from tests.activities.interleaving import just_before
from tests.e2e.worlds import World, asks, labs_json

Give = Callable[[World], Control]
HELD, RELEASED = ClaimState.HELD, ClaimState.RELEASED
OTHER_RUN = "20261123T030000Z-othr"
DEAD = Instance(alive=False)
ONE, TWO = labs_json(asks("lab-a", "Win2016")), labs_json(asks("lab-b", "Win2019"))


@pytest.fixture
def control(given: Give) -> Control:
    return given(World().lab("lab-a"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("control", "clock")]


def the_claim() -> ReadClaim:
    return read_claim(factory_lab().account)


def there_is(claim: Claim) -> ReadClaim:
    assert write_claim(factory_lab().account, claim, the_claim())
    return the_claim()


def arrive(engine: Engine) -> None:
    asyncio.run(configuration_arrived(engine, factory_run, configuration_etag))


def start(engine: Engine, lanes: int | None = None) -> Start:
    return asyncio.run(start_run(engine, factory_run, lanes))


# --- An upload


@pytest.mark.parametrize("state", [HELD, RELEASED])
def test_a_late_event_for_what_a_run_has_seen_does_nothing(control: Control, state: ClaimState) -> None:
    upload(control, "labs.json", ONE)
    before = there_is(Claim("tests", RUN, state, seen_etag=configuration_etag()))
    engine = Engine()
    arrive(engine)
    assert the_claim() == before
    assert engine.asked == []


def test_an_upload_that_is_gone_again_does_nothing() -> None:
    engine = Engine()
    arrive(engine)
    assert engine.asked == []


def test_an_upload_rings_the_run_that_works(control: Control) -> None:
    upload(control, "labs.json", ONE)
    before = there_is(Claim("tests", RUN, HELD, seen_etag='"old"'))
    engine = Engine(RUN)
    arrive(engine)
    after = the_claim()
    assert before.claim
    assert after.claim == before.claim.ring()
    assert after.etag != before.etag
    assert engine.asked == []


@pytest.mark.parametrize("before", [None, Claim("tests", RUN, RELEASED, seen_etag='"old"')])
def test_an_upload_starts_a_run_where_none_works(control: Control, before: Claim | None) -> None:
    upload(control, "labs.json", ONE)
    if before:
        there_is(before)
    engine = Engine()
    arrive(engine)
    assert engine.asked == [engine.runs]
    assert engine.runs > (before.run if before else "")


def test_an_upload_that_meets_a_run_which_is_just_ending_starts_the_next(control: Control, clock: Clock) -> None:
    upload(control, "labs.json", ONE)
    there_is(Claim("tests", RUN, RELEASED, seen_etag='"old"'))
    engine = Engine(RUN)

    def end() -> None:
        if clock.passed > 5:
            engine.runs = engine.runs.replace(RUN, "")

    engine.on_look = end
    arrive(engine)
    assert len(engine.asked) > 1
    assert engine.runs == engine.asked[-1]


def test_an_upload_that_can_start_nothing_is_delivered_again(control: Control, clock: Clock) -> None:
    upload(control, "labs.json", ONE)
    engine = Engine(RUN)
    with pytest.raises(TransientError) as caught:
        arrive(engine)
    assert caught.value.code == "StartRefused"
    assert starting.ENDING_FOR < clock.passed < starting.ENDING_FOR + 5


def test_an_upload_that_is_refused_rings_the_run_that_takes_the_claim_meanwhile(control: Control) -> None:
    upload(control, "labs.json", ONE)
    engine = Engine(YOUNGER)
    engine.on_look = lambda: take_claim(RunRequest(YOUNGER))
    arrive(engine)
    assert len(engine.asked) == 1
    assert the_claim().claim == Claim("tests", YOUNGER, HELD, rung=True)


def test_an_upload_that_the_run_which_just_began_has_read_needs_no_ring(control: Control) -> None:
    upload(control, "labs.json", ONE)
    engine = Engine(YOUNGER)

    def read() -> None:
        configured(started(YOUNGER))
        etags.append(the_claim().etag)

    etags: list[str] = []
    engine.on_look = read
    arrive(engine)
    assert the_claim().etag == etags[-1]


def test_a_run_that_releases_while_it_is_rung_is_followed_by_another(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(control, "labs.json", ONE)
    run = started()
    configured(run)
    engine = Engine()

    def release() -> None:
        read = the_claim()
        assert read.claim
        assert write_claim("stfactory", read.claim.released(), read)

    just_before(monkeypatch, starting, "write_claim", release)
    upload(control, "labs.json", TWO)
    arrive(engine)
    assert engine.asked == [engine.runs]


def test_a_rung_run_goes_on_with_the_next_and_that_one_is_not_started_twice(control: Control) -> None:
    """The whole path of an upload that meets a run: ring, hand over, the event again."""
    upload(control, "labs.json", ONE)
    run = started()
    configured(run)
    upload(control, "labs.json", TWO)
    engine = Engine(RUN)
    arrive(engine)
    release_claim(Release(run, OTHER_RUN))
    configured(started(OTHER_RUN))
    arrive(engine)
    assert engine.asked == []
    claim = the_claim().claim
    assert claim
    assert (claim.run, claim.seen_etag) == (OTHER_RUN, configuration_etag())


# --- A start


def test_a_start_is_accepted_as_soon_as_its_run_is_recorded(clock: Clock) -> None:
    engine = Engine()
    engine.on_start = lambda run: take_claim(RunRequest(run))
    assert start(engine) == Start(True, engine.runs)
    assert clock.passed == 0


def test_a_start_names_the_factory_and_the_lanes_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[RunRequest] = []

    async def begin(_client: object, _orchestrator: object, instance: str, value: RunRequest) -> bool:
        assert instance == instance_id() == f"factory-{settings().factory}"
        sent.append(value)
        return False

    monkeypatch.setattr(starting, "begin_instance", begin)
    start(Engine(RUN), lanes=7)
    assert [request.lanes for request in sent] == [7]


def test_a_run_id_sorts_after_the_claims_whatever_the_clocks_say() -> None:
    there_is(Claim("tests", YOUNGER, RELEASED))
    engine = Engine()
    assert start(engine).run_id > YOUNGER


def test_a_start_is_refused_with_the_run_that_works() -> None:
    assert start(Engine(RUN)) == Start(False, RUN)


def test_a_start_that_was_refused_by_a_run_which_is_gone_when_asked_is_tried_once_more() -> None:
    engine = Engine(RUN)

    def end() -> None:
        engine.runs = engine.runs.replace(RUN, "")

    engine.on_look = end
    answer = start(engine)
    assert answer == Start(True, engine.runs)
    assert len(engine.asked) == 2


def test_a_start_that_was_dropped_beside_another_one_tells_who_runs() -> None:
    engine = Engine()
    engine.instead = OTHER_RUN
    assert start(engine) == Start(False, OTHER_RUN)


def test_a_start_whose_run_is_recorded_late_is_accepted_when_it_is(clock: Clock) -> None:
    engine = Engine()
    engine.on_look = lambda: take_claim(RunRequest(engine.runs)) if clock.passed > 3 else None
    assert start(engine) == Start(True, engine.runs)
    assert 3 < clock.passed < 6


def test_an_undecided_start_is_accepted_after_a_while(clock: Clock) -> None:
    engine = Engine()
    assert start(engine) == Start(True, engine.runs)
    assert starting.UNDECIDED_AFTER <= clock.passed < starting.UNDECIDED_AFTER + 1


def test_an_engine_that_starts_nothing_is_asked_again_later_and_tells_no_secret() -> None:
    engine = Engine()
    engine.broken = "no answer from https://host/?code=x&sig=c2VjcmV0"
    with pytest.raises(TransientError) as caught:
        start(engine)
    assert caught.value.code == "StartFailed"
    assert "c2VjcmV0" not in caught.value.message


# --- How a run is


PLAN = DistributionPlan(
    (
        *(Pair("sub", "lab", "Win", key=key) for key in ("one", "two")),
        Pair("sub", "lab", "Mac", outcome=Outcome(Ending.PRESENT)),
        Pair("sub", "lab", "Linux", key="three"),
    )
)


def status_of(engine: Engine, run_id: str) -> RunStatus:
    return run_status(run_id, asyncio.run(get_instance(engine, instance_id())))


def test_a_run_that_works_tells_its_stage_and_its_counts_so_far() -> None:
    run = started()
    journal = Journal(run.id)
    journal.write(DISTRIBUTION_PLAN, PLAN)
    journal.settle(Kind.PAIRS, "one", Outcome(Ending.DELIVERED))
    journal.settle(Kind.PAIRS, "two", Outcome(Ending.FAILED, "CopyFailed"))
    journal.settle(Kind.CAPTURES, "three", Outcome(Ending.CAPTURED))
    engine = Engine(run.id)
    engine.custom_status = {"stage": "deliveries", "labs": 3, "deliveries": 7, "text": "no counter"}
    status = status_of(engine, run.id)
    assert (status.state, status.stage, status.planned) == (
        RunState.RUNNING,
        "deliveries",
        {"labs": 3, "deliveries": 7},
    )
    assert status.counts == {"delivered": 1, "present": 1, "skipped": 0, "failed": 1, "capturesEnded": 1}
    assert [pair.state for pair in status.pairs] == ["delivered", "failed", "present", "queued"]
    assert status.started_at == datetime(2026, 11, 23, 2, 5, 9, tzinfo=UTC)
    assert status.ended_at is None


def test_a_run_that_was_accepted_works_before_it_is_recorded() -> None:
    status = status_of(Engine(RUN), RUN)
    assert (status.state, status.started_at, status.counts["delivered"]) == (RunState.RUNNING, None, 0)
    assert status.stage == "starting"


@pytest.mark.parametrize("works", ["", RUN, OTHER_RUN], ids=["nobody", "itself", "another"])
def test_a_run_with_a_report_has_ended_whoever_works(works: str) -> None:
    started()
    ended = datetime(2026, 11, 23, 3, tzinfo=UTC)
    write_report(Closing(RUN, ended))
    status = status_of(Engine(works), RUN)
    assert (status.state, status.stage, status.ended_at) == (RunState.SUCCEEDED, "ended", ended)


@pytest.mark.parametrize("works", ["", OTHER_RUN], ids=["nobody", "another"])
def test_a_run_without_a_report_that_nobody_works_on_was_interrupted(works: str) -> None:
    journal = Journal(started().id)
    journal.write(DISTRIBUTION_PLAN, PLAN)
    journal.settle(Kind.PAIRS, "one", Outcome(Ending.DELIVERED))
    engine = Engine(works)
    engine.custom_status = {"stage": "labs", "labs": 99}
    status = status_of(engine, RUN)
    assert (status.state, status.stage, status.planned) == (RunState.INTERRUPTED, "", {})
    assert status.counts == {"delivered": 1, "present": 1, "skipped": 0, "failed": 2, "capturesEnded": 0}


@pytest.mark.parametrize("works", ["", OTHER_RUN], ids=["nobody", "another"])
def test_a_run_that_was_ended_by_force_never_gets_a_report(works: str) -> None:
    started()
    with pytest.raises(MissingError) as missing:
        run_report(RUN, asyncio.run(get_instance(Engine(works), instance_id())))
    assert missing.value.code == "ReportMissing"


def test_a_run_that_works_answers_how_far_it_is_instead_of_a_report() -> None:
    started()
    found = run_report(RUN, asyncio.run(get_instance(Engine(RUN), instance_id())))
    assert isinstance(found, RunStatus)
    assert found.state is RunState.RUNNING


HOSTILE = {
    "of nobody": "20261123T020509Z-none",
    "empty": "",
    "parent": "../x",
    "encoded parent": "..%2F..%2Fx",
    "another blob": f"{RUN}/report.json",
    "with a parent": f"{RUN}/../{RUN}",
    "a suffix that is none": "20261123T020509Z-aa/a",
    "a month that is none": "20261323T020509Z-aaaa",
    "long": "2" * 100_000,
    "unicode": "20261123T020509Z-äöüß",
    "digits of others": "２０２６1123T020509Z-aaaa",
    "a line end": f"{RUN}\n",
    "nul": "20261123T020509Z-aa\0a",
}


@pytest.mark.parametrize("run_id", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_run_is_not_found_and_asks_storage_for_nothing_else(control: Control, run_id: str) -> None:
    write_report(Closing(started().id, datetime(2026, 11, 23, 3, tzinfo=UTC)))
    control.clear_operations()
    with pytest.raises(MissingError) as caught:
        run_status(run_id, DEAD)
    assert (caught.value.code, caught.value.next_step) == ("RunNotFound", "GET /api/runs lists the runs.")
    asked = [call["path"] for call in control.operations()]
    assert all(path.startswith(f"/stlocalsystem/runs/runs/{run_id}/") for path in asked)
    assert len(caught.value.message) < 400, "what was asked for is not repeated at length"
