"""Why our factory ends otherwise than the original on the same world: one rule for each wanted difference, with its number.

The rules know the facts of the case and nothing else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.original import Captured, End, Image
from tests.e2e.original_facts import Facts, segments, takes, takes_there

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
