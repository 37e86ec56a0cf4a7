"""Play many cases on all cores, and count."""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, islice

from tests.resilience.cases import EXPERIMENTS, Verdict, play
from tests.resilience.laboratory import Laboratory
from tests.resilience.trial import Experiment


@dataclass
class Tally:
    """What came of all cases so far."""

    cases: Counter[str] = field(default_factory=Counter[str])
    injected: int = 0
    failed: list[Verdict] = field(default_factory=list[Verdict])

    def add(self, verdict: Verdict) -> None:
        self.cases[verdict.case.partition(" ")[0]] += 1
        self.injected += verdict.injected
        if verdict.violations:
            self.failed.append(verdict)

    def lines(self, seconds: float) -> Iterator[str]:
        for name, number in sorted(self.cases.items(), key=lambda item: int(item[0][1:])):
            yield f"{name:>4} {number:>6} cases  {EXPERIMENTS[name].what}"
        total = self.cases.total()
        seeds = sum(self.cases[name] for name in EXPERIMENTS if EXPERIMENTS[name].is_endless)
        violations = sum(len(verdict.violations) for verdict in self.failed)
        yield (
            f"{total} cases, {seeds} seeds, {self.injected} injected faults, {violations} violations"
            f" ({seconds:.0f} s, {seconds / max(1, total):.2f} s a case)"
        )
        yield f"{total - len(self.failed)} passed, {len(self.failed)} failed"


@lru_cache(maxsize=1)
def laboratory() -> Laboratory:
    """This process's; making one takes a second."""
    return Laboratory()


def played(case: str) -> Verdict:
    """What a case came to; one that cannot be played has failed, too."""
    return play(laboratory(), case)


def everything(seeds: int, first_seed: int = 0) -> Iterator[str]:
    """All cases of every sweep, and so many seeds of what is drawn at random."""
    for experiment in EXPERIMENTS.values():
        texts = experiment.all(laboratory())
        for text in islice(texts, first_seed, first_seed + seeds) if experiment.is_endless else texts:
            yield f"{experiment.name} {text}"


def slice_of(name: str) -> Iterator[str]:
    """Cases in an order that follows from a name, each experiment's turn by turn, without end: another name, other cases."""
    drawn = random.Random(name)
    turns = [_turns(experiment, drawn) for experiment in EXPERIMENTS.values()]
    while True:
        for turn in turns:
            if case := next(turn, None):
                yield case


def _turns(experiment: Experiment, drawn: random.Random) -> Iterator[str]:
    if experiment.is_endless:
        texts: Iterable[str] = (str(drawn.randrange(10**9)) for _ in count())
    else:
        texts = drawn.sample(known := list(experiment.all(laboratory())), len(known))
    return (f"{experiment.name} {text}" for text in texts)


def soak(cases: Iterable[str], within: float = float("inf"), processes: int | None = None) -> Tally:
    """Play them, as many as can be begun `within` so many seconds; a failed one is told with the command that shows it."""
    tally, begun, left = Tally(), time.monotonic(), iter(cases)
    at_once = processes or os.cpu_count() or 1
    with ProcessPoolExecutor(at_once) as pool:
        playing: set[Future[Verdict]] = set()
        while True:
            in_time = time.monotonic() - begun < within
            playing |= {
                pool.submit(played, case) for case in islice(left, 2 * at_once - len(playing) if in_time else 0)
            }
            if not playing:
                return tally
            ended, playing = wait(playing, return_when=FIRST_COMPLETED)
            for future in ended:
                tally.add(future.result())
                _tell(future.result(), tally)


def _tell(verdict: Verdict, tally: Tally) -> None:
    for violation in verdict.violations:
        print(f"{verdict.case}: {violation}", flush=True)
    if verdict.violations:
        print(f"    make replay CASE='{verdict.case}'", flush=True)
    if tally.cases.total() % 500 == 0:
        print(f"... {tally.cases.total()} cases, {len(tally.failed)} failed", file=sys.stderr, flush=True)


def measured(cases: Iterable[str], within: float = float("inf")) -> Tally:
    """Play them and print what they came to."""
    begun = time.monotonic()
    tally = soak(cases, within)
    for line in tally.lines(time.monotonic() - begun):
        print(line, flush=True)
    return tally
