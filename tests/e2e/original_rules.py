"""Why our factory ends otherwise than the original on the same world: one rule for each wanted difference, with its number.

The rules know the world and what our report says; they share no code with the app.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tests.e2e.end_state import all_blobs
from tests.e2e.original import Captured, End, Image

Json = dict[str, Any]

_DATED = re.compile(r"-[^-]+-\d{1,2}-\d{4}[^-]*\Z")


@dataclass(frozen=True)
class Difference:
    """`what` is an image or a disk; where it is on both sides it differs, and `told` says how."""

    where: str
    what: Image | str
    told: str = ""


def differences(there: End, here: End) -> list[Difference]:
    """Images and captures of one side only, and those that are not the same; names are compared without their dates."""
    found: list[Difference] = []
    for one, other, side in ((there, here, "there"), (here, there, "here")):
        found += [Difference(side, image) for image in one.images.keys() - other.images.keys()]
        found += [Difference(side, disk) for disk in one.captures.keys() - other.captures.keys()]
    for image in there.images.keys() & here.images.keys():
        states = there.images[image], here.images[image]
        if states[0] != states[1]:
            found.append(Difference("both", image, f"{states[0]} there, {states[1]} here"))
    for disk in there.captures.keys() & here.captures.keys():
        pair = there.captures[disk], here.captures[disk]
        if _comparable(pair[0]) != _comparable(pair[1]):
            found.append(Difference("both", disk, f"{pair[0]} there, {pair[1]} here"))
    return found


def _comparable(captured: Captured) -> Captured:
    return Captured(captured.path, _DATED.sub("", captured.name), captured.description, captured.os_type)


@dataclass(frozen=True)
class Request:
    subscription: str
    lab: str
    group: str
    entries: tuple[str, ...]


@dataclass(frozen=True)
class Golden:
    path: str
    name: str
    built: datetime | None


def segments(path: str) -> tuple[str, ...]:
    """A path as ours compares it: no separator at the ends, no `.json`, no case."""
    text = unicodedata.normalize("NFC", path).lower().replace("\\", "/").strip("/").removesuffix(".json")
    return tuple(text.split("/"))


def takes(entry: str, path: str) -> bool:
    """Whole segments: the file itself, or a folder above it; a separator at the end means a folder."""
    one, other = segments(entry), segments(path)
    return other[: len(one)] == one and not (entry[-1:] in ("/", "\\") and len(one) == len(other)) and one != ("",)


def takes_there(entry: str, path: str) -> bool:
    """The original's: the path begins with the text of the entry, with case."""
    return path.startswith(entry.replace("/", "\\"))


class Facts:
    """What the rules ask about: the case, its world before the run, our report, both ends."""

    def __init__(self, case: Json, before: Json, files: dict[str, bytes], report: Json, there: End, here: End) -> None:
        self.case, self.before, self.report, self.there, self.here = case, before, report, there, here
        self.labs_file = next(data for name, data in files.items() if name.lower() == "labs.json")
        self.definitions = [name.partition("/")[2] for name in files if name.startswith("GoldenImages/")]

    @cached_property
    def requests(self) -> list[Request]:
        data = self.labs_file
        labs = json.loads(data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig"))["Labs"]
        return [
            Request(
                lab["SubscriptionId"].lower(),
                lab["LabName"].lower(),
                (lab.get("ResourceGroup") or "").lower(),
                tuple(filter(None, _listed(lab.get("ImagePaths") or []))),
            )
            for lab in _listed(labs)
        ]

    @cached_property
    def golden(self) -> dict[str, Golden]:
        """Golden images by what they were made of."""
        found: dict[str, Golden] = {}
        for _, blob in all_blobs(self.before):
            try:
                keys = {key.lower(): value for key, value in json.loads(blob.get("text", "")).items()}
                found[keys["vhdfilename"]] = Golden(keys["imagepath"], keys["imagename"], _time(keys.get("timestamp")))
            except (ValueError, KeyError, AttributeError):
                continue
        for captures in (self.there.captures, self.here.captures):
            found |= {disk: Golden(c.path, c.name, datetime.max.replace(tzinfo=UTC)) for disk, c in captures.items()}
        return found

    def of_lab(self, image: Image) -> list[Request]:
        return [r for r in self.requests if (r.subscription, r.lab) == (image.subscription, image.lab)]

    def labs(self, image: Image) -> list[Json]:
        """The labs of that name in that subscription."""
        return [
            lab
            for subscription in self.before["subscriptions"]
            for lab in subscription["labs"]
            if (subscription["id"].lower(), lab["name"].lower()) == (image.subscription, image.lab)
        ]

    def entries(self, image: Image) -> list[str]:
        return [entry for request in self.of_lab(image) for entry in request.entries]

    def path(self, image: Image) -> str:
        return self.golden[image.source].path

    def wants(self, image: Image) -> bool:
        """Does an entry of this lab take the image, as ours reads entries?"""
        return any(takes(entry, self.path(image)) for entry in self.entries(image))

    def codes(self, image: Image, name: str = "") -> set[str]:
        """What our report says of the lab, or of this image in it."""
        return {
            pair.get("code", pair["state"])
            for pair in self.report["pairs"]
            if (pair["subscriptionId"].lower(), pair["lab"].lower()) == (image.subscription, image.lab)
            and name in ("", pair.get("image"))
        }

    def findings(self) -> set[str]:
        return {finding["code"] for finding in self.report.get("findings", ())}

    def capture_code(self, disk: str) -> str:
        """What our report says of the VM with this disk."""
        names = [
            machine["name"]
            for subscription in self.before["subscriptions"]
            for machine in subscription["compute"]
            if f"disk {machine['osDisk'].lower()}" == disk
        ]
        return next((row.get("code", row["state"]) for row in self.report["captures"] if row["vm"] in names), "")

    def lab_vm(self, disk: str) -> Json:
        ids = {
            machine["id"].lower()
            for subscription in self.before["subscriptions"]
            for machine in subscription["compute"]
            if f"disk {machine['osDisk'].lower()}" == disk
        }
        vms = [vm for subscription in self.before["subscriptions"] for vm in subscription["vms"]]
        return next(vm for vm in vms if vm["computeId"].lower() in ids)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
    except ValueError:
        return None


# --- Images that only the original made


def lab_is_missing(facts: Facts, image: Image) -> bool:
    return not facts.labs(image) and facts.codes(image) == {"LabNotFound"}


def lab_was_not_asked_for(facts: Facts, image: Image) -> bool:
    known = {subscription["id"].lower() for subscription in facts.before["subscriptions"]}
    return not facts.of_lab(image) and any(r.lab == image.lab and r.subscription not in known for r in facts.requests)


def lab_is_ambiguous(facts: Facts, image: Image) -> bool:
    return len(facts.labs(image)) > 1 and facts.codes(image) == {"LabAmbiguous"}


def lab_is_in_another_group(facts: Facts, image: Image) -> bool:
    groups = {lab["rg"].lower() for lab in facts.labs(image)}
    return all(r.group and r.group not in groups for r in facts.of_lab(image)) and facts.codes(image) == {"LabNotFound"}


def lab_is_named_twice(facts: Facts, image: Image) -> bool:
    return len(facts.of_lab(image)) > 1 and facts.codes(image) == {"LabDuplicate"}


def no_entry_takes_it(facts: Facts, image: Image) -> bool:
    return bool(facts.of_lab(image)) and not facts.wants(image)


def its_entries_match_no_definition(facts: Facts, image: Image) -> bool:
    asking = [entry for entry in facts.entries(image) if takes(entry, facts.path(image))]
    unmatched = not any(takes(entry, path) for entry in asking for path in facts.definitions)
    return bool(facts.definitions) and unmatched and "EntryMatchesNothing" in facts.findings()


def there_is_a_newer_version(facts: Facts, image: Image) -> bool:
    this = facts.golden[image.source]
    others = [
        golden
        for source, golden in facts.golden.items()
        if segments(golden.path) == segments(this.path) and source != image.source
    ]
    newer = [golden for golden in others if this.built and golden.built and golden.built >= this.built]
    return any(facts.codes(image, golden.name) for golden in newer)


def name_is_taken_by_another(facts: Facts, image: Image) -> bool:
    return "ImageNameTwice" in facts.codes(image, facts.golden[image.source].name)


def name_is_illegal(facts: Facts, image: Image) -> bool:
    name = facts.golden[image.source].name
    return not re.fullmatch(r"[\w()-]{1,80}", name, re.ASCII) and "ImageNameInvalid" in facts.codes(image, name)


def was_not_captured_here(facts: Facts, image: Image) -> bool:
    return image.source in facts.there.captures and image.source not in facts.here.captures


# --- Images that only ours made


def cap_was_refused(facts: Facts, _image: Image) -> bool:
    return facts.case["call"]["params"]["maxConcurrentJobs"] < 1


def no_entry_took_it_there(facts: Facts, image: Image) -> bool:
    return not any(takes_there(entry, facts.path(image)) for entry in facts.entries(image))


def entry_was_garbled_there(facts: Facts, image: Image) -> bool:
    return not facts.labs_file.startswith(b"\xef\xbb\xbf") and not facts.path(image).isascii()


def factory_lab_was_a_target(facts: Facts, _image: Image) -> bool:
    return any(r.lab == facts.case["call"]["params"]["DevTestLabName"].lower() for r in facts.requests)


def region_is_written_otherwise(facts: Facts, image: Image) -> bool:
    (factory, *_) = (
        lab["location"]
        for subscription in facts.before["subscriptions"]
        for lab in subscription["labs"]
        if lab["storage"] == "stfactory"
    )
    return all(lab["location"].lower() != factory.lower() for lab in facts.labs(image))


def account_is_in_another_group(facts: Facts, image: Image) -> bool:
    groups = {account["account"]: account["rg"].lower() for account in facts.before["storage"]}
    return all(groups.get(lab["storage"]) != lab["rg"].lower() for lab in facts.labs(image))


def was_captured_here_only(facts: Facts, image: Image) -> bool:
    return image.source in facts.here.captures and image.source not in facts.there.captures


# --- Captures


def not_proved_to_be_generalized(facts: Facts, disk: str) -> bool:
    return facts.capture_code(disk) == "NoEvidence"


def is_ignored(facts: Facts, disk: str) -> bool:
    return facts.capture_code(disk) == "FactoryIgnore" and "FactoryIgnore" in facts.lab_vm(disk)["tags"]


def has_no_notes(facts: Facts, disk: str) -> bool:
    return not facts.lab_vm(disk).get("notes")


def tag_is_in_another_case(facts: Facts, disk: str) -> bool:
    return "ImagePath" not in facts.lab_vm(disk)["tags"]


def path_has_other_signs(facts: Facts, disk: str) -> bool:
    path = facts.there.captures[disk].path
    return bool(re.search(r"/|[^\w .()\\-]", path, re.ASCII)) or ".json" in path.lower().removesuffix(".json")


def extension_is_in_another_case(facts: Facts, disk: str) -> bool:
    return facts.there.captures[disk].path.endswith((".JSON", ".Json", ".jSon"))


IMAGE_RULES: dict[str, dict[str, Callable[[Facts, Image], bool]]] = {
    "there": {
        "B7, B8, X4: a missing lab gets nothing, nor does another one in its place": lab_is_missing,
        "X2: nothing is done in another subscription than the one named": lab_was_not_asked_for,
        "B6, W3: a lab that may be two is set aside": lab_is_ambiguous,
        "B6: the resource group counts": lab_is_in_another_group,
        "X3: a lab that is named twice is set aside": lab_is_named_twice,
        "B3: whole segments only": no_entry_takes_it,
        "B5: an entry that matches no definition is set aside": its_entries_match_no_definition,
        "B30: the newest version only": there_is_a_newer_version,
        "W4: one name is made once per lab": name_is_taken_by_another,
        "X19, X20: a name that Azure does not allow": name_is_illegal,
        "see its capture": was_not_captured_here,
    },
    "here": {
        "X6: the cap is checked before": cap_was_refused,
        "B4, X10: without case, with either separator, without `.json`": no_entry_took_it_there,
        "X12: UTF-8 without a byte-order mark": entry_was_garbled_there,
        "B41, X5: the golden VHD stays when the factory lab is a target": factory_lab_was_a_target,
        "B32, X21: the region is no reason": region_is_written_otherwise,
        "B44: the account may be in another group": account_is_in_another_group,
        "see its capture": was_captured_here_only,
    },
    "both": {},
}
CAPTURE_RULES: dict[str, dict[str, Callable[[Facts, str], bool]]] = {
    "there": {
        "B20: only what is proved to be generalized": not_proved_to_be_generalized,
        "X17: FactoryIgnore counts in every stage": is_ignored,
    },
    "here": {
        "B28, W5: a VM without notes has an empty description": has_no_notes,
        "W6: tag names are compared without case": tag_is_in_another_case,
    },
    "both": {
        "B23, B24 rows 15 to 17: other signs in the path": path_has_other_signs,
        "B23, B24 row 14: .json in any case": extension_is_in_another_case,
    },
}


def explanation(difference: Difference, facts: Facts) -> str | None:
    """The rule that wants this difference; None when there is none."""
    if isinstance(difference.what, Image):
        image = difference.what
        return next((rule for rule, holds in IMAGE_RULES[difference.where].items() if holds(facts, image)), None)
    disk = difference.what
    return next((rule for rule, holds in CAPTURE_RULES[difference.where].items() if holds(facts, disk)), None)
