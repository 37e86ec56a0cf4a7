"""Runs over HTTP: start or plan one, list them, look at one, cancel one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.answers import Answer, Problem
from api.planning import checked, hold_to, plan_now
from shared.cancelling import cancel_run
from shared.domain.outcomes import RunState
from shared.domain.run_plan import as_text
from shared.domain.runs import RunRequest
from shared.durable import Orchestrator
from shared.instances import Client, get_instance
from shared.requests import RunsQuery, read_parameters, read_query
from shared.starting import instance_id, start_run
from shared.watching import RunStatus, list_runs, run_status


@dataclass(frozen=True)
class StartedRun:
    """A run that was started; `status` is where to look how it goes."""

    run_id: str
    status: str


async def start_or_plan(client: Client, factory_run: Orchestrator[RunRequest, Any], body: bytes) -> Answer:
    """POST /api/runs: 202 with the new run, or 200 with the plan of a dry run; 409 with the run that works, or for a plan that
    has moved; 400 with everything that is wrong in the body, 404 with everything that it asks for and is not there.
    """
    parameters = read_parameters(body)
    selection = await asyncio.to_thread(checked, parameters)
    if parameters.plan_id:
        await asyncio.to_thread(hold_to, parameters.plan_id, selection)
    if parameters.dry_run:
        plan = await asyncio.to_thread(plan_now, selection, parameters.max_concurrent_copies)
        return Answer(plan, text=as_text(plan))
    start = await start_run(client, factory_run, parameters.max_concurrent_copies, selection)
    where = f"/api/runs/{start.run_id}"
    if start.accepted:
        return Answer(StartedRun(start.run_id, where), 202, where)
    message = f"Run {start.run_id} works; one run at a time."
    advice = "Follow that run, or wait for its end."
    return Answer(Problem("RunWorking", message, advice, run_id=start.run_id, status=where), 409, where)


async def runs_listed(client: Client, query: Mapping[str, str]) -> Answer:
    """GET /api/runs: the runs, newest first, by pages."""
    asked = read_query(query, RunsQuery)
    instance = await get_instance(client, instance_id())
    return Answer(await asyncio.to_thread(list_runs, instance, asked.limit, asked.before or ""))


async def run(client: Client, run_id: str) -> Answer:
    """GET /api/runs/{runId}: 202 while it works, 200 when it has ended, 404 for a run that nobody knows."""
    instance = await get_instance(client, instance_id())
    return _status(await asyncio.to_thread(run_status, run_id, instance))


async def cancelled(client: Client, run_id: str) -> Answer:
    """POST /api/runs/{runId}/cancel: 202 while it still has to end, 200 when it has ended, 404 for a run that nobody knows."""
    return _status(await cancel_run(client, run_id))


def _status(status: RunStatus) -> Answer:
    return Answer(status, 202 if status.state is RunState.RUNNING else 200)
