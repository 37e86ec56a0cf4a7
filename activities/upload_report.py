"""What is to be said about an uploaded labs.json, written beside it before anything runs (see `shared.configuration_check`)."""

import logging

from activities.configuration import Found, configuration_container, found_now
from shared.azure.blobs import Container
from shared.configuration_check import check_markdown
from shared.errors import FactoryError
from shared.journal import CONTENDED, contended


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
    text = check_markdown(uploaded, found.before, found.definitions).encode()
    name = f"{uploaded.blob}.report.md"
    there = container.find(name)
    if there is not None and there.data == text:
        return True
    if container.etag(uploaded.blob) != uploaded.etag:
        return False
    return container.replace(name, text, there.etag) if there else container.create(name, text)
