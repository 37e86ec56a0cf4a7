"""What triggers may ask of the durable engine: start an orchestration under a fixed id, and look at it."""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from shared.durable import Orchestrator
from shared.errors import TransientError
from shared.redaction import redacted
from shared.wire import to_plain

V = TypeVar("V")


class Client(Protocol):
    """What triggers may use of `DurableOrchestrationClient`."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str: ...
    async def get_status(
        self,
        instance_id: str,
        show_history: bool = False,
        show_history_output: bool = False,
        show_input: bool = False,
    ) -> Any: ...


@dataclass(frozen=True)
class Instance:
    """An orchestration as the engine tells it; `alive` when it is not ended."""

    alive: bool
    input: dict[str, Any] = field(default_factory=dict[str, Any])
    custom_status: dict[str, Any] = field(default_factory=dict[str, Any])


async def begin_instance(client: Client, orchestrator: Orchestrator[V, Any], instance_id: str, value: V) -> bool:
    """Start an orchestration under a fixed id; False when one of that id is alive.

    A start that is accepted may still be dropped beside another one (`durable-facts.md` section 5): look who runs.
    """
    problem = ""
    # Twice: the one that was alive may have ended just after it made the engine refuse.
    for _ in range(2):
        try:
            await client.start_new(orchestrator.__name__, instance_id, to_plain(value))
        except Exception as error:
            # The refusal has no type of its own: ask instead of reading its text.
            if (await get_instance(client, instance_id)).alive:
                return False
            problem = str(error)
        else:
            return True
    raise TransientError("StartFailed", redacted(f"The engine did not start {instance_id}: {problem}"))


async def get_instance(client: Client, instance_id: str) -> Instance:
    status = await client.get_status(instance_id, show_input=True)
    if not status:
        return Instance(alive=False)
    alive = str(getattr(status.runtime_status, "name", "")) in ("Running", "Pending", "Suspended", "ContinuedAsNew")
    value = status.input_
    # What `start_new` sends comes back as JSON text, what `continue_as_new` sends as an object (`durable-facts.md` 2.6).
    return Instance(alive, _dict(json.loads(value) if isinstance(value, str) else value), _dict(status.custom_status))


def _dict(value: Any) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}
