"""Explain over HTTP why a lab gets an image, or why not."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

from activities.configuration import configuration_now, findings_of_used
from activities.inspection import look_at_factory, look_at_labs
from activities.planning import captures_planned
from api.answers import Answer
from shared.domain.distribution import LabStock
from shared.domain.explaining import Known, explain
from shared.domain.explanation import Explanations, as_text
from shared.domain.findings import Severity
from shared.domain.outcomes import Ending, Outcome
from shared.domain.run_plan import captured_images
from shared.domain.runs import mint_run_id
from shared.domain.selection import WHOLE, names_lab
from shared.errors import ConfigurationError
from shared.requests import ExplainQuery, read_query
from shared.settings import settings


async def explained(query: Mapping[str, str]) -> Answer:
    """GET /api/explain?lab=&image=: the rules that decide, each with what it found, and the verdict."""
    asked = read_query(query, ExplainQuery)
    found = await asyncio.to_thread(explain_now, asked.lab, asked.image)
    return Answer(found, text=as_text(found.explanations))


def explain_now(lab: str, image: str) -> Explanations:
    """Explain by what labs.json, the factory and that lab are now. Reads only."""
    configuration = configuration_now()
    if not configuration.usable:
        first = min(configuration.findings, key=lambda each: each.severity is not Severity.ERROR)
        raise ConfigurationError("ConfigurationUnusable", f"labs.json cannot be used: {first.message}", first.next)
    factory = look_at_factory()
    run_id = mint_run_id(datetime.now(UTC), uuid4().hex)
    captures = captures_planned(factory, WHOLE, run_id, configuration.terms.generalize)
    asked = [request for request in configuration.labs if names_lab(lab, request.subscription, request.name)]
    stocks = [*zip(asked, look_at_labs(asked), strict=True)]
    # Only the labs that are asked about are looked at; the names of the others tell what was meant.
    others = [(request, LabStock()) for request in configuration.labs if request not in asked]
    aside = [
        (each.request, LabStock(problem=Outcome(Ending.FAILED, each.code, each.message, each.next)))
        for each in configuration.set_aside
    ]
    known = Known(
        settings().factory,
        factory.lab,
        configuration.terms.versions,
        (*stocks, *others, *aside),
        (*factory.images, *captured_images(captures)),
        captures,
        configuration.definitions,
        findings_of_used(configuration),
    )
    return explain(known, lab, image)
