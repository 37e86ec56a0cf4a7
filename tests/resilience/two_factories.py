"""Two factories that have labs in common work at once: an experiment with a world of its own."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from local.azure.in_process import played
from local.azure.resources import Json
from local.azure.world import SYSTEM_ACCOUNT
from shared.domain.labs import LabId
from tests.e2e.worlds import FACTORY_LAB, SUBSCRIPTION, asks, labs_json
from tests.resilience import checker
from tests.resilience.checker import Evidence, Expected, Violation
from tests.resilience.laboratory import Conditions, Laboratory
from tests.resilience.reference import LEGACY, LEGACY_NAME, WANTS, WINDOWS, content, legacy, reference
from tests.resilience.trial import EXPECTED, Experiment, Trial, baseline

TOOLS = "Tools\\Build.json"
OTHERS = {
    "lab-1": {WINDOWS: "Win2022_Datacenter-Nov-5-2026", TOOLS: "Tools_Build-Nov-7-2026"},
    "lab-2": {TOOLS: "Tools_Build-Nov-7-2026"},
    "lab-3": {LEGACY: LEGACY_NAME, TOOLS: "Tools_Build-Nov-7-2026"},
}
"""What the labs ask the other factory for: one image has the path of one of ours, one its very name."""

CONTESTED = ("lab-3", LEGACY)
_NUMBERS = {WINDOWS: 5, LEGACY: 6, TOOLS: 7}
OTHER = Expected(
    factory="other",
    pairs=frozenset((lab, path) for lab, images in OTHERS.items() for path in images),
    digests={path: content(legacy(number)) for path, number in _NUMBERS.items()},
)


def in_common(trial: Trial, text: str) -> None:
    """E20: another factory begins at any place of the run. Each delivers what it is asked for and touches nothing of the other's.

    What has the same name in the same lab one of them delivers, and the other says that it could not.
    """
    laboratory = trial.laboratory
    for container in ("others", "others-runs"):
        played(laboratory.blobs.create_container(SYSTEM_ACCOUNT, container))
    for name, data in _configuration().items():
        laboratory.upload(name, data, "others")
    second = laboratory.begin_second(
        "other-app",
        factory=OTHER.factory,
        factory_lab=LabId.parse(FACTORY_LAB.replace("factory", "other")),
        configuration_container="others",
        journal_container="others-runs",
    )
    others: list[str] = []

    def begin() -> None:
        trial.done += 1
        others.append(laboratory.start(hub=second))

    laboratory.watch.acts[int(text)] = begin
    trial.run()
    _judge(trial, others)
    begun = len(laboratory.log.entries)
    for hub in (laboratory.hub, second):
        laboratory.start(after=trial.last, hub=hub)
    laboratory.go_on()
    trial.violations += checker.wrote(laboratory.log.entries[begun:])
    _judge(trial, others)


def _judge(trial: Trial, runs: list[str]) -> None:
    evidence = trial.evidence
    found = checker.single_writers(evidence) + checker.golden_images_stay(evidence) + checker.bugs(trial.laboratory)
    found += _touched_by_both(evidence)
    for expected in (EXPECTED, OTHER):
        ours = replace(evidence, expected=expected)
        found += checker.left_behind(ours) + checker.whole_images(ours)
        missing = checker.undelivered(ours)
        found += [violation for violation in missing if str(CONTESTED) not in violation.what]
    if f"lab-3/{LEGACY_NAME}".lower() not in evidence.after.images:
        found.append(Violation("end state", f"neither has delivered {CONTESTED}"))
    for run, journal in ((trial.last, "runs"), *((run, "others-runs") for run in runs)):
        report = evidence.after.document(run, "report.json", journal)
        rows: list[Json] = report["pairs"] if report else [{"run": run}]
        failed = [row for row in rows if row.get("state") not in ("delivered", "present")]
        found += [Violation("I4", f"reported: {row}") for row in failed if _pair(row) != CONTESTED]
    trial.violations += [violation for violation in found if violation not in trial.violations]


def _pair(row: Json) -> tuple[Any, Any]:
    return row.get("lab"), row.get("imagePath")


def _touched_by_both(evidence: Evidence) -> Iterator[Violation]:
    """Blobs and images that both apps have written or deleted."""
    apps: defaultdict[str, set[str]] = defaultdict(set)
    for call in evidence.effects():
        if call["path"].count("/") > 2:
            apps[call["path"].lower()].add(call["app"])
    return (Violation("I7", f"{path} was touched by {sorted(by)}") for path, by in apps.items() if len(by) > 1)


def _world(_: str) -> Json:
    world = reference().lab("other", rg="rg-other")
    for path, name in {path: name for images in OTHERS.values() for path, name in images.items()}.items():
        world.golden_image(path, name, _NUMBERS[path], account="stother")
    # Whoever is the app may do everything of what roles are for: only the app itself leaves others' things alone.
    groups = [f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{name}" for name in ("factory", "other", *WANTS)]
    roles = ("prepare", "receive", "Storage Blob Data Contributor", "Storage Blob Delegator")
    return world.assigned(**dict.fromkeys(roles, groups)).document


def _configuration() -> dict[str, bytes]:
    entries = [asks(lab, *images) for lab, images in OTHERS.items()]
    names = [path.replace("\\", "/") for path in _NUMBERS]
    return {f"GoldenImages/{name}": b"{}" for name in names} | {"labs.json": labs_json(*entries)}


def _cases(laboratory: Laboratory) -> Iterator[str]:
    return (str(place) for place in range(0, len(baseline(laboratory).places), 10))


TWO_FACTORIES = (
    Experiment(
        "E20", "two factories, labs in common", in_common, _cases, lambda _: Conditions(mixes=True), False, _world
    ),
)
