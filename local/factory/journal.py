"""The runs of the local factory, read from its journal as an operator would."""

import json
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient


class Runs:
    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    def ids(self) -> list[str]:
        """Every run's id, oldest first."""
        try:
            names = [blob.name for blob in self._container.walk_blobs("runs/")]
        except ResourceNotFoundError:
            return []
        return sorted(name.split("/")[1] for name in names)

    def text(self, run_id: str, name: str) -> str | None:
        try:
            return self._container.download_blob(f"runs/{run_id}/{name}").readall().decode()
        except ResourceNotFoundError:
            return None

    def document(self, run_id: str, name: str) -> dict[str, Any] | None:
        text = self.text(run_id, name)
        return None if text is None else json.loads(text)
