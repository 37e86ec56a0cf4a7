"""The real activities and the real SDKs against the local Azure; each test gives its own world."""

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from activities.claim import take_claim
from activities.configuration import Asked, read_configuration
from local.azure import Control, LocalAzure
from shared import journal
from shared.azure import clients, labs
from shared.domain.runs import Run, RunRequest
from shared.settings import settings
from tests.e2e.worlds import World

RUN = "20261123T020509Z-aaaa"
YOUNGER = "20991231T000000Z-zzzz"


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Generator[LocalAzure, None, None]:
    with LocalAzure(tmp_path_factory.mktemp("azure"), World().document) as azure:
        yield azure


@pytest.fixture
def control(azure: LocalAzure) -> Control:
    return azure.control


@pytest.fixture
def given(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> Callable[[World], Control]:
    """Give the world of a test, with the app's settings for it; nothing is remembered of the worlds before."""

    def give(world: World) -> Control:
        azure.control.clear_faults()
        azure.control.put_world(world.document)
        for name, value in (azure.environment("app") | {"APP_ID": "tests", "COPY_DEADLINE": "1h"}).items():
            monkeypatch.setenv(name, value)
        forget()
        azure.control.clear_operations()
        return azure.control

    return give


def forget() -> None:
    """As a worker that has just started."""
    for cached in (
        settings,
        clients.credential,
        clients._transport,
        clients.devtestlabs,
        clients.compute,
        clients.blob_service,
        labs.factory_lab,
        journal._document,
    ):
        cached.cache_clear()


def effects(control: Control) -> list[tuple[str, str]]:
    """(effect, path) of what the app did to the world; journal, claim and the report beside labs.json aside."""
    own = (f"/{os.environ['JOURNAL_CONTAINER']}/", f"/{journal.CLAIM_CONTAINER}/", "/labs.json.report.md")
    return [
        (call["effect"], call["path"])
        for call in control.operations()
        if call["caller"] == "app" and call["effect"] != "none" and not any(part in call["path"] for part in own)
    ]


def started(run_id: str = RUN) -> Run:
    """A run that holds the claim."""
    return take_claim(RunRequest(run_id)).run


def lose_claim(run: Run) -> None:
    """Another run takes over."""
    read = journal.read_claim(run.account)
    assert read.claim
    assert journal.write_claim(run.account, read.claim.handed_to(YOUNGER), read)


def configured(run: Run) -> Any:
    return read_configuration(Asked(run, RunRequest(run.id)))


def upload(control: Control, name: str, data: bytes) -> None:
    """Put a file into the configuration container."""
    from activities.configuration import configuration_container

    configuration_container().client.upload_blob(name, data, overwrite=True)
    control.clear_operations()


__all__ = ["RUN", "YOUNGER", "Path", "configured", "effects", "forget", "lose_claim", "started", "upload"]
