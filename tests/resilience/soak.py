"""Play many cases on all cores, and count."""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from tests.resilience.cases import EXPERIMENTS, Verdict, play
from tests.resilience.laboratory import Laboratory


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
        for name, count in sorted(self.cases.items(), key=lambda item: int(item[0][1:])):
            yield f"{name:>4} {count:>6} cases  {EXPERIMENTS[name].what}"
        count = self.cases.total()
        violations = sum(len(verdict.violations) for verdict in self.failed)
        yield (
            f"{count} cases, {self.cases['E5']} seeds, {self.injected} injected faults, {violations} violations"
            f" ({seconds:.0f} s, {seconds / max(1, count):.2f} s a case)"
        )
        yield f"{count - len(self.failed)} passed, {len(self.failed)} failed"


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


def soak(cases: Iterable[str], processes: int | None = None) -> Tally:
    """Play them; a failed one is told at once, with the command that shows it."""
    tally = Tally()
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        for verdict in pool.map(played, cases, chunksize=4):
            tally.add(verdict)
            for violation in verdict.violations:
                print(f"{verdict.case}: {violation}\n    make replay CASE='{verdict.case}'", flush=True)
            if tally.cases.total() % 500 == 0:
                print(f"... {tally.cases.total()} cases, {len(tally.failed)} failed", file=sys.stderr, flush=True)
    return tally


def measured(cases: Iterable[str]) -> Tally:
    """Play them and print what they came to."""
    begun = time.monotonic()
    tally = soak(cases)
    for line in tally.lines(time.monotonic() - begun):
        print(line, flush=True)
    return tally
