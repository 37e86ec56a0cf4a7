"""One host with the test app for all that needs no host of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.host import LocalHost
from tests.local.host.orchestrations import Orchestrations

APP = Path(__file__).with_name("app")
NEVER = "0 0 0 1 1 *"


def environment(notes: Path, **more: str) -> dict[str, str]:
    """Settings of the test app: no timer fires, no blob is looked for, unless `more` says so."""
    return {"NOTES": str(notes), "TICK": NEVER, "INBOX": "inbox", "Uploads": "UseDevelopmentStorage=true", **more}


@pytest.fixture(scope="session")
def shared_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHost]:
    folder = tmp_path_factory.mktemp("host")
    with LocalHost(APP, folder / "hub.db", environment(folder / "notes"), polling_seconds=0) as host:
        yield host


@pytest.fixture
def orchestrations(shared_host: LocalHost) -> Orchestrations:
    return Orchestrations(shared_host.url)


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[Callable[..., LocalHost]]:
    """Makes hosts over one task hub; all are stopped in the end."""
    made: list[LocalHost] = []

    def make(settings: dict[str, str] | None = None, **options: Any) -> LocalHost:
        given = environment(tmp_path / "notes", **(settings or {}))
        options.setdefault("polling_seconds", 0)
        made.append(LocalHost(APP, tmp_path / "hub.db", given, **options))
        made[-1].start()
        return made[-1]

    yield make
    for host in made:
        host.stop()
