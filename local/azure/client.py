"""For tests and tools: the simulator as a child process, and a client of its control API."""

import json
from pathlib import Path
from typing import Any

import requests

from local.azure.resources import Json
from local.child import ChildProcess

_ANSWERS_WITHIN = 120.0


class Control:
    """The control API. Raises requests.HTTPError when a request is refused."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def world(self) -> Json:
        """The world as it is now."""
        return self._call("GET", "world").json()

    def put_world(self, world: Json) -> Json:
        """Replace the world (a case is fine, too); returns the endpoints of the new one."""
        return self._call("PUT", "world", world).json()

    def operations(self) -> list[Json]:
        """Every call since the log was emptied."""
        return [json.loads(line) for line in self._call("GET", "operations").text.splitlines()]

    def clear_operations(self) -> None:
        self._call("DELETE", "operations")

    def clock(self) -> Json:
        return self._call("GET", "clock").json()

    def set_speed(self, speed: float) -> None:
        self._call("POST", "clock", {"speed": speed})

    def advance(self, seconds: float) -> None:
        """Let this much time pass at once."""
        self._call("POST", "clock", {"advance": seconds})

    def fault(self, match: str, **fault: Any) -> None:
        """Add a fault; the keys are those of `faults.Fault`."""
        self._call("POST", "faults", {"match": match, **fault})

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def behave(self, **behave: Any) -> None:
        """Merge into the world's `behave`."""
        self._call("POST", "behave", behave)

    def digest(self, url: str) -> Json:
        """{digest, length} of a blob."""
        return self._call("GET", "digest", query={"url": url}).json()

    def record_traffic(self, file: Path | None) -> None:
        self._call("POST", "traffic", {"file": str(file) if file else None})

    def _call(self, method: str, what: str, body: Json | None = None, query: Json | None = None) -> requests.Response:
        response = requests.request(
            method, f"{self.address}/__sim/{what}", json=body, params=query, timeout=_ANSWERS_WITHIN
        )
        if response.status_code == 400:
            raise ValueError(response.json()["error"])
        response.raise_for_status()
        return response


class LocalAzure(ChildProcess):
    """A simulator in a process of its own, as a context manager.

    `world` is a world or a case; a folder that holds a world already goes on with it.
    """

    def __init__(self, state_folder: Path, world: Json | None = None, *, authentic: bool = False) -> None:
        self.folder = Path(state_folder)
        super().__init__(self.folder / "simulator.log")
        self._world, self._authentic = world, authentic

    @property
    def endpoints(self) -> Json:
        return json.loads((self.folder / "endpoints.json").read_text())

    @property
    def control(self) -> Control:
        return Control(self.endpoints["control"])

    def environment(self, caller: str = "app") -> dict[str, str]:
        """The settings with which the app, the host or a tool (`app`, `host`, `local`) reaches this Azure."""
        endpoints = self.endpoints
        return {
            "ARM_ENDPOINT": endpoints["arm"],
            "ARM_AUDIENCE": "https://management.azure.com",
            "BLOB_ENDPOINT": endpoints["storage"] + "/{account}",
            "FACTORY_LAB_ID": endpoints["factoryLabId"],
            "CONFIGURATION_ACCOUNT": endpoints["configurationAccount"],
            "CONFIGURATION_CONTAINER": "configuration",
            "JOURNAL_ACCOUNT": endpoints["journalAccount"],
            "JOURNAL_CONTAINER": "runs",
            "IDENTITY_ENDPOINT": endpoints["identity"],
            "IDENTITY_HEADER": caller,
            "REQUESTS_CA_BUNDLE": endpoints["caBundle"],
            "SSL_CERT_FILE": endpoints["caBundle"],
        }

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        answers = self.folder / "endpoints.json"
        answers.unlink(missing_ok=True)
        arguments = ["--state", str(self.folder)]
        if self._world is not None:
            world_file = self.folder / "world.json"
            world_file.write_text(json.dumps(self._world))
            arguments += ["--world", str(world_file)]
        if self._authentic:
            arguments.append("--authentic")
        self._launch("local.azure", arguments, answers.exists)
