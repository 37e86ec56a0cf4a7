"""The recorded cases of the original factory: their worlds as ours, and what became of them there and here.

The cases are not part of this repository. They are read from the folder `$ORIGINAL_VECTORS`, whatever its files are called; else
from `original-vectors` in `$SHARED_DIR`, or in `shared` beside the repository, when it is there.
"""

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local.azure.world import unwrap_case
from local.factory.configuration import world_files
from tests.e2e.end_state import all_blobs, custom_images
from tests.e2e.original_variants import variants
from tests.e2e.worlds import VHDS, World, labs_json

Json = dict[str, Any]

SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).parents[3] / "shared")
VECTORS = Path(os.environ.get("ORIGINAL_VECTORS") or SHARED / "original-vectors")
KINDS = ("distribute", "factory", "snap")
FACTORY_ACCOUNT = "stfactory"
AT_ONCE = {"copySeconds": 0, "pendingSeconds": 0, "imageSeconds": 0}
GENERALIZED = {"code": "OSState/generalized", "displayStatus": "VM generalized"}


def read_cases() -> list[Json]:
    """All cases that end with distribution at the latest; none when they are not here."""
    found = [json.loads(file.read_text("utf-8")) for file in sorted(VECTORS.glob("*.json"))]
    cases = [case for cases in found if isinstance(cases, list) for case in cases]
    ours = sorted((case for case in cases if case.get("kind") in KINDS), key=lambda case: case["id"])
    return ours + variants(ours)


class OriginalWorld(World):
    """The world of a case as it is; only that everything ends at once.

    `generalized`: Compute says of every VM that it is generalized, which the original took for granted (B20).
    """

    def __init__(self, case: Json, generalized: bool) -> None:
        super().__init__()
        self.case = unwrap_case(json.loads(json.dumps(case)))
        self.case["behave"] = self.case.get("behave", {}) | AT_ONCE
        if generalized:
            for subscription in self.case["subscriptions"]:
                for machine in subscription["compute"]:
                    machine["statuses"] = [*machine["statuses"], GENERALIZED]

    @property
    def document(self) -> Json:
        return self.case

    @property
    def factory_lab(self) -> str:
        return self.case["factoryLab"]


def has_no_factory_lab(world: OriginalWorld) -> bool:
    """Is the lab that the case names as the factory's not there?"""
    name = world.factory_lab.rpartition("/")[2]
    labs = [lab for subscription in world.document["subscriptions"] for lab in subscription["labs"]]
    return all(lab["name"].lower() != name.lower() for lab in labs)


def configuration(case: Json) -> dict[str, bytes]:
    """The files of a case. A capture there needs no labs.json or an empty one; here the factory lab asks for nothing."""
    files = {file.name: file.data for file in world_files(case)}
    if case["kind"] == "snap":
        files = {name: data for name, data in files.items() if name.lower() != "labs.json"}
        subscription, name = OriginalWorld(case, generalized=False).factory_lab.split("/")[2::6]
        files["labs.json"] = labs_json({"SubscriptionId": subscription, "LabName": name, "ImagePaths": []})
    return files


@dataclass(frozen=True)
class Image:
    """A custom image: its lab, without case (X29), and what it was made of: a golden VHD's blob name, or a captured disk."""

    subscription: str
    lab: str
    source: str


@dataclass(frozen=True)
class Made:
    """What a custom image is: how its creation ended, and what it was given. A name of this run goes without its date."""

    state: str
    name: str
    path: str
    description: str
    os_type: str


@dataclass(frozen=True)
class Captured:
    """What the manifest of a capture says."""

    path: str
    name: str
    description: str
    os_type: str


@dataclass(frozen=True)
class Blob:
    """One that was there before the run."""

    account: str
    name: str


@dataclass(frozen=True)
class Gone:
    """What there is to say of a blob that is lost, and of a VHD that is left."""


@dataclass(frozen=True)
class End:
    """What came of a world: disks that were captured, custom images that were made, blobs that are gone, VHDs that nobody needs.

    `left` are copies in the labs' accounts and VHDs of disks without a manifest, by what they were made of.
    """

    captures: dict[str, Captured]
    images: dict[Image, Made]
    lost: frozenset[Blob] = frozenset()
    left: frozenset[str] = frozenset()

    def things(self) -> dict[tuple[str, "Subject"], object]:
        """All of it, by kind and subject, as it is compared."""
        found: dict[tuple[str, Subject], object] = {
            ("capture", disk): replace(told, name=undated(told.name)) for disk, told in self.captures.items()
        }
        found |= {("image", image): made for image, made in self.images.items()}
        found |= {("blob", blob): Gone() for blob in self.lost}
        return found | {("VHD", source): Gone() for source in self.left}


Subject = str | Image | Blob
_DATED = re.compile(r"-[^-]+-\d{1,2}-\d{4}[^-]*\Z")


def end_there(case: Json, before: Json) -> End:
    """What the original did up to the distribution."""
    known = _blobs(before)
    sources: dict[str, str] = {}
    captures: dict[str, Captured] = {}
    images: dict[Image, Made] = {}
    lost: set[Blob] = set()
    copies: dict[Blob, str] = {}
    for effect in case["effects"]:
        match effect:
            case {"op": "STEP", "script": "CleanUpFactory" | "RetireImages"}:
                break
            case {"op": "copy_blob", "error": _}:
                pass
            case {"op": "copy_blob", "account": account, "blob": blob, "source": source}:
                name: str = source.rpartition("/")[2]
                if source.startswith("sas://"):
                    sources[blob] = _of_disk(source)
                lost.discard(Blob(account, blob))
                copies[Blob(account, blob)] = sources.get(blob) or sources.get(name, name)
            case {"op": "upload_blob", "manifest": manifest}:
                captures[sources[manifest["vhdFileName"]]] = _captured(manifest)
                copies.pop(Blob(FACTORY_ACCOUNT, manifest["vhdFileName"]), None)
            case {"op": "deploy_image", "vhdUri": url}:
                vhd: str = url.rpartition("/")[2]
                image = Image(effect["subscription"], effect["lab"].lower(), sources.get(vhd, vhd))
                images[image] = _made(effect, effect["image"], effect["imagePath"], of_this_run=vhd in sources)
            case {"op": "delete_blob", "account": account, "blob": blob, "found": True}:
                lost.add(Blob(account, blob))
            case {"op": "delete_container", "account": account, "blobs_lost": blobs}:
                lost |= {Blob(account, blob) for blob in blobs}
            case _:
                pass
    left = {source for copy, source in copies.items() if copy not in lost}
    return End(
        captures, images, frozenset(blob for blob in lost if (blob.account, blob.name) in known), frozenset(left)
    )


def end_here(before: Json, after: Json) -> End:
    """What our factory did between two worlds; what an image was made of is told by its digest."""
    known, now = _blobs(before), _blobs(after)
    new = {Blob(*key): blob for key, blob in now.items() if key not in known}
    captures: dict[str, Captured] = {}
    sources: dict[str, str] = {}
    for place, blob in new.items():
        if place.account == FACTORY_ACCOUNT and place.name.endswith(".json"):
            manifest = json.loads(blob["text"])
            sources[manifest["vhdFileName"]] = disk = _of_disk(manifest["diskId"])
            captures[disk] = _captured(manifest)
    digests: dict[str, str] = {
        blob["digest"]: sources.get(name, name)
        for (account, name), blob in now.items()
        if account == FACTORY_ACCOUNT and "digest" in blob
    }
    there = {(image["subscription"], image["lab"], image["name"].lower()) for image in custom_images(before)}
    images: dict[Image, Made] = {}
    for image in custom_images(after):
        if (image["subscription"], image["lab"], image["name"].lower()) not in there:
            source = digests[image["digest"]]
            made = _made(image, image["name"], image["tags"]["ImagePath"], of_this_run=source in captures)
            images[Image(image["subscription"], image["lab"].lower(), source)] = made
    finished = {*sources, *(place.name for place in new if place.name.endswith(".json"))}
    left = {place.name for place in new if place.account != FACTORY_ACCOUNT or place.name not in finished}
    return End(captures, images, frozenset(Blob(*key) for key in known.keys() - now.keys()), frozenset(left))


def _blobs(world: Json) -> dict[tuple[str, str], Json]:
    return {(account, blob["name"]): blob for (account, container), blob in all_blobs(world) if container == VHDS}


def _of_disk(source: str) -> str:
    return "disk " + source.rpartition("/")[2].lower()


def _captured(manifest: Json) -> Captured:
    path, name, description, os_type = (
        manifest.get(key) or "" for key in ("imagePath", "imageName", "description", "osType")
    )
    return Captured(path, name, description, os_type)


def _made(image: Json, name: str, path: str, *, of_this_run: bool) -> Made:
    description, os_type = image.get("description") or "", image.get("osType") or ""
    return Made(image["state"], undated(name) if of_this_run else name, path, description, os_type)


def undated(name: str) -> str:
    """A name without its date and suffix: the days of the two runs differ."""
    return _DATED.sub("", name)
