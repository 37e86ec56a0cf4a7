"""One case in the laboratory: runs of the app, judgements between them, and what they come to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from local.azure.resources import Json
from local.host.misbehaviour import Misbehaviour, Mischief
from shared.starting import instance_id
from tests.resilience import checker
from tests.resilience.checker import Evidence, Expected, Snapshot, Violation
from tests.resilience.laboratory import A_CALL, Conditions, Laboratory, Stuck
from tests.resilience.reference import FACTORY, digests, expected_pairs, reference_configuration, reference_world


@dataclass
class Verdict:
    """What a case came to: what was violated, and how much went wrong on the way."""

    case: str
    violations: list[Violation]
    injected: int = 0


EXPECTED = Expected(FACTORY, expected_pairs(), digests())


class Trial:
    """One case in the laboratory: runs of the app, and judgements between them."""

    def __init__(self, laboratory: Laboratory, expected: Expected = EXPECTED) -> None:
        self.laboratory, self.expected = laboratory, expected
        self.before = Snapshot(laboratory)
        self.violations: list[Violation] = []
        self.last = ""
        self.done = 0
        """What was done to the run beside failing calls and kills."""

    def run(self, *, is_awaited: bool = True, **request: Any) -> str:
        """Let a run end. Not awaited: what is still on its way (a late repeat) meets the next run."""
        laboratory = self.laboratory
        self.last = laboratory.start(after=self.last, **request)
        laboratory.go_on(until=(lambda: False) if is_awaited else self.has_ended)
        instance = laboratory.hub.find(instance_id())
        if instance is None or not instance.ended:
            raise Stuck(f"run {self.last} stands still: {instance.status if instance else 'no instance'}")
        if instance.status != "Completed":
            self.violations.append(Violation("engine", f"run {self.last} is {instance.status}: {instance.output}"))
        return self.last

    def has_ended(self) -> bool:
        instance = self.laboratory.hub.find(instance_id())
        return not self.laboratory.died and instance is not None and instance.ended

    @property
    def report(self) -> Json:
        """That of the last run; empty when it has none."""
        return Snapshot(self.laboratory).document(self.last, "report.json") or {}

    @property
    def rows(self) -> list[Json]:
        """Every capture and every pair of the last run, as reported."""
        report = self.report
        return [*report.get("captures", ()), *report.get("pairs", ())]

    @property
    def evidence(self) -> Evidence:
        laboratory = self.laboratory
        return Evidence(self.before, Snapshot(laboratory), laboratory.log.entries, laboratory.copies, self.expected)

    def judge(self, *, is_clean: bool = True, is_delivered: bool = True, is_reported: bool = True) -> None:
        """I3, I5 and I7 to I9 hold at any time, I4 wherever there is a report.

        `is_clean`: nothing is left behind; where Azure refused, a later run sees to that. `is_reported`: not where claim or
        journal could not be reached for good.
        """
        evidence = self.evidence
        found = checker.whole_images(evidence)
        if is_reported or evidence.after.document(self.last, "report.json"):
            found += checker.reported_once(evidence, self.last)
        found += checker.kept_secrets(evidence, self.laboratory) + checker.others_things(evidence)
        found += checker.single_writers(evidence) + checker.golden_images_stay(evidence)
        found += checker.short_activities(self.laboratory) + checker.bugs(self.laboratory)
        if is_clean:
            found += checker.left_behind(evidence)
        if is_delivered:
            found += checker.undelivered(evidence)
        self.violations += [violation for violation in found if violation not in self.violations]

    def judge_repeat(self) -> None:
        """E12: a run right after a good one writes nothing and grants nothing."""
        begun = len(self.laboratory.log.entries)
        self.run()
        self.violations += checker.wrote(self.laboratory.log.entries[begun:])

    def judge_state(self) -> None:
        """What went wrong has left no trace in the run's report."""
        after = Snapshot(self.laboratory)
        report: Any = after.document(self.last, "report.json") or {}
        for kind in ("captures", "pairs"):
            # The second round is for what was ended by force: it must not hide that lanes lost their work.
            if (after.document(self.last, f"tickets/{kind}-2") or {}).get("lanes"):
                self.violations.append(Violation("fault-free result", f"some {kind} needed the second round"))
        if report.get("state") != "Succeeded":
            self.violations.append(
                Violation("fault-free result", f"the run is {report.get('state', 'without report')}")
            )


class Aimed(Misbehaviour):
    """Misbehaves at one activity, the n-th that is begun, in one way; late repeats come after six minutes."""

    def __init__(self, number: int, mischief: Mischief) -> None:
        super().__init__(0)
        self._number, self._mischief, self._begun = number, mischief, 0

    def next(self) -> Mischief | None:
        self._begun += 1
        return self._mischief if self._begun - 1 == self._number else None

    def pause(self) -> timedelta:
        return timedelta(minutes=6)


def recover(trial: Trial) -> None:
    """Everything works again: one more run makes good what is left, and the next one writes nothing.

    What did not happen to the run before does not happen to these: it may have had fewer places.
    """
    trial.laboratory.watch.leave_alone()
    trial.laboratory.troubles.end()
    trial.laboratory.misbehaviour.rest()
    trial.run()
    trial.judge()
    trial.judge_repeat()


@dataclass(frozen=True)
class Experiment:
    """`conditions` makes those of a case from its text."""

    name: str
    what: str
    play: Callable[[Trial, str], None]
    all: Callable[[Laboratory], Iterator[str]]
    conditions: Callable[[str], Conditions] = lambda text: Conditions()  # noqa: ARG005
    is_endless: bool = False
    world: Callable[[str], Json] = lambda text: reference_world()  # noqa: ARG005


@dataclass(frozen=True)
class Baseline:
    """The run in which nothing goes wrong: its calls, and the places where the host could die."""

    calls: tuple[str, ...]
    places: tuple[str, ...]
    call_at: dict[int, int]


def baseline(laboratory: Laboratory, lanes: int | None = None) -> Baseline:
    """Asked for within a case, the one with the usual number of lanes is known already."""
    return _baseline(laboratory, lanes)


@lru_cache(maxsize=3)
def _baseline(laboratory: Laboratory, lanes: int | None) -> Baseline:
    with laboratory.case(reference_world(), reference_configuration(), Conditions()):
        run = laboratory.run(lanes=lanes)
        report = Snapshot(laboratory).document(run, "report.json") or {}
        if report.get("state") != "Succeeded":
            raise RuntimeError(
                f"the reference run is {report.get('state', 'without report')}: nothing can be proved with it"
            )
        watch = laboratory.watch
        return Baseline(tuple(laboratory.troubles.calls), tuple(watch.places), watch.call_at)


class Begun(NamedTuple):
    """An activity and its places: its beginning is the first, its end the last, between them are its calls to Azure."""

    name: str
    first: int
    last: int

    @property
    def calls(self) -> range:
        return range(self.first + 1, self.last)


def begun_activities(laboratory: Laboratory, lanes: int | None = None) -> list[Begun]:
    """The activities of the run in which nothing goes wrong, in the order of their beginning: one after the other."""
    places = baseline(laboratory, lanes).places
    begun = [(place, name.removeprefix("before ")) for place, name in enumerate(places) if name.startswith("before ")]
    return [Begun(name, place, places.index(f"after {name}", place)) for place, name in begun if name != A_CALL]
