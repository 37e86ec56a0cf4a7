"""The judgements of a session: a line for each as it falls, and how many of each kind."""

from typing import cast

from local.azure.resources import Json


class Ledger:
    """Prints `ok`, `FAIL` or `skip` with what was judged; a failure says why."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def judge(self, what: str, holds: bool, why: str = "") -> bool:
        """`why` explains a failure; answers whether it held."""
        if holds:
            self.passed += 1
            print(f"ok    {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {what}: {why or 'it does not hold'}", flush=True)
        return holds

    def compare(self, what: str, seen: object, expected: object, source: str = "the world") -> bool:
        """Passes when what is seen equals what `source` has; of two objects only the keys that differ are told."""
        return self.judge(what, seen == expected, difference(seen, expected, source))

    def skip(self, what: str, why: str) -> None:
        print(f"skip  {what}: {why}", flush=True)

    @property
    def summary(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"


def difference(seen: object, expected: object, source: str) -> str:
    """What differs between two answers, in words."""
    if isinstance(seen, dict) and isinstance(expected, dict):
        left, right = cast(Json, seen), cast(Json, expected)
        keys = [key for key in {**right, **left} if left.get(key) != right.get(key)]
        return "; ".join(f"{key} is {left.get(key)!r}, {source} has {right.get(key)!r}" for key in keys)
    return f"{seen!r}, {source} has {expected!r}"
