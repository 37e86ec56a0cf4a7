"""The commands behind `make run`, `make serve`, `make reset` and `make azure`."""

import argparse
import signal
import sys
import time
from pathlib import Path

import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from local.azure import LocalAzure
from local.factory import results
from local.factory.configuration import ConfigurationFile, folder_files, upload, world_files
from local.factory.follow import HostGoneError, follow
from local.factory.journal import Runs
from local.factory.session import (
    LAST,
    REPOSITORY,
    STATE,
    Chosen,
    container,
    find_world,
    load_case,
    local_azure,
    local_host,
    reset,
    settings,
)
from local.host import LocalHost

SAMPLE = "local/worlds/sample.json"
STARTS_WITHIN = 90.0
"""Seconds in which an upload must have started a run."""

SAID = STATE / "labs.json.report.md"
LOOKS_EVERY = 2.0
"""Seconds."""


_COMMANDS = (
    ("run", "run the factory once"),
    ("serve", "have the factory answer until it is interrupted"),
    ("azure", "only the local Azure"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="local.factory", description="The image factory on the local Azure.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, description in _COMMANDS:
        command = commands.add_parser(name, help=description)
        command.add_argument("--world", default=SAMPLE, help="a world file, or file#case")
        command.add_argument("--config", type=Path, help="the folder with labs.json and GoldenImages")
    commands.add_parser("reset", help="forget the local world")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    if arguments.command == "reset":
        reset()
        return 0
    chosen = _chosen(arguments.world, arguments.config)
    try:
        return {"run": run, "serve": serve, "azure": serve_azure}[arguments.command](chosen)
    except KeyboardInterrupt:
        return 130


def _stop(_number: int, _frame: object) -> None:
    """As an interrupt: what was started is stopped on the way out."""
    sys.exit(143)


def _chosen(world: str, config: Path | None) -> Chosen:
    path, case_id = find_world(world)
    if not world_files(load_case(path, case_id)) and config is None:
        config = REPOSITORY / "configuration"
    if config is not None and not config.is_dir():
        raise SystemExit(f"There is no configuration folder {str(config)!r}.")
    return Chosen(path, case_id, config.resolve() if config else None)


def run(chosen: Chosen) -> int:
    """Start or resume a run, follow it to its end, keep and show what it did; 0 when it succeeded."""
    begun = time.monotonic()
    print(f"Local Azure with the world {chosen.argument}", flush=True)
    with local_azure(chosen) as azure, local_host(azure) as host:
        print(f"Functions host at {host.url}", flush=True)
        runs = Runs(container(azure, "runs"))
        run_id = _unfinished(host, runs)
        if run_id:
            print(f"Run {run_id} is unfinished: resuming it.", flush=True)
        else:
            run_id = _started(azure, host, runs, _files(chosen))
        if run_id is None:
            print("No run started: see .local/world/hub.log.", file=sys.stderr)
            return 1
        try:
            run_id = _followed(host, runs, run_id)
        except HostGoneError as gone:
            print(gone, file=sys.stderr)
            return 1
        report = results.keep(LAST, runs, run_id, azure.control)
    if report is None:
        print(f"Run {run_id} was interrupted and has no report.", file=sys.stderr)
        return 1
    results.show(report, LAST.relative_to(REPOSITORY))
    print(f"Took {time.monotonic() - begun:.0f} s.")
    return 0 if report["state"] == "Succeeded" else 1


def _files(chosen: Chosen) -> list[ConfigurationFile]:
    return (
        folder_files(chosen.configuration)
        if chosen.configuration
        else world_files(load_case(chosen.world, chosen.case_id))
    )


def _unfinished(host: LocalHost, runs: Runs) -> str | None:
    """The newest run, if it still works."""
    for run_id in runs.ids()[-1:]:
        if requests.get(f"{host.url}/api/runs/{run_id}", timeout=60).json().get("state") == "Running":
            return run_id
    return None


def _started(azure: LocalAzure, host: LocalHost, runs: Runs, files: list[ConfigurationFile]) -> str | None:
    """Upload the configuration: its trigger starts the run; where it is there unchanged, start over HTTP."""
    known = set(runs.ids())
    azure.control.clear_operations()
    if not upload(_configuration(azure), files) or not any(file.name.lower() == "labs.json" for file in files):
        answer = requests.post(f"{host.url}/api/runs", timeout=60).json()
        return answer.get("runId") or print(answer.get("message"), file=sys.stderr)
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and host.alive:
        if new := sorted(set(runs.ids()) - known):
            return new[0]
        time.sleep(0.5)
    return None


def _configuration(azure: LocalAzure) -> ContainerClient:
    return container(azure, "configuration")


def _followed(host: LocalHost, runs: Runs, run_id: str) -> str:
    """Follow a run, and those that it hands over to; the id of the last one."""
    while True:
        follow(host.url, run_id, lambda: host.alive)
        time.sleep(1)
        later = [other for other in runs.ids() if other > run_id]
        if not later:
            return run_id
        run_id = later[0]


def serve(chosen: Chosen) -> int:
    """The factory, until interrupted: what `image-factory` asks by default in this folder.

    What changes in the configuration's folder is uploaded, and what the factory says of it kept in `.local/`.
    """
    with local_azure(chosen) as azure, local_host(azure) as host:
        print(f"Functions host at {host.url}; ask it with image-factory. Ctrl+C ends it.", flush=True)
        configuration, said = _configuration(azure), ""
        while host.alive:
            if upload(configuration, _files(chosen)):
                print("The configuration was uploaded: that starts a run.", flush=True)
            if (now := _said_of(configuration)) != said:
                said = now
                SAID.write_text(said, "utf-8")
                print(f"What is to be said of it: {SAID.relative_to(REPOSITORY)}", flush=True)
            time.sleep(LOOKS_EVERY)
    print("The host has ended: see .local/world/hub.log.", file=sys.stderr)
    return 1


def _said_of(configuration: ContainerClient) -> str:
    """The factory's report beside labs.json; empty while there is none."""
    try:
        return configuration.download_blob(SAID.name).readall().decode("utf-8")
    except ResourceNotFoundError:
        return ""


def serve_azure(chosen: Chosen) -> int:
    """The local Azure alone, until interrupted; prints the settings with which an app on any host reaches it."""
    with local_azure(chosen) as azure:
        for name, value in sorted(settings(azure).items()):
            print(f"{name}={value}")
        print(f"CONTROL_URL={azure.endpoints['control']}", flush=True)
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
