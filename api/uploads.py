"""What is to be said about an uploaded labs.json, written beside it before anything runs (see `shared.configuration_check`)."""

import logging

from activities.configuration import Found, configuration_container, found_now
from api.planning import plan_now
from shared.azure.blobs import Container
from shared.configuration_check import check_markdown
from shared.domain.run_plan import in_one_line
from shared.domain.selection import WHOLE
from shared.errors import FactoryError
from shared.journal import CONTENDED, contended

MOST_LABS = 300
"""An upload is answered within `functionTimeout`: for more labs than these nothing is planned before the run plans it."""


def report_on_upload() -> None:
    """Write `labs.json.report.md`, unless that stands there already; where it cannot be written, nothing else stops."""
    container = configuration_container()
    try:
        for _ in range(CONTENDED):
            found = found_now()
            if found is None or _is_told(container, found):
                return
        raise contended("The report on labs.json")
    except FactoryError as error:
        logging.warning("The report beside labs.json could not be written: %s", error.message)


def _is_told(container: Container, found: Found) -> bool:
    """False when the configuration or its report changed meanwhile: then both are looked at again."""
    uploaded = found.uploaded
    text = check_markdown(uploaded, found.before, found.definitions, _effects(found)).encode()
    name = f"{uploaded.blob}.report.md"
    there = container.find(name)
    if there is not None and there.data == text:
        return True
    if container.etag(uploaded.blob) != uploaded.etag:
        return False
    return container.replace(name, text, there.etag) if there else container.create(name, text)


def _effects(found: Found) -> str:
    """The plan in counts; empty where there is nothing to plan, or too much, or Azure does not say."""
    if not 0 < len(found.uploaded.configuration.labs) <= MOST_LABS:
        return ""
    try:
        return in_one_line(plan_now(WHOLE))
    except FactoryError as error:
        logging.warning("What a run would do cannot be told: %s", error.message)
        return ""
