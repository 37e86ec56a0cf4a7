"""The recorded cases of the original factory (`original-vectors`): their worlds as ours, and what became of them there.

The cases are not part of this repository: they are read when they are there, in `$SHARED_DIR` or in `shared` beside it.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.azure.world import unwrap_case
from local.factory.configuration import world_files
from tests.e2e.end_state import all_blobs, custom_images
from tests.e2e.worlds import VHDS, World, labs_json

Json = dict[str, Any]

VECTORS = Path(os.environ.get("SHARED_DIR") or Path(__file__).parents[3] / "shared") / "original-vectors"
KINDS = ("distribute", "factory", "snap")
FACTORY_ACCOUNT = "stfactory"
AT_ONCE = {"copySeconds": 0, "pendingSeconds": 0, "imageSeconds": 0}
GENERALIZED = {"code": "OSState/generalized", "displayStatus": "VM generalized"}


def read_cases() -> list[Json]:
    """All cases that end with distribution at the latest; none when they are not here."""
    files = [VECTORS / f"{kind}.json" for kind in KINDS]
    return [case for file in files if file.is_file() for case in json.loads(file.read_text("utf-8"))]


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
class Captured:
    """What the manifest of a capture says."""

    path: str
    name: str
    description: str
    os_type: str


@dataclass(frozen=True)
class End:
    """What came of a world: disks that were captured, custom images that were made (their state), other blobs that are gone."""

    captures: dict[str, Captured]
    images: dict[Image, str]
    lost: frozenset[tuple[str, str]] = frozenset()


def end_there(case: Json) -> End:
    """What the original did up to the distribution."""
    sources: dict[str, str] = {}
    captures: dict[str, Captured] = {}
    images: dict[Image, str] = {}
    for effect in case["effects"]:
        operation = effect["op"]
        if operation == "STEP" and effect["script"] in ("CleanUpFactory", "RetireImages"):
            break
        if operation == "copy_blob" and effect["source"].startswith("sas://"):
            sources[effect["blob"]] = _of_disk(effect["source"])
        elif operation == "upload_blob":
            manifest = effect["manifest"]
            captures[sources[manifest["vhdFileName"]]] = _captured(manifest)
        elif operation == "deploy_image":
            vhd: str = effect["vhdUri"].rpartition("/")[2]
            image = Image(effect["subscription"], effect["lab"].lower(), sources.get(vhd, vhd))
            images[image] = effect["state"]
    return End(captures, images)


def end_here(before: Json, after: Json) -> End:
    """What our factory did between two worlds; what an image was made of is told by its digest."""
    known, now = _blobs(before), _blobs(after)
    captures: dict[str, Captured] = {}
    sources: dict[str, str] = {}
    for (account, name), blob in now.items():
        if account == FACTORY_ACCOUNT and name.endswith(".json") and (account, name) not in known:
            manifest = json.loads(blob["text"])
            sources[manifest["vhdFileName"]] = disk = _of_disk(manifest["diskId"])
            captures[disk] = _captured(manifest)
    digests = {
        blob["digest"]: sources.get(name, name)
        for (account, name), blob in now.items()
        if account == FACTORY_ACCOUNT and "digest" in blob
    }
    there = {(image["subscription"], image["lab"], image["name"].lower()) for image in custom_images(before)}
    images = {
        Image(image["subscription"], image["lab"].lower(), digests[image["digest"]]): image["state"]
        for image in custom_images(after)
        if (image["subscription"], image["lab"], image["name"].lower()) not in there
    }
    return End(captures, images, frozenset(known.keys() - now.keys()))


def left_in_labs(before: Json, after: Json) -> set[tuple[str, str]]:
    """Blobs that are new in accounts other than the factory lab's: copies that were not removed."""
    return {blob for blob in _blobs(after).keys() - _blobs(before).keys() if blob[0] != FACTORY_ACCOUNT}


def _blobs(world: Json) -> dict[tuple[str, str], Json]:
    return {(account, blob["name"]): blob for (account, container), blob in all_blobs(world) if container == VHDS}


def _of_disk(source: str) -> str:
    return "disk " + source.rpartition("/")[2].lower()


def _captured(manifest: Json) -> Captured:
    return Captured(*(manifest.get(key) or "" for key in ("imagePath", "imageName", "description", "osType")))
