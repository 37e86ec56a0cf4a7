"""A run that does a part of the job, against real storage; and how runs are listed and watched pair by pair."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from activities.claim import Release, Released, release_claim, take_claim
from activities.configuration import Asked, configuration_etag, read_configuration
from activities.inspection import Chunk as Labs
from activities.inspection import LabIndex, find_resource_groups, inspect_factory, inspect_lab
from activities.planning import plan_captures_of_run, plan_distribution_of_run
from activities.report import Closing, write_report
from activities.tickets import Round, SpeedNote, TicketRequest, next_ticket, note_speed, open_round
from api.planning import plan_now
from local.azure import Control
from shared.azure.labs import factory_lab
from shared.domain.capture import CapturePlan
from shared.domain.claim import Claim, ClaimState
from shared.domain.distribution import DistributionPlan
from shared.domain.outcomes import Ending, Outcome, RunState
from shared.domain.runs import Run, RunRequest
from shared.domain.selection import Selection, Stage
from shared.domain.tickets import Kind
from shared.instances import Instance
from shared.journal import (
    CAPTURE_PLAN,
    DISTRIBUTION_PLAN,
    REQUEST,
    FrozenConfiguration,
    Journal,
    read_claim,
    write_claim,
)
from shared.starting import Start, start_run
from shared.watching import PairState, Transfer, list_runs, run_status
from tests.activities.conftest import RUN, YOUNGER, started, upload
from tests.activities.engine_double import Clock, Engine, factory_run
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow

Give = Callable[[World], Control]
LABS = labs_json(asks("lab-a", "Win", "Linux"), asks("lab-b", "Win"), asks("lab-b", "x", ResourceGroup="?"))
DEAD = Instance(alive=False)
PART = Selection(labs=("lab-a",), images=("Win",), stages=(Stage.DISTRIBUTE,))
PREDECESSOR = "20260101T000000Z-0000"


@pytest.fixture
def control(given: Give, monkeypatch: pytest.MonkeyPatch) -> Control:
    Clock(monkeypatch)
    world = World().lab("lab-a").lab("lab-b").vm("win", "Win\\Client.json")
    world.golden_image("Win\\Server.json", "server", 1).golden_image("Linux\\Debian.json", "debian", 2)
    control = given(world)
    upload(control, "labs.json", LABS)
    return control


def alive(run: str) -> Instance:
    return Instance(alive=True, input={"runId": run})


def start(engine: Engine, selection: Selection) -> Start:
    return asyncio.run(start_run(engine, factory_run, None, selection))


def part_of(selection: Selection) -> tuple[Run, RunRequest]:
    """A run of this selection that holds the claim; a whole run before it saw another configuration."""
    account = factory_lab().account
    write_claim(account, Claim("tests", PREDECESSOR, ClaimState.RELEASED, seen_etag='"old"'), read_claim(account))
    Journal(RUN).write(REQUEST, selection)
    request = RunRequest(RUN, selective=True)
    return take_claim(request).run, request


# --- The start


@pytest.mark.usefixtures("control")
def test_a_selection_is_in_the_journal_before_the_run_can_begin() -> None:
    engine = Engine()
    found: list[Selection] = []
    engine.on_start = lambda run: found.append(Journal(run).read(REQUEST, Selection))
    assert start(engine, PART).accepted
    assert found == [PART]


@pytest.mark.usefixtures("control")
def test_a_selection_of_any_length_travels_as_a_word() -> None:
    sent: list[object] = []

    class Recording(Engine):
        async def start_new(
            self, orchestration_function_name: str, instance_id: str | None = None, client_input: object = None
        ) -> str:
            sent.append(client_input)
            return await super().start_new(orchestration_function_name, instance_id, client_input)

    start(Recording(), Selection(labs=tuple(f"lab-{number}" for number in range(5000))))
    assert [set(each) - {"runId"} for each in sent if isinstance(each, dict)] == [{"selective"}]


@pytest.mark.usefixtures("control")
def test_a_start_that_is_refused_is_no_run() -> None:
    assert not start(Engine(RUN), PART).accepted
    assert list_runs(Instance(alive=False), 10).runs == ()


@pytest.mark.usefixtures("control")
def test_the_whole_job_needs_no_selection() -> None:
    engine = Engine()
    start(engine, Selection(stages=tuple(Stage)))
    assert list(Journal(RUN).container.list("runs/")) == []


# --- The run


@pytest.mark.usefixtures("control")
def test_a_part_reads_only_its_labs_and_leaves_in_the_claim_what_the_last_whole_run_saw() -> None:
    run, request = part_of(PART)
    configured = read_configuration(Asked(run, request))
    assert (configured.labs, configured.captures, configured.distributes) == (1, False, True)
    frozen = Journal(run.id).read("configuration.json", FrozenConfiguration)
    assert [lab.name for lab in frozen.labs] == ["lab-a"]
    assert frozen.set_aside == ()
    assert {finding.path for finding in frozen.findings} == set(), (
        "what is wrong with the other lab is not its business"
    )
    claim = read_claim(run.account).claim
    assert claim
    assert claim.seen_etag == '"old"'


@pytest.mark.usefixtures("control")
def test_a_part_plans_only_what_it_is_asked_for_as_a_dry_run_told() -> None:
    selection = Selection(labs=("lab-a",), images=("win",))
    told = plan_now(selection)
    run, request = part_of(selection)
    read_configuration(Asked(run, request))
    inspect_factory(run)
    plan_captures_of_run(run)
    find_resource_groups(Labs(run, 0))
    inspect_lab(LabIndex(run, 0))
    plan_distribution_of_run(run)
    [capture] = Journal(run.id).read(CAPTURE_PLAN, CapturePlan).captures
    pairs = Journal(run.id).read(DISTRIBUTION_PLAN, DistributionPlan).pairs
    assert capture.vm == "win"
    assert {(pair.lab, pair.image_path) for pair in pairs} == {("lab-a", "Win\\Server.json")}
    # The plan counts on the capture, which this test does not make.
    assert {(pair.lab, pair.image_path) for pair in told.pairs} == {
        ("lab-a", "Win\\Server.json"),
        ("lab-a", "Win\\Client.json"),
    }
    assert [effect.vm for effect in told.captures] == ["win"]


@pytest.mark.parametrize(("rings", "released"), [(False, Released.RELEASED), (True, Released.HANDED_OVER)])
@pytest.mark.usefixtures("control")
def test_a_part_is_followed_by_the_whole_only_when_an_upload_rang(rings: bool, released: Released) -> None:
    run, request = part_of(PART)
    read_configuration(Asked(run, request))
    if rings:
        read = read_claim(run.account)
        assert read.claim
        write_claim(run.account, read.claim.ring(), read)
    assert release_claim(Release(run, YOUNGER, whole=False)).state is released
    claim = read_claim(run.account).claim
    assert claim
    assert claim.seen_etag == '"old"' != configuration_etag(), "an event that comes now starts a run"
    assert not claim.rung


# --- Watching


@pytest.mark.usefixtures("control")
def test_runs_are_listed_newest_first_each_with_its_state() -> None:
    one, two, three = "20261120T000000Z-aaaa", "20261121T000000Z-bbbb", "20261122T000000Z-cccc"
    for run_id in (one, two):
        started(run_id)
        write_report(Closing(run_id, datetime(2026, 11, 22, tzinfo=UTC)))
    started(three)
    Journal("20261123T000000Z-gone").write(REQUEST, PART)
    page = list_runs(alive(three), 10)
    assert [(run.run_id, run.state) for run in page.runs] == [
        (three, RunState.RUNNING),
        (two, RunState.SUCCEEDED),
        (one, RunState.SUCCEEDED),
    ]
    assert page.next == ""
    assert [run.state for run in list_runs(DEAD, 2).runs] == [RunState.INTERRUPTED], "a refused start takes a place"
    assert [run.run_id for run in list_runs(DEAD, 1, before=three).runs] == [two]
    assert list_runs(DEAD, 1, before=three).next == f"/api/runs?limit=1&before={two}"
    assert list_runs(DEAD, 1, before=one).runs == ()


@pytest.mark.usefixtures("given")
def test_a_factory_that_never_ran_lists_nothing(given: Give) -> None:
    given(World())
    assert list_runs(DEAD, 20).runs == ()


@pytest.mark.usefixtures("control")
def test_each_pair_is_queued_then_worked_on_then_ended() -> None:
    run, request = part_of(Selection(labs=("lab-a",), stages=(Stage.DISTRIBUTE,)))
    read_configuration(Asked(run, request))
    inspect_factory(run)
    find_resource_groups(Labs(run, 0))
    inspect_lab(LabIndex(run, 0))
    assert run_status(run.id, alive(run.id)).pairs == ()
    plan_distribution_of_run(run)

    def states() -> dict[str, PairState]:
        return {pair.image: pair.state for pair in run_status(run.id, alive(run.id)).pairs}

    assert states() == {"server": PairState.QUEUED, "debian": PairState.QUEUED}
    work = Round(run, Kind.PAIRS, 1)
    open_round(work)
    delivery = next_ticket(TicketRequest(work, 1, 1)).delivery
    assert delivery
    assert states()[delivery.image.name] is PairState.WORKING
    assert run_status(run.id, alive(run.id)).transfer == Transfer(0, 2 * delivery.copy_bytes)
    assert note_speed(SpeedNote(work, delivery.lab.account, 1e-4, 2**30)).copies == 1
    status = run_status(run.id, alive(run.id))
    assert status.transfer
    assert status.transfer.done_bytes == delivery.copy_bytes, "by the speed that was seen it is copied long since"
    assert status.transfer.bytes_per_second
    assert status.eta
    assert run_status(run.id, DEAD).transfer == Transfer(0, 2 * delivery.copy_bytes), "nobody copies"
    assert sorted(states().values()) == [PairState.QUEUED, PairState.WORKING]
    Journal(run.id).settle(Kind.PAIRS, delivery.key, Outcome(Ending.DELIVERED, bytes=delivery.copy_bytes, seconds=3))
    assert states()[delivery.image.name] is PairState.DELIVERED

    status = run_status(run.id, alive(run.id))
    assert status.transfer
    assert (status.transfer.done_bytes, status.transfer.planned_bytes) == (
        delivery.copy_bytes,
        2 * delivery.copy_bytes,
    )
    assert status.transfer.bytes_per_second
    assert status.eta
    dead = run_status(run.id, DEAD)
    assert sorted(pair.code or pair.state for pair in dead.pairs) == ["Unfinished", "delivered"]
    assert dead.eta is None
