"""What will happen when the clock gets there: copies and images that end, VMs that stop."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count

from local.azure.resources import Due
from local.azure.store import Store, Table

Happening = Callable[[Due], Awaitable[None]]


class Timeline:
    """Stored like everything else, so a restart catches up with what became due meanwhile, in order."""

    def __init__(self, store: Store) -> None:
        self._table = Table(store, "due", Due, exact=True)
        self._numbers = count()
        self._heap = [(due.at, next(self._numbers), due) for due in self._table.all()]
        heapq.heapify(self._heap)
        self._happenings: dict[str, Happening] = {}
        self._lock = asyncio.Lock()

    def on(self, kind: str, happening: Happening) -> None:
        """Say what is done when something of this kind becomes due. It must look whether it still applies."""
        self._happenings[kind] = happening

    def schedule(self, due: Due) -> None:
        """One per kind and key: a later one replaces the former in what is stored."""
        self._table.put(due.kind, due.key, due)
        heapq.heappush(self._heap, (due.at, next(self._numbers), due))

    def pending(self, kind: str, key: str) -> Due | None:
        """What of this kind still lies ahead for this key."""
        return self._table.get(kind, key)

    async def settle(self, now: float) -> None:
        """Let everything happen that is due by now. Costs nothing when nothing is."""
        if not self._heap or self._heap[0][0] > now:
            return
        async with self._lock:
            while self._heap and self._heap[0][0] <= now:
                _, _, due = heapq.heappop(self._heap)
                # One that was replaced is only in the heap.
                if self._table.get(due.kind, due.key) == due:
                    try:
                        await self._happenings[due.kind](due)
                    except BaseException:
                        heapq.heappush(self._heap, (due.at, next(self._numbers), due))
                        raise
                    if self._table.get(due.kind, due.key) == due:
                        self._table.delete(due.kind, due.key)

    def clear(self) -> None:
        self._table.clear()
        self._heap.clear()
