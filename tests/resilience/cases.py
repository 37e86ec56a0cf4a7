"""The cases: what is done to the reference run, and what must hold afterwards.

A case is a text such as `E1 17:503:x2`. Whoever has the text can have the case again, to the last call.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from local.host.misbehaviour import Misbehaviour, Mischief
from shared.starting import instance_id
from tests.resilience import checker
from tests.resilience.checker import Evidence, Expected, Snapshot, Violation
from tests.resilience.laboratory import A_CALL, Conditions, Laboratory, Stuck
from tests.resilience.reference import FACTORY, digests, expected_pairs, reference_configuration, reference_world
from tests.resilience.troubles import FOR_GOOD, TRANSIENT, Trouble, Way


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

    def run(self, *, is_awaited: bool = True) -> str:
        """Let a run end. Not awaited: what is still on its way (a late repeat) meets the next run."""
        laboratory = self.laboratory
        self.last = laboratory.start(after=self.last)
        laboratory.go_on(until=(lambda: False) if is_awaited else self._has_ended)
        instance = laboratory.hub.find(instance_id())
        if instance is None or not instance.ended:
            raise Stuck(f"run {self.last} stands still: {instance.status if instance else 'no instance'}")
        if instance.status != "Completed":
            self.violations.append(Violation("engine", f"run {self.last} is {instance.status}: {instance.output}"))
        return self.last

    def _has_ended(self) -> bool:
        instance = self.laboratory.hub.find(instance_id())
        return not self.laboratory.died and instance is not None and instance.ended

    @property
    def evidence(self) -> Evidence:
        laboratory = self.laboratory
        return Evidence(self.before, Snapshot(laboratory), laboratory.log.entries, laboratory.copies, self.expected)

    def judge(self, *, is_clean: bool = True, is_delivered: bool = True) -> None:
        """`is_clean`: nothing is left behind; a later run may have to see to that where Azure refused. I3 to I5, I7 to I9 always hold."""
        evidence = self.evidence
        found = checker.whole_images(evidence) + checker.reported_once(evidence, self.last)
        found += checker.kept_secrets(evidence, self.laboratory) + checker.others_things(evidence)
        found += checker.single_writers(evidence) + checker.golden_images_stay(evidence)
        found += checker.short_activities(self.laboratory)
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

    def state(self) -> str:
        report: Any = Snapshot(self.laboratory).document(self.last, "report.json") or {}
        return str(report.get("state", "no report"))


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


# --- The experiments


def one_fault(trial: Trial, text: str) -> None:
    """E1: a call fails once (or twice, so that the SDK's own retry does not hide it). What Azure means as transient changes nothing."""
    trouble = Trouble.parse(text)
    trial.laboratory.troubles.planned = [trouble]
    trial.run()
    is_transient = trouble.way in TRANSIENT
    trial.judge(is_clean=is_transient, is_delivered=is_transient)
    if is_transient and trial.state() != "Succeeded":
        trial.violations.append(Violation("fault-free result", f"the run is {trial.state()}"))
    recover(trial)


def for_good(trial: Trial, text: str) -> None:
    """E2: a call fails for good. Only what it is about is touched, and the next run makes good."""
    trouble = Trouble.parse(text)
    laboratory = trial.laboratory
    laboratory.troubles.planned = [trouble]
    trial.run()
    trial.judge(is_clean=False, is_delivered=False)
    if lab := _only_lab(laboratory.troubles.calls[trouble.call]):
        missing = [violation.what for violation in checker.undelivered(trial.evidence)]
        touched = [what for what in missing if f"'{lab}'" not in what]
        trial.violations += [Violation("blast radius", f"{what}, but only {lab} was in trouble") for what in touched]
    recover(trial)


def _only_lab(call: str) -> str:
    """The lab that a call is about; empty when it is about more."""
    for lab, _ in expected_pairs():
        if f"/{lab}/" in f"{call}/" or f"/st{lab.replace('-', '')}/" in call:
            return lab
    return ""


def killed(trial: Trial, _: str) -> None:
    """E3: the host dies somewhere and goes on from its history: the same end state."""
    trial.run()
    trial.judge()
    trial.judge_repeat()


def twice(trial: Trial, text: str) -> None:
    """E4: an activity is delivered again: at once, interleaved, or six minutes later, when the next run is at work."""
    number, _, mischief = text.partition(":")
    trial.laboratory.misbehaviour = Aimed(int(number), Mischief[mischief])
    trial.laboratory.restart_host()
    trial.run(is_awaited=False)
    trial.run()
    trial.judge()
    trial.judge_repeat()


def at_random(trial: Trial, text: str) -> None:
    """E5: two faults, sometimes a kill, a host that misbehaves, threads in any order."""
    seed = int(text)
    planned = random.Random(f"troubles {seed}")
    ways = list(Way)
    count = len(baseline(trial.laboratory).calls)
    troubles = [
        Trouble(planned.randrange(count), planned.choice(ways), planned.choice((1, 1, 2, 3, FOR_GOOD)))
        for _ in range(2)
    ]
    trial.laboratory.troubles.planned = troubles
    trial.run()
    is_transient = all(trouble.way in TRANSIENT and trouble.times != FOR_GOOD for trouble in troubles)
    trial.judge(is_clean=False, is_delivered=False)
    if is_transient:
        trial.judge(is_delivered=False)
    recover(trial)


def recover(trial: Trial) -> None:
    """Everything works again: one more run makes good what is left, and the next one writes nothing."""
    trial.laboratory.troubles.end()
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


def _faults(laboratory: Laboratory) -> Iterator[str]:
    for call in range(len(baseline(laboratory).calls)):
        for way in Way:
            yield str(Trouble(call, way))
        yield str(Trouble(call, Way.BUSY, 2))
        yield str(Trouble(call, Way.TIMEOUT_AFTER, 2))


def _for_good(laboratory: Laboratory) -> Iterator[str]:
    for call in range(len(baseline(laboratory).calls)):
        yield str(Trouble(call, Way.FORBIDDEN, FOR_GOOD))
        yield str(Trouble(call, Way.BROKEN, FOR_GOOD))


def _places(laboratory: Laboratory) -> Iterator[str]:
    return (str(number) for number in range(len(baseline(laboratory).places)))


def _activities(laboratory: Laboratory) -> Iterator[str]:
    for number in range(len(begun_activities(laboratory))):
        for mischief in (Mischief.TWICE_AT_ONCE, Mischief.AGAIN_LATER, Mischief.RESULT_LOST, Mischief.WORKER_DIED):
            yield f"{number}:{mischief.name}"


def begun_activities(laboratory: Laboratory) -> list[str]:
    """The activities of the run in which nothing goes wrong, in the order of their beginning."""
    places = baseline(laboratory).places
    return [place.removeprefix("before ") for place in places if place.startswith("before ") and A_CALL not in place]


def _seeds(_: Laboratory) -> Iterator[str]:
    return (str(seed) for seed in range(10**9))


def _random_conditions(text: str) -> Conditions:
    drawn = random.Random(f"conditions {text}")
    kills = (drawn.randrange(1400),) if drawn.random() < 0.4 else ()
    return Conditions(seed=int(text), mixes=True, misbehaves=True, kills=kills)


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment("E1", "each call fails once", one_fault, _faults),
        Experiment("E2", "each call fails for good", for_good, _for_good),
        Experiment("E3", "the host dies at each place", killed, _places, lambda text: Conditions(kills=(int(text),))),
        Experiment("E4", "each activity is delivered again", twice, _activities, lambda text: Conditions(mixes=True)),
        Experiment("E5", "random double faults, kills, misbehaviour", at_random, _seeds, _random_conditions, True),
    )
}


@dataclass(frozen=True)
class Baseline:
    """The run in which nothing goes wrong: its calls, and the places where the host could die."""

    calls: tuple[str, ...]
    places: tuple[str, ...]


@lru_cache(maxsize=1)
def baseline(laboratory: Laboratory) -> Baseline:
    """Asked for within a case, it is known already."""
    with laboratory.case(reference_world(), reference_configuration(), Conditions()):
        laboratory.run()
        return Baseline(tuple(laboratory.troubles.calls), tuple(laboratory.watch.places))


def play(laboratory: Laboratory, case: str) -> Verdict:
    """Play a case from its text."""
    name, _, text = case.partition(" ")
    experiment = EXPERIMENTS[name]
    baseline(laboratory)
    with laboratory.case(reference_world(), reference_configuration(), experiment.conditions(text)):
        trial = Trial(laboratory)
        try:
            experiment.play(trial, text)
        except Stuck as stuck:
            trial.violations.append(Violation("ends", str(stuck)))
        return Verdict(case, trial.violations, laboratory.troubles.injected + len(laboratory.watch.died_at))


__all__ = ["EXPERIMENTS", "Trial", "Verdict", "play", "replace"]
