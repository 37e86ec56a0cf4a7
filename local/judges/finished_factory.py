"""A world in which the app has just made its images: the sample world after one run of the real app."""

import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from local.azure import LocalAzure
from local.factory.configuration import folder_files, upload
from local.factory.journal import Runs
from local.factory.session import REPOSITORY, container, find_world, load_case, settings
from local.host import LocalHost

SAMPLE = "local/worlds/sample.json"
_ENDS_WITHIN = 300.0


@dataclass(frozen=True)
class FinishedFactory:
    """The simulator, still serving, and what the app reported of its run."""

    azure: LocalAzure
    report: dict[str, Any]


@contextmanager
def finished_factory(folder: Path, traffic: Path) -> Generator[FinishedFactory, None, None]:
    """Begin with the sample world, let the app run once and keep Azure serving; `folder` is begun anew.

    Every ARM exchange of the app is written to `traffic`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    traffic.unlink(missing_ok=True)
    with LocalAzure(folder / "azure", load_case(*find_world(SAMPLE))) as azure:
        azure.control.record_traffic(traffic)
        upload(container(azure, "configuration"), folder_files(REPOSITORY / "configuration"))
        report = _ran(azure, folder / "hub.db")
        azure.control.record_traffic(None)
        yield FinishedFactory(azure, report)


def _ran(azure: LocalAzure, hub: Path) -> dict[str, Any]:
    """Start a run over HTTP and wait for its report; nothing but that starts one."""
    runs = Runs(container(azure, "runs"))
    with LocalHost(REPOSITORY, hub, settings(azure) | {"CONFIGURATION_TRIGGER": "EventGrid"}) as host:
        run_id: str = requests.post(f"{host.url}/api/runs", timeout=60).json()["runId"]
        until = time.monotonic() + _ENDS_WITHIN
        while (report := runs.document(run_id, "report.json")) is None:
            if time.monotonic() > until or not host.alive:
                raise RuntimeError(f"run {run_id} did not end: {host.log[-2000:]}")
            time.sleep(0.3)
        # The report is written before the claim is released: let the run end.
        while requests.get(f"{host.url}/api/runs/{run_id}", timeout=60).status_code == 202:
            time.sleep(0.3)
    return report
