"""Where steps and activities run: on threads, or wherever a test wants them to."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol


class Pool(Protocol):
    """What the host needs of an executor; raises RuntimeError when it was shut down."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any: ...
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...


Pools = Callable[[int, str], Pool]
"""Makes a pool of so many threads, by name."""


def threads(count: int, name: str) -> Pool:
    return ThreadPoolExecutor(count, thread_name_prefix=name)
