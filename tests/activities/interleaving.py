"""Let something happen in the middle of an activity: another run's step, a late repeat, the death of the worker."""

from collections.abc import Callable
from typing import Any

import pytest


class Killed(BaseException):
    """The worker dies here: nothing of the app may catch this."""


def die() -> None:
    raise Killed


def just_before(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, happens: Callable[[], object], call: int = 1
) -> None:
    """Once, before the call number `call` of a function of `owner` (a module or a class), let something happen.

    What happens may itself call the function: those calls are neither counted nor intercepted.
    """
    original, calls = getattr(owner, name), 0

    def intercepted(*values: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            monkeypatch.setattr(owner, name, original)
            happens()
        return original(*values, **named)

    monkeypatch.setattr(owner, name, intercepted)
