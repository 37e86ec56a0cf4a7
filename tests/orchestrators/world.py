"""The world that orchestrators act on: fakes of the activities under their own names, over plain values."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.capture import CaptureEnd, CaptureWork, Manifested
from activities.claim import Release, ReleaseAnswer, Released, Taken
from activities.configuration import Asked, Configured
from activities.copies import RunningCopy
from activities.delivery import DeliveryEnd, DeliveryWork, ImageCreation
from activities.generalize import Generalizing
from activities.inspection import Chunk, Inspected, LabAside, LabIndex, Listed, UnlistedChunk
from activities.notify import Notice, Notified
from activities.planning import Planned
from activities.report import Closing, Summary
from activities.tickets import Noted, Opened, Round, SpeedNote, Ticket, TicketRequest
from orchestrators.capture import capture
from orchestrators.delivery import deliver
from orchestrators.factory_run import factory_run
from orchestrators.inspection import inspect_labs
from orchestrators.lanes import lane_of_work
from shared.domain.capture import Capture, capture_key, vhd_name
from shared.domain.claim import Claim, ClaimState, take
from shared.domain.distribution import Delivery
from shared.domain.golden_vms import OsDisk
from shared.domain.images import GoldenImage, OsType
from shared.domain.labs import Lab, LabId
from shared.domain.outcomes import CANCELLED, Ending, Outcome, RunState
from shared.domain.runs import Run, RunRequest, Terms
from shared.domain.selection import WHOLE
from shared.domain.speeds import Load
from shared.domain.tickets import Answer, Kind, Tickets, issue
from shared.domain.waiting import DONE, PENDING, Progress
from shared.errors import PermanentError
from shared.journal import cancelled
from tests.orchestrators.engine import START, Engine, Instance

RUN = "20261123T020000Z-3fa2"
GIB = 2**30
FACTORY = -1
"""The place of the factory lab among the inspections."""

SUBSCRIPTION = "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f"
ORCHESTRATORS = (factory_run, inspect_labs, lane_of_work, capture, deliver)


def a_delivery(number: int = 0, **changes: Any) -> Delivery:
    lab = Lab(LabId(SUBSCRIPTION, f"rg-lab-{number}", f"lab-{number}"), f"lab{number}storage", "westeurope")
    image = GoldenImage(
        name=f"Windows_Server2022-Nov-{number % 28 + 1}-2026",
        image_path="Windows\\Server2022.json",
        os_type=OsType.WINDOWS,
        vhd="0d9a2f6e-5a4c-5d7e-9b1f-3c2d1e0f9a8b.vhd",
        built=START,
        digest="a" * 64,
        size_bytes=127 * GIB + 512,
        manifest="0d9a2f6e-5a4c-5d7e-9b1f-3c2d1e0f9a8b.json",
        captures=("a" * 64, "b" * 64),
    )
    return replace(Delivery(RUN, lab, image, "c" * 64), **changes)


def a_capture(number: int = 0, **changes: Any) -> Capture:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-golden/providers/Microsoft.Compute/disks"
    disk = OsDisk(f"{group}/golden-{number}_OsDisk", f"00000000-0000-4000-8000-{number:012}", START, 127 * GIB)
    digest = capture_key(f"vm-{number}", disk)
    made = Capture(
        vm=f"golden-{number}",
        vm_id=f"vm-{number}",
        image_path=f"Windows\\Golden{number}.json",
        image=f"Windows_Golden{number}-Nov-23-2026",
        os_type=OsType.WINDOWS,
        description="A golden VM",
        disk=disk,
        digest=digest,
        vhd=vhd_name(digest, RUN),
        built=START,
    )
    return replace(made, **changes)


class World:
    """What the fakes read and change. Copies and image creations take the given time, by the name of their VHD or image."""

    def __init__(
        self, deliveries: tuple[Delivery, ...] = (), captures: tuple[Capture, ...] = (), labs: int = 0
    ) -> None:
        self.now: Callable[[], datetime] = lambda: START
        self.app = "app"
        self.claim: Claim | None = None
        self.etags = ["1"]
        self.usable = True
        self.selection = WHOLE
        self.labs = labs
        self.terms = Terms(3, timedelta(hours=12), timedelta(hours=2), 1)
        self.work: dict[Kind, tuple[Any, ...]] = {Kind.PAIRS: deliveries, Kind.CAPTURES: captures}
        self.copy_time = timedelta(minutes=5)
        self.image_time = timedelta(minutes=2)
        self.shutdown_time = timedelta(minutes=10)
        self.stays_stopped = False
        self.times: dict[str, timedelta] = {}
        self.stalled: set[str] = set()
        self.begun: dict[str, datetime] = {}
        self.tickets: dict[tuple[str, Kind, int], Tickets] = {}
        self.noted: list[tuple[str, float, int]] = []
        self.taken: list[tuple[Kind, int, int, str]] = []
        self.outcomes: dict[Kind, dict[str, Outcome]] = {Kind.CAPTURES: {}, Kind.PAIRS: {}}
        self.settled: Counter[str] = Counter()
        self.in_flight: set[str] = set()
        self.most_in_flight = 0
        self.inspected: dict[tuple[str, int], datetime] = {}
        self.aside: dict[int, str] = {}
        self.reports: list[Closing] = []
        self.notices: list[Notice] = []
        self.released: list[str] = []
        self.exported: set[str] = set()
        self.copied: list[Capture] = []
        self.copies: set[str] = set()

    @property
    def cancelled(self) -> bool:
        return self.claim is not None and self.claim.cancelled

    def fence(self, run: Run, begins: bool = False) -> None:
        if self.claim is None or not self.claim.held_by(run.id):
            raise PermanentError("Fenced", "Not yours any more.")
        if begins and self.cancelled:
            raise cancelled()

    # --- The run

    def take_claim(self, request: RunRequest) -> Taken:
        self.claim = take(self.claim, request.run_id, self.app)
        return Taken(Run(request.run_id, "factory", "factorystorage", self.app), self.claim.took_over)

    def read_configuration(self, asked: Asked) -> Configured:
        self.fence(asked.run, begins=True)
        assert self.claim is not None
        if not asked.request.selective:
            self.claim = self.claim.having_seen(self.etags[0])
        if len(self.etags) > 1:
            del self.etags[0]
        lanes = asked.request.lanes or self.terms.lanes
        part = self.selection
        return Configured(self.usable, self.labs, replace(self.terms, lanes=lanes), part.captures, part.distributes)

    def inspect_factory(self, run: Run) -> Inspected:
        self.fence(run, begins=True)
        self.inspected[run.id, FACTORY] = self.now()
        return Inspected(0, 0)

    def plan_captures_of_run(self, run: Run) -> Planned:
        self.fence(run, begins=True)
        return Planned(len(self.work[Kind.CAPTURES]), 0)

    def find_resource_groups(self, chunk: Chunk) -> Listed:
        return Listed(len(chunk.indices(self.labs)))

    def give_up_listing(self, unlisted: UnlistedChunk) -> Listed:
        self.aside |= dict.fromkeys(unlisted.chunk.indices(self.labs), unlisted.problem.code)
        return Listed(0)

    def inspect_lab(self, position: LabIndex) -> Inspected:
        self.fence(position.run, begins=True)
        assert (position.run.id, position.index) not in self.inspected
        self.inspected[position.run.id, position.index] = self.now()
        return Inspected(0, 0)

    def set_lab_aside(self, aside: LabAside) -> Inspected:
        self.aside[aside.position.index] = aside.problem.code
        return Inspected(0, 0)

    def plan_distribution_of_run(self, run: Run) -> Planned:
        self.fence(run, begins=True)
        return Planned(len(self.work[Kind.PAIRS]), 0)

    def write_report(self, closing: Closing) -> Summary:
        if closing.run is not None:
            self.fence(closing.run)
        self.reports.append(closing)
        refusal = closing.refusal
        ended = [outcome.state for kind in Kind for outcome in self.outcomes[kind].values()]
        state = RunState.FAILED if refusal or Ending.FAILED in ended else RunState.SUCCEEDED
        if (refusal and refusal.code == CANCELLED) or Ending.SKIPPED in ended:
            state = RunState.CANCELLED
        return Summary(closing.run_id, state, {}, refusal.code if refusal else "")

    def notify(self, notice: Notice) -> Notified:
        if notice.run is not None:
            self.fence(notice.run)
        assert self.reports
        self.notices.append(notice)
        return Notified(True)

    def release_claim(self, release: Release) -> ReleaseAnswer:
        if self.claim is None or not self.claim.held_by(release.run.id):
            return ReleaseAnswer(Released.LOST)
        self.released.append(release.run.id)
        self.claim = self.claim.left_by(release.whole, self.etags[0], release.next_run)
        return ReleaseAnswer(Released.HANDED_OVER if self.claim.run == release.next_run else Released.RELEASED)

    # --- Tickets

    def _keys(self, kind: Kind) -> list[str]:
        return [work.key for work in self.work[kind]]

    def open_round(self, opening: Round) -> Opened:
        self.fence(opening.run, begins=True)
        left = [i for i, key in enumerate(self._keys(opening.kind)) if key not in self.outcomes[opening.kind]]
        tickets = self.tickets.setdefault((opening.run.id, opening.kind, opening.number), Tickets(tuple(left)))
        return Opened(len(tickets.left) + len(tickets.lanes))

    def next_ticket(self, request: TicketRequest) -> Ticket:
        if self.cancelled:
            return Ticket(Answer.NONE_LEFT)
        place = (request.round.run.id, request.round.kind, request.round.number)
        # The order of the plan is the order of the tickets.
        loads = [Load("account", 10_000 - index) for index in range(len(self.work[request.round.kind]))]
        self.tickets[place], answer, index = issue(self.tickets[place], request.lane, request.number, loads)
        if answer is not Answer.WORK or index is None:
            return Ticket(answer)
        work = self.work[request.round.kind][index]
        self.taken.append((request.round.kind, request.round.number, request.lane, work.key))
        if request.round.kind is Kind.CAPTURES:
            return Ticket(answer, capture=work, terms=self.terms)
        return Ticket(answer, delivery=work, terms=self.terms)

    def note_speed(self, note: SpeedNote) -> Noted:
        self.noted.append((note.account, note.seconds, note.done_bytes))
        return Noted(len(self.noted))

    def close_unfinished(self, closing: Round) -> Opened:
        unfinished = [key for key in self._keys(closing.kind) if key not in self.outcomes[closing.kind]]
        outcome = Outcome.failed(cancelled()) if self.cancelled else Outcome(Ending.FAILED, "Unfinished")
        self.outcomes[closing.kind] |= dict.fromkeys(unfinished, outcome)
        return Opened(len(unfinished))

    # --- One delivery

    def _begin(self, name: str) -> None:
        self.begun.setdefault(name, self.now())

    def _copied(self, vhd: str, size: int | None) -> Progress:
        progress = self._progress(vhd, self.copy_time, size)
        if progress.pending and self.cancelled:
            raise cancelled()
        return progress

    def _progress(self, name: str, usual: timedelta, total: int | None) -> Progress:
        if name in self.stalled:
            return Progress(True, GIB, total)
        share = (self.now() - self.begun[name]) / self.times.get(name, usual)
        if share >= 1:
            return DONE
        return Progress(True, int(total * share), total) if total else Progress(True)

    def _fly(self, key: str) -> None:
        self.in_flight.add(key)
        self.most_in_flight = max(self.most_in_flight, len(self.in_flight))

    def _settle(self, kind: Kind, key: str, outcome: Outcome) -> Outcome:
        self.settled[key] += 1
        self.in_flight.discard(key)
        return self.outcomes[kind].setdefault(key, outcome)

    def begin_copy(self, work: DeliveryWork) -> RunningCopy:
        self.fence(work.run, begins=True)
        self._fly(work.delivery.key)
        self._begin(work.delivery.vhd)
        self.copies.add(work.delivery.vhd)
        return RunningCopy(work.delivery.lab.account, work.delivery.vhd, "copy", work.delivery.image.size_bytes)

    def copy_pending(self, copy: RunningCopy) -> Progress:
        return self._copied(copy.vhd, copy.size_bytes)

    def begin_image_removal(self, work: DeliveryWork) -> Progress:
        self.fence(work.run, begins=True)
        self._begin(f"removal of {work.delivery.image.name}")
        return Progress(True)

    def image_removal_pending(self, work: DeliveryWork) -> Progress:
        return self._progress(f"removal of {work.delivery.image.name}", timedelta(seconds=30), None)

    def begin_custom_image(self, work: DeliveryWork) -> ImageCreation:
        self.fence(work.run, begins=True)
        self._fly(work.delivery.key)
        self._begin(work.delivery.image.name)
        return ImageCreation(work)

    def custom_image_pending(self, creation: ImageCreation) -> Progress:
        self._begin(creation.work.delivery.image.name)
        return self._progress(creation.work.delivery.image.name, self.image_time, None)

    def settle_delivery(self, end: DeliveryEnd) -> Outcome:
        self.fence(end.work.run)
        self.copies.discard(end.work.delivery.vhd)
        return self._settle(Kind.PAIRS, end.work.delivery.key, end.outcome)

    # --- One capture

    def begin_generalize(self, work: CaptureWork) -> Generalizing:
        self.fence(work.run)
        self._begin(f"shutdown of {work.capture.vm}")
        return Generalizing(work)

    def generalize_pending(self, generalizing: Generalizing) -> Progress:
        return self._progress(f"shutdown of {generalizing.work.capture.vm}", self.shutdown_time, None)

    def begin_deallocate(self, generalizing: Generalizing) -> Progress:
        self._begin(f"deallocation of {generalizing.work.capture.vm}")
        return PENDING

    def deallocation_pending(self, generalizing: Generalizing) -> Progress:
        name = f"deallocation of {generalizing.work.capture.vm}"
        if name not in self.begun:
            return PENDING if self.stays_stopped else DONE
        return self._progress(name, timedelta(minutes=1), None)

    def end_generalize(self, generalizing: Generalizing) -> CaptureWork:
        capture = generalizing.work.capture
        disk = replace(capture.disk, ownership_updated=self.now().astimezone(UTC))
        changed = replace(capture, disk=disk, digest=capture_key(capture.vm_id, disk))
        return replace(generalizing.work, capture=changed)

    def begin_capture_copy(self, work: CaptureWork) -> RunningCopy:
        self.fence(work.run, begins=True)
        self._fly(work.capture.key)
        self._begin(work.capture.vhd)
        self.copies.add(work.capture.vhd)
        self.exported.add(work.capture.disk.id)
        self.copied.append(work.capture)
        return RunningCopy(work.run.account, work.capture.vhd, "copy", (work.capture.disk.size_bytes or 0) + 512)

    def capture_copy_pending(self, copy: RunningCopy) -> Progress:
        return self._copied(copy.vhd, copy.size_bytes)

    def release_disk(self, work: CaptureWork) -> CaptureWork:
        self.exported.remove(work.capture.disk.id)
        later = replace(work.capture.disk, ownership_updated=self.now().astimezone(UTC))
        return replace(work, capture=replace(work.capture, disk=later))

    def write_capture_manifest(self, released: CaptureWork) -> Manifested:
        self.fence(released.run, begins=True)
        assert released.capture.disk.id not in self.exported
        self.copies.remove(released.capture.vhd)
        return Manifested((released.capture.disk.size_bytes or 0) + 512)

    def settle_capture(self, end: CaptureEnd) -> Outcome:
        self.exported.discard(end.work.capture.disk.id)
        self.copies.discard(end.work.capture.vhd)
        return self._settle(Kind.CAPTURES, end.work.capture.key, end.outcome)


ACTIVITIES = tuple(
    name for name, member in vars(World).items() if callable(member) and not name.startswith("_") and name != "fence"
)


def engine_for(world: World) -> Engine:
    engine = Engine(ORCHESTRATORS, [getattr(world, name) for name in ACTIVITIES])
    world.now = lambda: engine.now
    return engine


def play(world: World, engine: Engine | None = None, run: str = RUN, lanes: int | None = None) -> Instance:
    """One run of the factory, from its start to its end."""
    engine = engine or engine_for(world)
    asked = {"runId": run, "selective": not world.selection.is_whole} | ({"lanes": lanes} if lanes else {})
    return engine.run("factory_run", asked, "factory-factory")


def held(run: str, app: str = "app") -> Claim:
    return Claim(app, run, ClaimState.HELD)
