"""The report of a run over HTTP, in the form that is asked for."""

import asyncio
from collections.abc import Mapping

from api.answers import Answer
from shared.domain.report import RunReport
from shared.instances import Client, get_instance
from shared.report_forms import form_asked_for
from shared.starting import instance_id
from shared.watching import run_report


async def reported(client: Client, run_id: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Answer:
    """GET /api/runs/{runId}/report: 200 in the form that the header Accept or `?format=` asks for; 202 while the run works."""
    accept = next((value for name, value in headers.items() if name.lower() == "accept"), "")
    form = form_asked_for(accept, query.get("format", ""))
    instance = await get_instance(client, instance_id())
    found = await asyncio.to_thread(run_report, run_id, instance)
    return Answer(found, form=form) if isinstance(found, RunReport) else Answer(found, 202)
