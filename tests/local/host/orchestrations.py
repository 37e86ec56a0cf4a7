"""Speak to a host as its users do, over HTTP; works against any host that serves the same app."""

import time
from dataclasses import dataclass
from typing import Any

import requests

DURABLE = "/runtime/webhooks/durabletask"


@dataclass(frozen=True)
class Orchestrations:
    url: str

    def start(self, name: str, value: Any = None, instance_id: str = "") -> str:
        """Through the app's own HTTP function, thus through the SDK's client."""
        address = f"{self.url}/api/start/{name}" + (f"/{instance_id}" if instance_id else "")
        answer = requests.post(address, json=value, timeout=30)
        assert answer.status_code == 202, answer.text
        return answer.text

    def post(self, path: str, value: Any = None) -> requests.Response:
        return requests.post(f"{self.url}{path}", json=value, timeout=30)

    def operate(self, operation: str, instance_id: str, value: Any = None) -> str:
        answer = self.post(f"/api/operate/{operation}/{instance_id}", value)
        assert answer.status_code == 200, answer.text
        return answer.text

    def instance(self, instance_id: str, query: str = "") -> requests.Response:
        return requests.get(f"{self.url}{DURABLE}/instances/{instance_id}{query}", timeout=30)

    def wait(self, instance_id: str, seconds: float = 30) -> dict[str, Any]:
        """Until it has ended; raises AssertionError when it has not by then."""
        until = time.monotonic() + seconds
        while (answer := self.instance(instance_id)).status_code == 202:
            assert time.monotonic() < until, f"{instance_id} has not ended: {answer.text}"
            time.sleep(0.02)
        return answer.json()

    def run(self, name: str, value: Any = None, instance_id: str = "") -> dict[str, Any]:
        return self.wait(self.start(name, value, instance_id))

    def until(self, instance_id: str, status: str, seconds: float = 15) -> dict[str, Any]:
        """Until it is in this state."""
        deadline = time.monotonic() + seconds
        while (told := self.instance(instance_id).json())["runtimeStatus"] != status:
            assert time.monotonic() < deadline, f"{instance_id} is not {status}: {told}"
            time.sleep(0.02)
        return told

    def metrics(self) -> dict[str, Any]:
        return requests.get(f"{self.url}/__host/metrics", timeout=30).json()

    def everything(self) -> str:
        return requests.get(f"{self.url}/__host/history", timeout=30).text
