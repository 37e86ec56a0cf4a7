"""One local world with everything that runs in it: the simulator, the host with the app, who stops them again."""

import json
import os
import shutil
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from azure.storage.blob import BlobServiceClient, ContainerClient

from local.azure import LocalAzure
from local.host import LocalHost
from local.identity import EndpointCredential

REPOSITORY = Path(__file__).resolve().parents[2]
STATE = REPOSITORY / ".local"
LAST = STATE / "last"
_WORLD = STATE / "world"
_CHOSEN = _WORLD / "chosen.txt"


@dataclass(frozen=True)
class Chosen:
    """Which world with which configuration; another choice starts over."""

    world: Path
    case_id: str = ""
    configuration: Path | None = None

    @property
    def argument(self) -> str:
        return f"{self.world}#{self.case_id}" if self.case_id else str(self.world)

    @property
    def key(self) -> str:
        return f"{self.argument}\n{self.configuration or ''}\n"


def find_world(text: str) -> tuple[Path, str]:
    """The file and the case that `file#case` names; looked for here, among the sample worlds and the original's cases."""
    name, _, case_id = text.partition("#")
    shared = Path(os.environ.get("SHARED_DIR", REPOSITORY.parent / "shared"))
    for folder in (Path.cwd(), REPOSITORY, REPOSITORY / "local" / "worlds", shared / "original-vectors"):
        if (folder / name).is_file():
            return (folder / name).resolve(), case_id
    raise SystemExit(f"There is no world file {name!r}: give a path, or the name of a file in local/worlds.")


def load_case(world: Path, case_id: str) -> dict[str, Any]:
    """A world file, or one case of a file of cases."""
    document: Any = json.loads(world.read_text("utf-8"))
    if isinstance(document, list):
        found = [case for case in cast(list[dict[str, Any]], document) if case["id"] == case_id]
        if not found:
            raise SystemExit(f"There is no case {case_id!r} in {world}: name one as {world.name}#id.")
        return found[0]
    if case_id:
        raise SystemExit(f"{world} is one world and holds no cases: leave out #{case_id}.")
    return document


def reset() -> None:
    """Forget the local world: whoever works in it is ended first."""
    for pid_file in STATE.glob("*.pid"):
        _end(pid_file)
    shutil.rmtree(_WORLD, ignore_errors=True)
    shutil.rmtree(LAST, ignore_errors=True)


@contextmanager
def local_azure(chosen: Chosen) -> Generator[LocalAzure, None, None]:
    """The simulator, going on where it was when the same world was chosen before.

    Ends the program when another command works in this folder; what a dead one left behind is ended.
    """
    if other := _working(STATE / "command.pid"):
        raise SystemExit(f"Another command works in this folder (process {other}): end it first, or `make reset`.")
    before = _CHOSEN.read_text("utf-8") if _CHOSEN.exists() else ""
    if before != chosen.key:
        if before:
            print("Another world or configuration than last time: starting over.", flush=True)
        reset()
        _WORLD.mkdir(parents=True)
        _CHOSEN.write_text(chosen.key, "utf-8")
    _end(STATE / "azure.pid")
    azure = LocalAzure(_WORLD / "azure", load_case(chosen.world, chosen.case_id))
    with _noted("command.pid", os.getpid()), azure, _noted("azure.pid", azure.endpoints["pid"]):
        yield azure


@contextmanager
def local_host(azure: LocalAzure) -> Generator[LocalHost, None, None]:
    """The app on the embedded host, with its task hub beside the world."""
    _end(STATE / "host.pid")
    with (
        LocalHost(REPOSITORY, _WORLD / "hub.db", settings(azure)) as host,
        _noted("host.pid", host.pid),
        _noted("host.url", host.url),
    ):
        yield host


def settings(azure: LocalAzure) -> dict[str, str]:
    """The app settings of a local run: what reaches the simulator, and what Azure's deployment would set."""
    environment = azure.environment("app")
    account = environment["CONFIGURATION_ACCOUNT"]
    return environment | {
        "APP_ID": "local",
        "FACTORY_SCHEDULE": "0 0 2 * * *",
        "TASK_HUB": "ImageFactory",
        "CONFIGURATION_TRIGGER": "Polling",
        "ConfigurationStorage__blobServiceUri": environment["BLOB_ENDPOINT"].replace("{account}", account),
        "ConfigurationStorage__credential": "managedidentity",
        "HOST_IDENTITY_HEADER": "host",
        "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING": "1",
    }


def container(azure: LocalAzure, name: str) -> ContainerClient:
    """A container of the configuration's account, opened by the one who sits at this machine."""
    environment = azure.environment("local")
    url = environment["BLOB_ENDPOINT"].replace("{account}", environment["CONFIGURATION_ACCOUNT"])
    credential = EndpointCredential(environment["IDENTITY_ENDPOINT"], "local")
    service = BlobServiceClient(url, credential=credential, connection_verify=environment["REQUESTS_CA_BUNDLE"])
    return service.get_container_client(name)


@contextmanager
def _noted(name: str, value: int | str) -> Generator[None, None, None]:
    """Note a child's process id or address in `.local/`, for whoever wants to look at it, to ask it or to kill it."""
    file = STATE / name
    file.write_text(f"{value}\n", "utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _working(pid_file: Path) -> int | None:
    """The process that is noted there, if it lives and is one of ours."""
    try:
        pid = int(pid_file.read_text("utf-8"))
        return pid if b"local." in Path(f"/proc/{pid}/cmdline").read_bytes() else None
    except (OSError, ValueError):
        return None


def _end(pid_file: Path) -> None:
    """End a process that an earlier command left behind."""
    if pid := _working(pid_file):
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)
            for _ in range(50):
                os.kill(pid, 0)
                time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)
    pid_file.unlink(missing_ok=True)
