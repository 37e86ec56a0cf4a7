"""Read many things within one activity, several at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8
"""Well below ARM's 25 reads a second (`azure-facts.md` section 7)."""


def side_by_side(read: Callable[[T], R], values: Iterable[T]) -> list[R]:
    """What `read` answers for each value, in their order; raises what it raises for the first that fails."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, values))
