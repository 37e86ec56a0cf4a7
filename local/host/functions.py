"""Load an unmodified function app as the worker does, and call its functions."""

import asyncio
import functools
import importlib
import inspect
import os
import re
import sys
import threading
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure.functions.decorators.function_app import FunctionRegister

from local.host.hub import DurableFunction

ORCHESTRATOR, ACTIVITY = "orchestrationTrigger", "activityTrigger"


def load(folder: Path) -> list[Any]:
    """Import function_app.py and index it: once, a second time the SDK refuses."""
    sys.path.insert(0, str(folder))
    module = importlib.import_module("function_app")
    register: Any = next(value for value in vars(module).values() if isinstance(value, FunctionRegister))
    return register.get_functions()


def durable_functions(functions: list[Any]) -> dict[str, DurableFunction]:
    """Orchestrators and activities by name; an explicit name on the trigger wins."""
    found: dict[str, DurableFunction] = {}
    for function in functions:
        trigger = function.get_trigger()
        if trigger.type in (ORCHESTRATOR, ACTIVITY):
            explicit = getattr(trigger, "orchestration", None) or getattr(trigger, "activity", None)
            name = explicit or function.get_function_name()
            is_orchestrator = trigger.type == ORCHESTRATOR
            found[name] = DurableFunction(name, is_orchestrator, function.get_user_function(), trigger.name)
    return found


def expanded(text: str) -> str:
    """`%SETTING%` in a schedule or path; raises KeyError for a setting that is not there, as the host refuses it."""
    return re.sub(r"%([^%]+)%", lambda found: os.environ[found[1]], text)


class Worker:
    """Calls user functions on an event loop and threads of their own, so that a blocking one stops nobody it waits for."""

    def __init__(self, client_binding: str) -> None:
        self._client = client_binding
        self._loop = asyncio.new_event_loop()
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
        return await asyncio.get_running_loop().run_in_executor(None, functools.partial(user, **arguments))
