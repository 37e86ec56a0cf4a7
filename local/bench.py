"""Print what the factory costs: time over the ideal, requests, orchestrator CPU, payloads, memory, cold start. Asserts nothing."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from local.azure import LocalAzure
from local.factory.configuration import ConfigurationFile, upload
from local.factory.journal import Runs
from local.factory.session import REPOSITORY, container, settings
from local.host import LocalHost

SUBSCRIPTION = "aaaa0000-0000-0000-0000-000000000001"
SHARED = Path(os.environ.get("SHARED_DIR", REPOSITORY.parent / "shared"))
GROUP = "rg-bench"


@dataclass(frozen=True)
class Case:
    """Labs x images with the true seconds of every copy."""

    name: str
    cap: int
    copies: tuple[tuple[str, int, int, float], ...]
    ideal_seconds: float
    original_seconds: float | None = None


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("cases", nargs="*", help="only these (names as printed)")
    wanted = set(parser.parse_args().cases)
    cold_start()
    print(
        f"\n{'world':<12}{'pairs':>6}{'makespan s':>12}{'ideal s':>9}{'ratio':>7}{'original':>10}"
        f"{'requests':>10}{'writes':>8}{'again':>7}{'CPU s':>7}{'payload':>9}{'events':>8}{'MB':>6}{'wall s':>8}"
    )
    print(f"{'':<12}{'':>6}{'virtual':>12}{'':>9}{'':>7}{'ratio':>10}{'/delivered':>10}{'':>8}{'/present':>7}")
    for case in (*sizes(), *original_cases()):
        if not wanted or case.name in wanted:
            print(measured(case), flush=True)


def sizes() -> Iterable[Case]:
    """The three sizes of the project's bar; every copy takes two minutes."""
    for labs, images in ((3, 2), (20, 5), (200, 10)):
        copies = tuple((f"lab-{lab:03}", image, 127, 120.0) for lab in range(labs) for image in range(images))
        yield Case(f"{labs}x{images}", 20, copies, max(120.0, len(copies) * 120.0 / 20))


def original_cases() -> Iterable[Case]:
    """The worlds on which the original was timed, when they are there."""
    path = SHARED / "original-vectors" / "bench.json"
    for case in json.loads(path.read_text("utf-8")) if path.is_file() else ():
        copies = tuple((lab, image, size, seconds) for lab, image, size, seconds in case["copies"])
        yield Case(case["id"], case["cap"], copies, case["ideal_seconds"], case["original_seconds"])


def measured(case: Case) -> str:
    """Run a case twice in virtual time and answer its line of the table."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, LocalAzure(Path(folder, "azure"), bench_world(case)) as azure:
        azure.control.set_speed(0)
        environment = settings(azure) | {
            "MAX_CONCURRENT_COPIES": str(case.cap),
            "CONFIGURATION_TRIGGER": "EventGrid",
        }
        upload(container(azure, "configuration"), [labs_json(case)])
        runs = Runs(container(azure, "runs"))
        control = azure.endpoints["control"]
        with LocalHost(REPOSITORY, Path(folder, "hub.db"), environment, virtual=control, polling_seconds=0) as host:
            first, delivered = run_once(azure, host, runs)
            metrics = requests.get(f"{host.url}/__host/metrics", timeout=60).json()
            _, present = run_once(azure, host, runs)
    count = len(case.copies)
    makespan = first["makespan"]
    original = f"{case.original_seconds / case.ideal_seconds:.3f}" if case.original_seconds else ""
    return (
        f"{case.name:<12}{count:>6}{makespan:>12.0f}{case.ideal_seconds:>9.0f}{makespan / case.ideal_seconds:>7.3f}"
        f"{original:>10}{sum(delivered.values()) / count:>10.1f}"
        f"{sum(n for effect, n in delivered.items() if effect != 'none') / count:>8.1f}"
        f"{sum(present.values()) / count:>7.2f}{metrics['orchestratorCpuSeconds']:>7.1f}"
        f"{metrics['largestReplayPayloadBytes'] / 1024:>8.0f}K{metrics['largestHistoryEvents']:>8}"
        f"{metrics['residentBytes'] / 2**20:>6.0f}{time.monotonic() - begun:>8.0f}  {first['state']}"
    )


def run_once(azure: LocalAzure, host: LocalHost, runs: Runs) -> tuple[dict[str, Any], Counter[str]]:
    """Start a run, wait for its report; the report with the makespan, and the app's calls by effect."""
    azure.control.clear_operations()
    run_id = requests.post(f"{host.url}/api/runs", timeout=60).json()["runId"]
    while (report := runs.document(run_id, "report.json")) is None:
        time.sleep(1)
    calls = Counter(call["effect"] for call in azure.control.operations() if call["caller"] == "app")
    began, ended = (time_of(report[name]) for name in ("startedAt", "endedAt"))
    return {**report, "makespan": ended - began}, calls


def time_of(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def bench_world(case: Case) -> dict[str, Any]:
    """A factory with the golden images and the labs of a case; image creation takes no time, as in the original's figures."""
    labs = sorted({lab for lab, *_ in case.copies})
    sizes = {image: size for _, image, size, _ in case.copies}
    vhd = {image: f"{image:08}-0000-4000-8000-000000000000" for image in sizes}
    blobs: list[dict[str, Any]] = []
    for image, size in sizes.items():
        manifest = {
            "imageName": f"Bench_Image{image}-Nov-1-2026",
            "imagePath": f"Bench\\Image{image}.json",
            "description": "",
            "osType": "Windows",
            "vhdFileName": f"{vhd[image]}.vhd",
            "timestamp": "2026-11-01T01:00:00Z",
        }
        blobs += [
            {"name": f"{vhd[image]}.json", "text": json.dumps(manifest), "encoding": "utf-8"},
            {"name": f"{vhd[image]}.vhd", "vhd": {"sizeGb": size, "seed": str(image)}},
        ]
    factory = {"name": "factory", "rg": GROUP, "location": "westeurope", "storage": "stfactory"}
    targets = [{"name": lab, "rg": GROUP, "location": "westeurope", "storage": account(lab)} for lab in labs]
    storage = [{"account": "stfactory", "containers": [{"name": "imagefactoryvhds", "blobs": blobs}]}]
    storage += [{"account": account(lab), "containers": []} for lab in labs]
    return {
        "factoryLab": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.DevTestLab/labs/factory",
        "subscriptions": [{"id": SUBSCRIPTION, "labs": [factory, *targets]}],
        "storage": [{**entry, "rg": GROUP, "subscription": SUBSCRIPTION} for entry in storage],
        "behave": {
            "imageSeconds": 0,
            "copy": {f"{account(lab)}/{vhd[image]}.vhd": {"seconds": s} for lab, image, _, s in case.copies},
        },
    }


def account(lab: str) -> str:
    return "st" + lab.replace("-", "")


def labs_json(case: Case) -> ConfigurationFile:
    """Every lab asks for every image, and says its resource group."""
    labs = sorted({lab for lab, *_ in case.copies})
    entries = [
        {"SubscriptionId": SUBSCRIPTION, "ResourceGroup": GROUP, "LabName": lab, "ImagePaths": ["Bench"]}
        for lab in labs
    ]
    return ConfigurationFile("labs.json", json.dumps({"Labs": entries}).encode())


def cold_start(times: int = 7) -> None:
    """Import of function_app over that of the two Functions packages alone, median of fresh processes."""
    base = median_seconds("import azure.functions, azure.durable_functions", times)
    app = median_seconds("import function_app", times)
    print(f"cold start: function_app {app:.2f} s, Functions packages alone {base:.2f} s, ratio {app / base:.2f}")


def median_seconds(statement: str, times: int) -> float:
    def once() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], cwd=REPOSITORY, check=True)
        return time.perf_counter() - begun

    once()
    return statistics.median(once() for _ in range(times))


if __name__ == "__main__":
    main()
