"""What calls the app by itself: timers and blobs."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from azure.core.exceptions import AzureError, ResourceModifiedError
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.host import LocalHost
from local.host.blob_trigger import BlobTrigger
from local.host.http_trigger import aiohttp_paths
from local.host.store import Store
from local.host.timer_trigger import schedule_of

REPOSITORY = Path(__file__).resolve().parents[3]
KEY = "a2V5"  # Azurite wants one


def function(schedule: str) -> SimpleNamespace:
    return SimpleNamespace(get_trigger=lambda: SimpleNamespace(schedule=schedule))


def eventually(told: Callable[[], bool], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while not (seen := told()) and time.monotonic() < until:
        time.sleep(0.05)
    return seen


def lines(folder: Path) -> list[str]:
    notes = folder / "notes"
    return notes.read_text("utf-8").splitlines() if notes.exists() else []


def is_received(folder: Path, blob: str) -> bool:
    """A host that is killed before it has written the receipt delivers again."""
    store = Store(folder / "hub.db")
    try:
        return bool(store.receipt("arrived", blob))
    finally:
        store.close()


def test_a_schedule_counts_seconds_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NIGHTLY", "30 0 2 * * *")
    now = datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert schedule_of(function("%NIGHTLY%"), now).get_next(datetime) == datetime(2026, 11, 24, 2, 0, 30, tzinfo=UTC)


def test_a_schedule_without_its_setting_is_an_error():
    with pytest.raises(KeyError, match="NO_SUCH_SETTING"):
        schedule_of(function("%NO_SUCH_SETTING%"), datetime.now(UTC))


@pytest.mark.parametrize(
    ("route", "paths"),
    [
        ("api/runs/{id}", ["/api/runs/{id}"]),
        ("api/runs/{id:int}", [r"/api/runs/{id:\d+}"]),
        ("api/runs/{id?}", ["/api/runs", "/api/runs/{id}"]),
        ("api/files/{*rest}", ["/api/files/{rest:.*}"]),
    ],
)
def test_routes_of_functions_become_paths(route: str, paths: list[str]):
    assert aiohttp_paths(route) == paths


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[ContainerClient]:
    """A container on an Azurite of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = REPOSITORY / "node_modules" / ".bin" / "azurite-blob"
    command = [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--silent"]
    command += ["--skipApiVersionCheck", "--disableTelemetry"]
    azurite = subprocess.Popen(command, env={"AZURITE_ACCOUNTS": f"local:{KEY}", "PATH": "/usr/bin:/bin"}, cwd=tmp_path)
    try:
        text = f"DefaultEndpointsProtocol=http;AccountName=local;AccountKey={KEY};"
        text += f"BlobEndpoint=http://127.0.0.1:{port}/local;"
        with BlobServiceClient.from_connection_string(text, retry_total=0) as service:
            container = service.get_container_client("inbox")
            assert eventually(lambda: created(container), 30), "Azurite did not start"
            container.connection = text  # type: ignore[attr-defined] # pyright: ignore
            yield container
    finally:
        azurite.kill()
        azurite.wait()


def created(container: ContainerClient) -> bool:
    try:
        container.create_container()
    except AzureError:
        return False
    return True


def connection(container: ContainerClient) -> dict[str, str]:
    return {"Uploads": container.connection}  # type: ignore[attr-defined] # pyright: ignore


@pytest.mark.slow
def test_a_timer_fires_every_second(new_host: Callable[..., LocalHost], tmp_path: Path):
    new_host({"TICK": "* * * * * *"})
    assert eventually(lambda: len(lines(tmp_path)) >= 2, 5)
    assert set(lines(tmp_path)) == {"tick False"}


@pytest.mark.slow
def test_a_function_in_error_is_left_out_loudly(new_host: Callable[..., LocalHost]):
    host = new_host({"TICK": "every full moon"})
    assert "Function tick is in error" in host.log


@pytest.mark.slow
def test_each_version_of_a_blob_is_delivered_once(
    new_host: Callable[..., LocalHost], inbox: ContainerClient, tmp_path: Path
):
    inbox.upload_blob("before.json", "1")
    host = new_host(connection(inbox), polling_seconds=0.1)
    inbox.upload_blob("other.txt", "no match")
    inbox.upload_blob("folder/after.json", "2")
    assert eventually(lambda: is_received(tmp_path, "before.json") and is_received(tmp_path, "folder/after.json"))
    host.kill()
    new_host(connection(inbox), polling_seconds=0.1)
    inbox.upload_blob("before.json", "3", overwrite=True)
    assert eventually(lambda: "blob inbox/before.json 3" in lines(tmp_path))
    time.sleep(0.5)
    delivered = [line for line in lines(tmp_path) if line.startswith("blob")]
    assert delivered == ["blob inbox/before.json 1", "blob inbox/folder/after.json 2", "blob inbox/before.json 3"]
    assert eventually(lambda: lines(tmp_path).count("add_one 1") == 3), "each started an orchestration"


@pytest.mark.slow
def test_a_blob_that_is_refused_is_tried_five_times(
    new_host: Callable[..., LocalHost], inbox: ContainerClient, tmp_path: Path
):
    host = new_host(connection(inbox), polling_seconds=0.1)
    inbox.upload_blob("bad.json", "poison")
    assert eventually(lambda: "Blob bad.json is given up" in host.log)
    time.sleep(0.5)
    assert lines(tmp_path) == ["blob inbox/bad.json poison"] * 5


@pytest.mark.slow
def test_a_blob_that_changed_since_it_was_listed_waits_for_the_next_look(
    inbox: ContainerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("INBOX", "inbox")
    monkeypatch.setenv("Uploads", connection(inbox)["Uploads"])
    bound = SimpleNamespace(path="%INBOX%/{name}.json", connection="Uploads")
    uploads = SimpleNamespace(get_trigger=lambda: bound, get_function_name=lambda: "arrived")
    trigger = BlobTrigger(uploads, SimpleNamespace(), Store(tmp_path / "hub.db"))  # pyright: ignore
    inbox.upload_blob("a.json", "1")
    [stale] = inbox.list_blobs()
    assert trigger._stream(stale).read() == b"1"
    inbox.upload_blob("a.json", "2", overwrite=True)
    with pytest.raises(ResourceModifiedError):
        trigger._stream(stale)


@pytest.mark.slow
def test_a_storage_that_is_not_there_yet_is_waited_for(new_host: Callable[..., LocalHost]):
    nowhere = f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:9/a;"
    host = new_host({"Uploads": nowhere}, polling_seconds=0.1)
    assert eventually(lambda: "Blob trigger arrived cannot look" in host.log)
    time.sleep(0.5)
    assert host.log.count("cannot look") == 1
    assert host.alive
