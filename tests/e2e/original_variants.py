"""Recorded cases changed in one place to which the original was blind, so that what it did stays what was recorded."""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def _in_another_group(case: Json) -> Json:
    """No script of the original reads `ResourceGroup` (B1)."""
    return _replaced(case, r"\"LabName\"", r"\"ResourceGroup\": \"rg-none\", \"LabName\"")


def _with_a_group(case: Json) -> Json:
    """The same, where it tells two labs of one name apart."""
    return _replaced(case, r"\"LabName\": \"lab-a\"", r"\"ResourceGroup\": \"rg-x\", \"LabName\": \"lab-a\"")


def _with_an_old_tag(case: Json) -> Json:
    """A tag `Name` with the value `ImagePath` makes the tag `Value` the path (X18)."""
    return _replaced(case, '"ImagePath": "', '"Name": "ImagePath", "Value": "')


def _with_an_illegal_name(case: Json) -> Json:
    """A name goes from the manifest to Azure as it is (X19, X20)."""
    return _replaced(case, "Win2016_Datacenter-", "Win2016_Datacenter+")


def _with_both_definitions(case: Json) -> Json:
    """No check of the original stops anything (B5)."""
    one, *_ = [file for file in case["world"]["fs"] if "GoldenImages" in file["path"]]
    other = one | {"path": one["path"].replace("GoldenImages\\", "GoldenImages\\X\\")}
    return case | {"world": case["world"] | {"fs": [*case["world"]["fs"], other]}}


_VARIANTS: tuple[tuple[str, str, Callable[[Json], Json]], ...] = (
    ("distribute-x27", "in-another-group", _in_another_group),
    ("distribute-x05", "with-a-group", _with_a_group),
    ("distribute-x27", "illegal-name", _with_an_illegal_name),
    ("distribute-x29", "both-definitions", _with_both_definitions),
    ("snap-x22", "old-tag", _with_an_old_tag),
)


def variants(cases: list[Json]) -> list[Json]:
    """The variants of those cases that are here."""
    known = {case["id"]: case for case in cases}
    return [change(known[of]) | {"id": f"{of}-{name}"} for of, name, change in _VARIANTS if of in known]


def _replaced(case: Json, old: str, new: str) -> Json:
    return json.loads(json.dumps(case).replace(old, new))
