"""A durable client, written by hand: one instance under the factory's id, and what becomes of a start."""

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from shared import starting
from shared.domain.runs import RunRequest
from shared.durable import Orchestration, Steps


class RefusedError(Exception):
    """As the extension refuses: without a type of its own, so nobody may read its text."""


class Engine:
    """`runs` is the run id that the factory's instance works on; empty when none is alive.

    An accepted start runs what was asked for, or `instead` (it was dropped beside another start). `on_look` is called when
    the instance is looked at, `on_start` with the run id of an accepted start.
    """

    def __init__(self, runs: str = "") -> None:
        self.runs, self.instead, self.broken = runs, "", ""
        self.custom_status: Any = None
        self.asked: list[str] = []
        self.on_start: Callable[[str], object] = lambda _: None
        self.on_look: Callable[[], object] = lambda: None

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        assert orchestration_function_name == "factory_run"
        assert instance_id == starting.instance_id()
        if self.broken:
            raise RefusedError(self.broken)
        self.asked.append(client_input["runId"])
        if self.runs:
            raise RefusedError("An Orchestration instance with the status Running already exists.")
        self.runs = self.instead or client_input["runId"]
        await asyncio.to_thread(self.on_start, self.runs)
        return instance_id or ""

    async def get_status(
        self, instance_id: str, show_history: bool = False, show_history_output: bool = False, show_input: bool = False
    ) -> Any:
        assert instance_id == starting.instance_id()
        assert show_input
        assert not show_history
        assert not show_history_output
        await asyncio.to_thread(self.on_look)
        state = SimpleNamespace(name="Running" if self.runs else "Completed")
        value = json.dumps({"runId": self.runs or "20200101T000000Z-past"})
        return SimpleNamespace(runtime_status=state, input_=value, custom_status=self.custom_status)


class Clock:
    """Time as the starters see it: it passes only while they sleep."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = 0.0
        monkeypatch.setattr(starting, "time", SimpleNamespace(monotonic=lambda: self.passed))
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.passed += seconds


def factory_run(context: Orchestration, request: RunRequest) -> Steps[None]:
    """Only its name is used."""
    raise NotImplementedError((context, request))
