"""What is to happen when, and whether anybody works: a clock that jumps does so only when nobody does."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import requests

from local.host.clock import Clock

log = logging.getLogger("local.host")

_RETRY_SECONDS = 1.0


@dataclass(order=True)
class _Entry:
    due: datetime
    number: int
    wanted: Callable[[], bool] = field(compare=False)
    happen: Callable[[], None] = field(compare=False)


class Agenda:
    """One thread that lets things happen when they are due, earliest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[_Entry] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._working = 0
        self._stopped = False
        clock.watch(self._look_again)
        self._thread = threading.Thread(target=self._run, name="agenda", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _look_again(self) -> None:
        with self._changed:
            self._changed.notify()

    def add(self, due: datetime, happen: Callable[[], None], wanted: Callable[[], bool] = lambda: True) -> None:
        """Let `happen` be called when `due`; what is not `wanted` by then is dropped, and no clock jumps for it.

        `wanted` takes no lock: it is asked under the agenda's.
        """
        with self._changed:
            heapq.heappush(self._entries, _Entry(due, next(self._numbers), wanted, happen))
            self._changed.notify()

    def begin_work(self) -> None:
        with self._changed:
            self._working += 1

    def end_work(self) -> None:
        with self._changed:
            self._working -= 1
            if not self._working:
                self._changed.notify()

    @contextmanager
    def work(self) -> Generator[None, None, None]:
        """Somebody works: time that jumps stands still meanwhile."""
        self.begin_work()
        try:
            yield
        finally:
            self.end_work()

    @property
    def next_due(self) -> datetime | None:
        """When something is to happen next; None when nothing is."""
        with self._changed:
            return self._next_due()

    def pass_time(self) -> bool:
        """Jump to what is due next and let it happen; False when nothing is. For whoever lets time pass by hand."""
        due = self.next_due
        if due is None:
            return False
        self._clock.advance_to(due)
        for happen in self._taken():
            happen()
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                due = self._next_due()
                while not self._stopped and (due is None or not self._may_reach(due)):
                    self._changed.wait(self._patience(due))
                    due = self._next_due()
                if self._stopped or due is None:
                    return
            try:
                self._clock.advance_to(due)
            except requests.RequestException as error:
                log.error("The simulator's clock does not follow: %s", error)
                threading.Event().wait(_RETRY_SECONDS)
                continue
            for happen in self._taken():
                happen()

    def _next_due(self) -> datetime | None:
        while self._entries and not self._entries[0].wanted():
            heapq.heappop(self._entries)
        return self._entries[0].due if self._entries else None

    def _may_reach(self, due: datetime) -> bool:
        return due <= self._clock.now() or (self._clock.jumps and not self._working)

    def _patience(self, due: datetime | None) -> float | None:
        """Seconds to wait for what is due at the latest; None: until something changes."""
        if due is None or self._clock.jumps:
            return None
        return min(60.0, (due - self._clock.now()).total_seconds())

    def _taken(self) -> list[Callable[[], None]]:
        """Everything that is due now, so that what is due together happens together."""
        with self._changed:
            now = self._clock.now()
            taken: list[Callable[[], None]] = []
            while self._entries and self._entries[0].due <= now:
                entry = heapq.heappop(self._entries)
                if entry.wanted():
                    taken.append(entry.happen)
            return taken
