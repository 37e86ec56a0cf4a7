"""Places where tests let the host die, as `kill -9` would."""

import os
import threading
from collections import Counter
from typing import Protocol

VARIABLE = "HOST_KILL_AT"


class Reached(Protocol):
    """Is told wherever the host may die: `when` is before, after, before-episode or after-episode; may not return."""

    def reach(self, when: str, name: str) -> None: ...


class KillPoints:
    """`before:<activity>:<n>`, `after:<activity>:<n>`, `before-episode:<orchestrator>:<n>`, `after-episode:...`.

    The n-th time counts (1 if left out). `after` means: before what came of it is stored.
    """

    def __init__(self, text: str) -> None:
        when, _, rest = text.partition(":")
        name, _, number = rest.partition(":")
        self._point, self._number = (when, name), int(number or 1)
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def reach(self, when: str, name: str) -> None:
        """Returns, or ends this process at once: nothing is flushed."""
        if (when, name) != self._point:
            return
        with self._lock:
            self._seen[when, name] += 1
            if self._seen[when, name] == self._number:
                os._exit(137)
