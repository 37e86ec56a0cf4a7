"""One thread at a time: every activity runs on a thread of its own, but only the one that a seed chooses moves.

That makes what threads do together reproducible: whoever calls Azure or sleeps stands still, and the scheduler says who goes on.
"""

import random
import threading
from collections.abc import Callable
from functools import partial
from typing import Any


class Killed(BaseException):
    """The process died: raised where its threads stood, so that they end without doing anything more."""


def _shut() -> threading.Lock:
    """A gate that lets one through for each time it is released; far quicker than a semaphore."""
    gate = threading.Lock()
    gate.acquire()
    return gate


class _Strand:
    """Work with a place where it stands; `go` lets it move."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.go = _shut()
        self.begun = self.ended = False


class _Worker:
    """A thread that does one strand's work after the other."""

    def __init__(self, scheduler: "Strands") -> None:
        self.strand: _Strand | None = None
        self._scheduler = scheduler
        self.wake = _shut()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self.wake.acquire()
            strand = self.strand
            if strand is None:
                return
            self._scheduler.local.strand = strand
            try:
                strand.work()
            except Killed:
                pass
            finally:
                strand.ended = True
                self._scheduler.idle.append(self)
                self._scheduler.handed_back.release()


class Strands:
    """Decides who moves. With `mixes` a call to Azure is a place where another may be chosen, else only a sleep is."""

    def __init__(self, choose: random.Random, *, mixes: bool = False) -> None:
        self._choose, self.mixes = choose, mixes
        self.dead = False
        self.local = threading.local()
        self.handed_back = _shut()
        self.idle: list[_Worker] = []
        self._ready: list[_Strand] = []
        self._standing: list[_Strand] = []

    # --- The host's pools

    def pool(self, count: int, name: str) -> "_Pool":
        del count, name
        return _Pool(self)

    def add(self, work: Callable[[], Any]) -> None:
        self._ready.append(_Strand(work))

    # --- Called by the strands

    @property
    def current(self) -> _Strand | None:
        """The strand of this thread; None for threads that are not ours (the SDK's pollers), while their strand waits for them."""
        return getattr(self.local, "strand", None)

    def give_way(self) -> None:
        """Let another one move, if calls may be mixed."""
        if self.mixes and (strand := self.current):
            self._ready.append(strand)
            self._stand(strand)

    def stand_until(self, tell: Callable[[Callable[[], None]], None]) -> None:
        """Stand still until what `tell` was given is called."""
        strand = self.current
        assert strand is not None
        tell(lambda: self._ready.append(strand))
        self._stand(strand)

    def _stand(self, strand: _Strand) -> None:
        self._standing.append(strand)
        self.handed_back.release()
        strand.go.acquire()
        self._standing.remove(strand)
        if self.dead:
            raise Killed

    # --- Called by the one who lets them move

    def move(self) -> bool:
        """Let one strand go on as far as it gets; False when none can."""
        if not self._ready:
            return False
        at = self._choose.randrange(len(self._ready)) if self.mixes and len(self._ready) > 1 else 0
        self._let_go(self._ready.pop(at))
        return True

    def _let_go(self, strand: _Strand) -> None:
        if strand.begun:
            strand.go.release()
        else:
            strand.begun = True
            worker = self.idle.pop() if self.idle else _Worker(self)
            worker.strand = strand
            worker.wake.release()
        self.handed_back.acquire()

    def kill(self) -> None:
        """The process is dead: nothing that stands still ever does anything again."""
        self.dead = True
        self._ready.clear()
        for strand in list(self._standing):
            self._let_go(strand)
        self.close()

    def close(self) -> None:
        for worker in self.idle:
            worker.strand = None
            worker.wake.release()
        self.idle.clear()


class _Pool:
    """The host's view: what is submitted becomes a strand."""

    def __init__(self, strands: Strands) -> None:
        self._strands = strands

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> None:
        if self._strands.dead:
            raise RuntimeError("the host is dead")
        self._strands.add(partial(fn, *args))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Whoever stands still is ended by `kill`."""
