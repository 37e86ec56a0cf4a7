"""Load an unmodified function app as the worker does, and call its functions."""

import asyncio
import functools
import importlib
import inspect
import json
import os
import re
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure.functions.decorators.function_app import FunctionRegister

ORCHESTRATOR, ACTIVITY = "orchestrationTrigger", "activityTrigger"
_THREADS = 16


@dataclass(frozen=True)
class DurableFunction:
    """An orchestrator (`call` is the SDK's handle) or an activity (`call` is the user's function)."""

    name: str
    is_orchestrator: bool
    call: Callable[..., Any]
    parameter: str


@dataclass(frozen=True)
class App:
    """`functions` are the SDK's, all of them; the rest is what host.json says."""

    functions: tuple[Any, ...]
    route_prefix: str
    default_version: str | None

    def triggered_by(self, kind: str) -> list[Any]:
        return [function for function in self.functions if function.get_trigger().type == kind]

    def durable(self) -> dict[str, DurableFunction]:
        """Orchestrators and activities by name; an explicit name on the trigger wins."""
        found: dict[str, DurableFunction] = {}
        for function in (*self.triggered_by(ORCHESTRATOR), *self.triggered_by(ACTIVITY)):
            trigger = function.get_trigger()
            explicit = getattr(trigger, "orchestration", None) or getattr(trigger, "activity", None)
            name = explicit or function.get_function_name()
            is_orchestrator = trigger.type == ORCHESTRATOR
            found[name] = DurableFunction(name, is_orchestrator, function.get_user_function(), trigger.name)
        return found


def load(folder: Path) -> App:
    """Import function_app.py and index it: once, a second time the SDK refuses."""
    sys.path.insert(0, str(folder))
    module = importlib.import_module("function_app")
    register: Any = next(value for value in vars(module).values() if isinstance(value, FunctionRegister))
    file = folder / "host.json"
    host: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    extensions: dict[str, dict[str, Any]] = host.get("extensions", {})
    return App(
        tuple(register.get_functions()),
        extensions.get("http", {}).get("routePrefix", "api").strip("/"),
        extensions.get("durableTask", {}).get("defaultVersion"),
    )


def expanded(text: str) -> str:
    """`%SETTING%` in a schedule or path; raises KeyError for a setting that is not there, as the host refuses it."""
    return re.sub(r"%([^%]+)%", lambda found: os.environ[found[1]], text)


class Worker:
    """Calls user functions on an event loop and threads of their own, so that a blocking one stops nobody it waits for."""

    def __init__(self, client_binding: str) -> None:
        self._client = client_binding
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="function")
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="worker"))
        threading.Thread(target=self._loop.run_forever, name="worker", daemon=True).start()

    async def call(self, function: Any, value: Any) -> Any:
        """Call a triggered function with its trigger's value; raises what it raises."""
        user: Any = function.get_user_function()
        arguments: dict[str, Any] = {function.get_trigger().name: value}
        for binding in function.get_bindings():
            if binding.type == "durableClient":
                arguments[binding.name] = self._client
        if "context" in inspect.signature(user).parameters and "context" not in arguments:
            arguments["context"] = SimpleNamespace(
                invocation_id=str(uuid.uuid4()), function_name=function.get_function_name()
            )
        if inspect.iscoroutinefunction(user):
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(user(**arguments), self._loop))
        return await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(user, **arguments))
