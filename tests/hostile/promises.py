"""What holds whatever is fed to the app's pure parts: functions that raise AssertionError where it does not."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.configuration import Configuration, read_configuration
from shared.domain.capture import CapturePlan, plan_captures
from shared.domain.distribution import DistributionPlan, LabStock, Order, plan_distribution
from shared.domain.golden_vms import GoldenVm, OsDisk
from shared.domain.images import CustomImage, GoldenImage, OsType
from shared.domain.labs import Lab, LabId, LabRequest
from shared.domain.manifest import read_manifest
from shared.domain.matching import parse_entry
from shared.domain.naming import is_legal
from shared.domain.outcomes import RunState
from shared.domain.quoting import is_invisible
from shared.domain.report import ConfigurationRead, RunReport, capture_rows, pair_rows
from shared.errors import ConfigurationError
from shared.report_forms import FORMS
from shared.requests import read_parameters
from shared.wire import from_json, to_json
from tests.hostile import corpus

DEFINITIONS = ("Win/Server.json", "Linux/Ubuntu.json")
NOW = datetime(2026, 11, 23, 2, 5, tzinfo=UTC)
FACTORY = Lab(LabId(corpus.SUBSCRIPTION, "rg-factory", "factory"), "stfactory")
TARGET = Lab(LabId(corpus.SUBSCRIPTION, "rg-lab-a", "lab-a"), "stlaba")
ORDER = Order("20261123T020509Z-aaaa", "f1", FACTORY, 1, "sha")


# --- labs.json


def one_line(text: str) -> bool:
    """Could this stand in a log, a header or a table?"""
    return not any(is_invisible(character) for character in text)


def serves_what_it_says(data: bytes) -> None:
    """Of labs.json only names that Azure allows and plain paths are taken; what is wrong is told in one line without secrets."""
    configuration = read_configuration(data, DEFINITIONS)
    told = to_json(configuration)
    assert from_json(told, Configuration) == configuration
    assert not any(secret.encode() in told for secret in corpus.SECRETS)
    for request in configuration.labs:
        assert re.fullmatch(r"[0-9A-Fa-f-]{36}", request.subscription)
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,50}", request.name)
        assert re.fullmatch(r"[\w.()-]{0,90}", request.resource_group)
        for entry in request.entries:
            assert not {"", ".", ".."} & set(entry.segments)
            assert "://" not in entry.text
            assert one_line(entry.text)
    for finding in configuration.findings:
        assert finding.code
        assert finding.next
        assert one_line(finding.message + finding.next + finding.path)


# --- Manifests

VHDS = {"golden.vhd": 2**30}
"""What lies in the factory's container."""

STOCKS = (LabStock(TARGET), LabStock(FACTORY), LabStock(TARGET, (CustomImage("Win_Server-Nov-1-2026", "Failed"),)))
LONGEST_INPUT = 4096
"""Bytes of what crosses the seam (`design.md` section 3, "Small histories")."""


def leads_nowhere_else(data: bytes) -> None:
    """A manifest is set aside, or is one more image of a VHD that is there; that VHD and no other place is delivered."""
    try:
        image, findings = read_manifest(data, "golden.json", NOW)
    except ConfigurationError as error:
        assert error.code == "ManifestUnreadable"
        assert error.next_step
        return
    assert all(finding.code == "TimestampGuessed" for finding in findings)
    assert from_json(to_json(image), GoldenImage) == image
    entries = tuple(parse_entry(path) for path in ("Win", "Linux", "a"))
    asked = LabRequest(corpus.SUBSCRIPTION, "lab-a", entries)
    image = replace(image, size_bytes=VHDS.get(image.vhd))
    for stock in STOCKS:
        plan = plan_distribution(ORDER, [(asked, stock)], [image], DEFINITIONS)
        assert from_json(to_json(plan), DistributionPlan) == plan
        for delivery in plan.deliveries:
            assert delivery.image.vhd in VHDS
            assert is_legal(delivery.image.name)
            assert delivery.vhd in VHDS or re.fullmatch(r"20261123T020509Z-aaaa-[0-9a-f]+\.vhd", delivery.vhd)
            assert len(to_json(delivery)) < LONGEST_INPUT
        can_be_told(report(pairs=pair_rows(plan, {})))


def report(**rows: Any) -> RunReport:
    return RunReport("r", "f", RunState.SUCCEEDED, NOW, NOW, ConfigurationRead(), {}, **rows)


def can_be_told(report: RunReport) -> None:
    """In every form; that none of them can be broken is for the tests of the forms."""
    for form in FORMS:
        assert form.render(report).encode()


# --- What stands on resources: tags, notes, names


def captures_are_legal(vms: list[GoldenVm]) -> None:
    plan = plan_captures(vms, (), ORDER.run)
    assert from_json(to_json(plan), CapturePlan) == plan
    assert len(plan.captures) + len(plan.decided) == len(vms), "every VM ends once"
    names = [capture.image.lower() for capture in plan.captures]
    assert len(names) == len(set(names))
    for capture in plan.captures:
        assert is_legal(capture.image)
        assert re.fullmatch(r"[0-9a-f-]{36}\.vhd", capture.vhd)
        assert not {"", ".", ".."} & set(capture.image_path.split("\\"))
        assert len(to_json(capture)) < LONGEST_INPUT
    can_be_told(report(captures=capture_rows(plan, {})))


def vm(name: str, image_path: str, notes: str, tag: str | None = None) -> GoldenVm:
    """A golden VM that is ready; `tag` stands for both tags that say what is to be done with it."""
    disk = OsDisk(f"/subscriptions/s/disks/{len(name)}", "u", NOW, 2**30)
    return GoldenVm(
        name,
        "Succeeded",
        image_path,
        generalize_tag=tag,
        image_state_tag=tag,
        os_type=OsType.WINDOWS,
        notes=notes,
        vm_id="v",
        power_state="deallocated",
        generalized=True,
        disk=disk,
    )


def is_not_ours(tags: tuple[str, str, str, str]) -> None:
    """An image of a lab that is not told to be ours by the factory's id is never adopted, repaired or deleted."""
    path, factory, run, digest = tags
    image = GoldenImage("Win_Server-Nov-1-2026", "Win\\Server.json", OsType.WINDOWS, "golden.vhd", NOW, size_bytes=1)
    asked = LabRequest(corpus.SUBSCRIPTION, "lab-a", (parse_entry("Win"),))
    for state in ("Failed", "Creating", "Succeeded", factory):
        found = CustomImage(image.name, state, path, factory, run, digest)
        [pair] = plan_distribution(ORDER, [(asked, LabStock(TARGET, (found,)))], [image], None).pairs
        assert pair.outcome is not None or factory == ORDER.factory


# --- Requests


def asks_for_a_run_or_is_refused(body: bytes) -> None:
    """The refusal stands in one line, and tells no secret."""
    try:
        lanes = read_parameters(body).max_concurrent_copies
    except ConfigurationError as error:
        assert error.code == "RequestInvalid"
        assert one_line(error.message)
        assert not any(secret in error.message for secret in corpus.SECRETS)
        to_json({"message": error.message})
        return
    assert lanes is None or 1 <= lanes <= 100
