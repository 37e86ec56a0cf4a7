"""Replay an orchestration, and look at what came of it as Azure's extension would."""

import json
import logging
import time
from collections.abc import Mapping

from local.host.extension import disagreement
from local.host.functions import DurableFunction
from local.host.instance import Instance
from local.host.metrics import Metrics
from local.host.past import body_size
from local.host.replay import Decision, Step, non_determinism, replay

log = logging.getLogger("local.host")

LONGEST_STATUS = 16 * 1024
"""Bytes in UTF-16; above it the extension throws and the orchestration fails (`durable-facts.md` 2.12)."""


class Judge:
    """Needs no lock: while a step works nobody else touches its instance's past."""

    def __init__(self, functions: Mapping[str, DurableFunction], metrics: Metrics) -> None:
        self._functions, self._metrics = functions, metrics

    def decide(self, instance: Instance) -> Decision:
        """What the orchestrator wants after all that it has heard; with a fault if the instance must fail for it."""
        parent = instance.parent.id if instance.parent else None
        step = Step(instance.name, instance.past, instance.input, instance.id, parent)
        self._metrics.seen("ReplayPayloadBytes", body_size(step.past, step.input, step.instance_id, parent))
        function = self._functions.get(instance.name)
        if function is None:  # the app is another one than before the restart
            return Decision(fault=missing(instance.name, "orchestrator"))
        begun = time.thread_time()
        decision = replay(function.call, step)
        self._metrics.replayed(time.thread_time() - begun, len(step.past))
        decision.fault = decision.fault or self._fault(instance, decision)
        instance.last_seconds = time.thread_time() - begun
        return decision

    def _fault(self, instance: Instance, decision: Decision) -> str | None:
        wrong = (
            non_determinism(instance.scheduled, decision.numbered)
            or self._too_long(decision)
            or self._unknown_activity(instance, decision)
        )
        if wrong or decision.error:
            return wrong
        return disagreement(instance.name, decision.numbered, decision.actions, instance.past.told)

    def _too_long(self, decision: Decision) -> str | None:
        size = len(json.dumps(decision.custom_status).encode("utf-16-le")) if decision.custom_status else 0
        self._metrics.seen("CustomStatusBytes", size)
        if size <= LONGEST_STATUS:
            return None
        return f"The UTF-16 size of the JSON-serialized custom status must not exceed 16 KB: it has {size} bytes."

    def _unknown_activity(self, instance: Instance, decision: Decision) -> str | None:
        for task_id in decision.numbered.keys() - instance.scheduled.keys():
            intent = decision.numbered[task_id]
            function = self._functions.get(intent.name)
            if intent.kind == "activity" and (function is None or function.is_orchestrator):
                # On Azure the orchestration would hang for ever (`durable-facts.md` 2.6).
                log.error("The activity '%s' does not exist: on Azure %s would hang", intent.name, instance.id)
                return missing(intent.name, "activity")
        return None


def missing(name: str, kind: str) -> str:
    return f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function."
