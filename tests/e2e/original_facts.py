"""What the rules of `original_rules` ask about a case: who asks for what, what there is, what our report says.

It shares no code with the app: what an entry takes, and which version is the newest, is decided here once more.
"""

import json
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tests.e2e.end_state import all_blobs
from tests.e2e.original import End, Image

Json = dict[str, Any]


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
        here, there = self.here.captures, self.there.captures
        for disk in here.keys() | there.keys():
            # The name is ours, as our report has it; the path is as the VM's tag has it, which the original wrote unchanged.
            name, path = here.get(disk, there.get(disk)), there.get(disk, here.get(disk))
            if name and path:
                found[disk] = Golden(path.path, name.name, datetime.max.replace(tzinfo=UTC))
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

    def path(self, what: Image | str) -> str:
        """The path of an image, or of what a disk became."""
        return self.golden[what.source if isinstance(what, Image) else what].path

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
