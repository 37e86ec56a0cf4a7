"""Names, matching and old files beside what the original factory did; every difference has a rule with its number.

The recorded cases are not part of this repository: they are read when they are there, in `$SHARED_DIR` or in `shared` beside it.
"""

import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.configuration import Configuration, read_configuration
from shared.domain.manifest import read_manifest
from shared.domain.matching import parse_entry
from shared.domain.naming import first_free, image_name
from shared.errors import ConfigurationError

SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).parents[3] / "shared")
VECTORS = SHARED / "original-vectors"

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="the recorded cases are not here")


def cases(kind: str) -> Iterator[dict[str, Any]]:
    yield from json.loads((VECTORS / f"{kind}.json").read_text(encoding="utf-8"))


def answers(case: dict[str, Any]) -> list[str]:
    return [record["text"] for record in case["records"] if record["kind"] == "output"]


# --- Names


def named_there(path: str) -> str:
    """The original's name without its date (B23)."""
    return "_".join(path.split("\\")[-2:]).replace(".json", "").replace(".", "_").replace(" ", "-")


def without_empty_segments(path: str) -> str:
    return "\\".join(filter(None, path.split("\\")))


def with_the_last_extension_only(path: str) -> str:
    stem = re.sub(r"\.json\Z", "", path, flags=re.IGNORECASE)
    return stem.replace(".json", "_json")


PATH_RULES: dict[str, Callable[[str], str]] = {
    "row 15: both separators split": lambda path: path.replace("/", "\\"),
    "X20: empty segments are dropped": without_empty_segments,
    "rows 14, 16, X20: .json is removed only at the end, in any case": with_the_last_extension_only,
}


def ours_or_refusal(path: str, day: date) -> str:
    try:
        return image_name(path, day)
    except ConfigurationError as error:
        return error.code


def test_names_agree_with_the_original_but_for_the_wanted_differences() -> None:
    used: Counter[str] = Counter()
    for case in cases("names"):
        day = datetime.fromisoformat(case["world"]["clock"]).date()
        local = datetime.fromisoformat(case["world"]["clock"]).astimezone(ZoneInfo(case["world"]["tz"])).date()
        for path, there in zip(case["call"]["params"]["paths"], answers(case), strict=True):
            assert there.startswith(named_there(path) + "-"), "the model of the original is wrong"
            said = there.removeprefix(named_there(path) + "-")
            dated = f"{day:%b}-{day.day}-{day.year}"
            if said != dated:
                used["B23: months are English" if said.split("-")[1] == str(day.day) else "B23: the date is UTC"] += 1
                assert said.split("-")[1:] == [str(local.day), str(local.year)]
            expected = path
            for rule, apply in PATH_RULES.items():
                changed = apply(expected)
                used[rule] += named_there(changed) != named_there(expected)
                expected = changed
            last = re.split(r"[\\/]", path.rstrip("\\/"))[-1]
            if last.lower() in ("", ".json") or {".", ".."} & set(re.split(r"[\\/]", path)):
                used["X20: no file name left"] += 1
                assert ours_or_refusal(path, day) == "ImagePathInvalid", path
                continue
            legal = re.sub(r"[^A-Za-z0-9_()-]", "-", named_there(expected))
            used["row 17: any other sign becomes -"] += legal != named_there(expected)
            assert ours_or_refusal(path, day) == f"{legal}-{dated}", path
    assert all(used[rule] for rule in PATH_RULES)
    assert used["B23: months are English"]
    assert used["B23: the date is UTC"]
    assert used["X20: no file name left"]
    assert used["row 17: any other sign becomes -"]


def test_a_taken_name_gets_the_letter_that_the_original_gave_but_for_the_wanted_differences() -> None:
    used: Counter[str] = Counter()
    for case in cases("snap"):
        day = datetime.fromisoformat(case["world"]["clock"]).date()
        taken = [json.loads(blob["text"])["imageName"] for blob in manifests(case) if readable(blob)]
        for effect in case["effects"]:
            if effect["op"] != "upload_blob":
                continue
            there, path = effect["manifest"]["imageName"], effect["manifest"]["imagePath"]
            ours = first_free(image_name(path, day), taken)
            if there == ours:
                used["letter" if ours != image_name(path, day) else "base"] += 1
                continue
            rule = why_another_name(there, path, day, case["world"])
            assert rule, f"{case['id']}: {path!r} is {there!r} there, {ours!r} here"
            used[rule] += 1
    assert used["base"]
    assert used["letter"]
    assert used["X19: AA after Z"]


def why_another_name(there: str, path: str, day: date, world: dict[str, Any]) -> str:
    local = datetime.fromisoformat(world["clock"]).astimezone(ZoneInfo(world["tz"])).date()
    if there[-1] in "[\\]^_`{":
        return "X19: AA after Z"
    if local != day:
        return "B23: the date is UTC"
    if not re.search(rf"-{day:%b}-", there):
        return "B23: months are English"
    return "names table" if image_name(path, day) != f"{named_there(path)}-{day:%b}-{day.day}-{day.year}" else ""


# --- Matching


def took_there(entry: str, path: str) -> bool:
    """The original's matcher: a text prefix with case, by culture (B3, B4, X11)."""
    return _seen_by_culture(path).startswith(_seen_by_culture(entry.replace("/", "\\")))


def _seen_by_culture(text: str) -> str:
    visible = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cf", "Cc"))
    return unicodedata.normalize("NFC", visible)


def takes(entry: str, path: str) -> bool:
    try:
        return parse_entry(entry).takes(path)
    except ConfigurationError:
        return False


def why_not_ours(entry: str, path: str) -> str:
    """The rule by which the original took the path and ours does not."""
    if any(unicodedata.category(letter) in ("Cf", "Cc") for letter in entry):
        return "X11: nothing is ignored"
    rest = path[len(entry) :]
    if not entry:
        return "B3: an empty entry is an error"
    return "B3: whole segments only" if rest[:1] not in ("\\", "/", "") and rest.lower() != ".json" else ""


def why_not_there(entry: str, path: str) -> str:
    """The rule by which ours takes the path and the original did not."""
    if entry[0] in "\\/":
        return "B3: a leading separator is dropped"
    if took_there(entry.lower(), path.lower()):
        return "B4: case is ignored"
    return "B4: \\ = /" if "/" in path else ""


def test_matching_agrees_with_the_original_but_for_the_wanted_differences() -> None:
    used: Counter[str] = Counter()
    for case in cases("match"):
        for question, there in zip(case["call"]["params"]["cases"], answers(case), strict=True):
            path = question["imagePath"]
            entries = [entry for entry in question["imagePaths"] if entry is not None]
            assert any(took_there(entry, path) for entry in entries) == (there == "True"), (
                "the model of the original is wrong"
            )
            for entry in entries:
                before, now = took_there(entry, path), takes(entry, path)
                if before == now:
                    continue
                rule = why_not_ours(entry, path) if before else why_not_there(entry, path)
                assert rule, f"{case['id']}: {entry!r} and {path!r}: {before} there, {now} here"
                used[rule] += 1
    assert set(used) == {
        "X11: nothing is ignored",
        "B3: an empty entry is an error",
        "B3: whole segments only",
        "B3: a leading separator is dropped",
        "B4: case is ignored",
        "B4: \\ = /",
    }


# --- Old files


def configuration(world: dict[str, Any]) -> tuple[Configuration, Any]:
    files = {file["path"].replace("\\", "/").partition("/Config/")[2]: file for file in world["fs"]}
    definitions = [path.removeprefix("GoldenImages/") for path in files if path.startswith("GoldenImages/")]
    (name,) = (path for path in files if path.lower() == "labs.json")
    file = files[name]
    encoding = {"utf-8-bom": "utf-8-sig", "ansi": "cp1252"}.get(file["encoding"], file["encoding"])
    known = [path for path in definitions if path.endswith(".json")]
    return read_configuration(file["text"].encode(encoding), known), (json.loads(file["text"]), known)


def test_every_labs_file_of_the_validation_cases_gets_sensible_findings() -> None:
    found: Counter[str] = Counter()
    for case in cases("validate"):
        read, (plain, definitions) = configuration(case["world"])
        expected: list[tuple[str, str]] = []
        for number, lab in enumerate(plain["Labs"]):
            place = f"$.Labs[{number}].ImagePaths"
            expected += [("ImagePathsEmpty", place)] if not lab["ImagePaths"] else []
            for index, entry in enumerate(lab["ImagePaths"]):
                expected += [(code, f"{place}[{index}]") for code in codes_of_entry(entry, definitions)]
        labs = [(lab["SubscriptionId"].lower(), lab["LabName"].lower()) for lab in plain["Labs"]]
        expected += [("LabDuplicate", f"$.Labs[{number}]") for number, lab in enumerate(labs) if lab in labs[:number]]
        entries = [entry for lab in plain["Labs"] for entry in lab["ImagePaths"] if entry]
        is_right = {code for code, _ in expected} <= {"ImagePathsEmpty", "LeadingSlash"}
        unwanted = [path for path in definitions if is_right and not any(takes(entry, path) for entry in entries)]
        expected += [("DefinitionUnwanted", f"GoldenImages/{path}") for path in unwanted]
        assert sorted((finding.code, finding.path) for finding in read.findings) == sorted(expected), case["id"]
        assert read.usable
        assert len(read.labs) == sum(labs.count(lab) == 1 for lab in labs)
        found.update(finding.code for finding in read.findings)
    assert {
        "EntryEmpty",
        "EntryNotText",
        "EntryMatchesNothing",
        "LeadingSlash",
        "LabDuplicate",
        "DefinitionUnwanted",
    } <= set(found)


def codes_of_entry(entry: str | None, definitions: list[str]) -> list[str]:
    if entry is None:
        return ["EntryNotText"]
    if not entry:
        return ["EntryEmpty"]
    leading = ["LeadingSlash"] if entry.startswith("/") else []
    return leading + ([] if any(takes(entry, path) for path in definitions) else ["EntryMatchesNothing"])


def manifests(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for storage in case["world"]["storage"]:
        for container in storage["containers"]:
            yield from (blob for blob in container["blobs"] if blob["name"].endswith(".json") and "text" in blob)


def readable(blob: dict[str, Any]) -> bool:
    try:
        return {"imageName", "imagePath", "vhdFileName"} <= set(json.loads(blob["text"]))
    except ValueError:
        return False


@pytest.mark.parametrize("kind", ["snap", "distribute", "retire", "list", "factory"])
def test_every_manifest_of_the_original_is_read(kind: str) -> None:
    read = 0
    for case in cases(kind):
        clock = datetime.fromisoformat(case["world"]["clock"])
        for blob in manifests(case):
            data = blob["text"].encode({"utf-8-bom": "utf-8-sig"}.get(blob["encoding"], blob["encoding"]))
            if not readable(blob):
                with pytest.raises(ConfigurationError, match=blob["name"]):
                    read_manifest(data, blob["name"], clock)
                continue
            image, findings = read_manifest(data, blob["name"], clock)
            there = json.loads(blob["text"])
            assert (image.name, image.vhd) == (there["imageName"], there["vhdFileName"])
            assert takes(there["imagePath"], image.image_path)
            assert image.built.year in range(2018, 2028)
            assert {finding.code for finding in findings} <= {"TimestampGuessed"}
            read += 1
    assert read
