"""When each wanted difference of docs/differences.md holds: a predicate by the name that stands in the table.

They know the facts of the case and nothing else.
"""

import re
from collections.abc import Callable
from typing import Any

from tests.e2e.original import FACTORY_ACCOUNT, Blob, Image, Subject, undated
from tests.e2e.original_facts import Facts, segments, takes, takes_there

Predicate = Callable[[Facts, Any], bool]
PREDICATES: dict[str, Predicate] = {}


def rule(predicate: Predicate) -> Predicate:
    PREDICATES[predicate.__name__] = predicate
    return predicate


# --- Images that only the original made


@rule
def lab_is_missing(facts: Facts, image: Image) -> bool:
    return not facts.labs(image) and facts.codes(image) == {"LabNotFound"}


@rule
def lab_was_not_asked_for(facts: Facts, image: Image) -> bool:
    known = {subscription["id"].lower() for subscription in facts.before["subscriptions"]}
    return not facts.of_lab(image) and any(r.lab == image.lab and r.subscription not in known for r in facts.requests)


@rule
def lab_is_ambiguous(facts: Facts, image: Image) -> bool:
    return len(facts.labs(image)) > 1 and facts.codes(image) == {"LabAmbiguous"}


@rule
def lab_is_in_another_group(facts: Facts, image: Image) -> bool:
    groups = {lab["rg"].lower() for lab in facts.labs(image)}
    return all(r.group and r.group not in groups for r in facts.of_lab(image)) and facts.codes(image) == {"LabNotFound"}


@rule
def lab_is_named_twice(facts: Facts, image: Image) -> bool:
    return len(facts.of_lab(image)) > 1 and facts.codes(image) == {"LabDuplicate"}


@rule
def no_entry_takes_it(facts: Facts, image: Image) -> bool:
    return bool(facts.of_lab(image)) and not facts.wants(image)


@rule
def entry_matches_no_definition(facts: Facts, image: Image) -> bool:
    asking = [entry for entry in facts.entries(image) if takes(entry, facts.path(image))]
    unmatched = not any(takes(entry, path) for entry in asking for path in facts.definitions)
    return bool(facts.definitions) and unmatched and "EntryMatchesNothing" in facts.findings()


@rule
def newer_version_is_there(facts: Facts, image: Image) -> bool:
    this = facts.golden[image.source]
    others = [
        golden
        for source, golden in facts.golden.items()
        if segments(golden.path) == segments(this.path) and source != image.source
    ]
    newer = [golden for golden in others if this.built and golden.built and golden.built >= this.built]
    return any(facts.codes(image, golden.name) for golden in newer)


@rule
def name_is_taken(facts: Facts, image: Image) -> bool:
    return "ImageNameTwice" in facts.codes(image, facts.golden[image.source].name)


@rule
def name_is_illegal(facts: Facts, image: Image) -> bool:
    name = facts.golden[image.source].name
    return not re.fullmatch(r"[\w()-]{1,80}", name, re.ASCII) and "ImageNameInvalid" in facts.codes(image, name)


@rule
def capture_is_there_only(facts: Facts, image: Image) -> bool:
    return image.source in facts.there.captures and image.source not in facts.here.captures


# --- Images that only ours made


@rule
def cap_is_below_one(facts: Facts, _what: Subject) -> bool:
    return facts.case["call"]["params"]["maxConcurrentJobs"] < 1


@rule
def no_entry_took_it_there(facts: Facts, image: Image) -> bool:
    return not any(takes_there(entry, facts.path(image)) for entry in facts.entries(image))


@rule
def entry_was_garbled_there(facts: Facts, image: Image) -> bool:
    return not facts.labs_file.startswith(b"\xef\xbb\xbf") and not facts.path(image).isascii()


@rule
def factory_lab_is_a_target(facts: Facts, _what: Subject) -> bool:
    return any(r.lab == facts.case["call"]["params"]["DevTestLabName"].lower() for r in facts.requests)


@rule
def region_is_another(facts: Facts, image: Image) -> bool:
    (factory, *_) = (
        lab["location"]
        for subscription in facts.before["subscriptions"]
        for lab in subscription["labs"]
        if lab["storage"] == FACTORY_ACCOUNT
    )
    return all(lab["location"].lower() != factory.lower() for lab in facts.labs(image))


@rule
def account_is_in_another_group(facts: Facts, image: Image) -> bool:
    groups = {account["account"]: account["rg"].lower() for account in facts.before["storage"]}
    return all(groups.get(lab["storage"]) != lab["rg"].lower() for lab in facts.labs(image))


@rule
def group_tells_it_apart(facts: Facts, image: Image) -> bool:
    return len(facts.labs(image)) > 1 and all(request.group for request in facts.of_lab(image))


@rule
def capture_is_here_only(facts: Facts, image: Image) -> bool:
    return image.source in facts.here.captures and image.source not in facts.there.captures


# --- Captures


@rule
def generalization_is_not_proved(facts: Facts, disk: str) -> bool:
    return facts.capture_code(disk) == "NoEvidence"


@rule
def vm_is_ignored(facts: Facts, disk: str) -> bool:
    return facts.capture_code(disk) == "FactoryIgnore" and "FactoryIgnore" in facts.lab_vm(disk)["tags"]


@rule
def tag_is_in_the_old_form(facts: Facts, disk: str) -> bool:
    tags = facts.lab_vm(disk)["tags"]
    return facts.capture_code(disk) == "NoImagePath" and tags.get("Name") == "ImagePath"


@rule
def vm_has_no_notes(facts: Facts, disk: str) -> bool:
    return not facts.lab_vm(disk).get("notes")


@rule
def tag_is_in_another_case(facts: Facts, disk: str) -> bool:
    return "ImagePath" not in facts.lab_vm(disk)["tags"]


@rule
def extension_is_in_another_case(facts: Facts, disk: str) -> bool:
    return facts.there.captures[disk].path.endswith((".JSON", ".Json", ".jSon"))


# --- Things that are not the same on both sides


@rule
def capture_has_another_name(facts: Facts, image: Image) -> bool:
    """Of the same disk; dates aside, the capture's own rows say why."""
    one, other = facts.there.captures.get(image.source), facts.here.captures.get(image.source)
    return one is not None and other is not None and undated(one.name) != undated(other.name)


@rule
def path_has_other_signs(facts: Facts, what: Image | str) -> bool:
    path = facts.path(what)
    return bool(re.search(r"[^\w .()\\/-]", path, re.ASCII)) or ".json" in path.lower().removesuffix(".json")


@rule
def path_has_slashes(facts: Facts, what: Image | str) -> bool:
    return "/" in facts.path(what)


# --- Blobs that are gone, VHDs that are left over


@rule
def blob_is_beside_the_copies(facts: Facts, blob: Blob) -> bool:
    targets = {lab["storage"] for subscription in facts.before["subscriptions"] for lab in subscription["labs"]}
    return blob.account in targets - {FACTORY_ACCOUNT}


@rule
def blob_is_a_master(facts: Facts, blob: Blob) -> bool:
    return blob.account == FACTORY_ACCOUNT and factory_lab_is_a_target(facts, blob)


@rule
def capture_failed(facts: Facts, source: str) -> bool:
    return source.startswith("disk ") and source not in facts.there.captures
