"""The reference world, for five labs: a golden VM to capture, one to generalize first, an image of the original's."""

import hashlib

from local.azure.resources import Json
from local.azure.vhd import seeded_digest, vhd_length
from shared.domain.labs import LabId
from tests.e2e.worlds import FACTORY_LAB, World, asks, labs_json

WINDOWS, LINUX, LEGACY = "Win2022\\Datacenter.json", "Linux\\Ubuntu.json", "Legacy\\Office.json"
WANTS = {
    "lab-1": ("Win2022", "Linux"),
    "lab-2": ("Win2022", "Linux/Ubuntu.json"),
    "lab-3": ("Win2022", "Legacy"),
    "lab-4": ("Win2022", "Linux"),
    "lab-5": ("Win2022/Datacenter.json", "Legacy"),
}
"""What each lab asks for: two images for each of five labs."""

LEGACY_NAME = "Legacy_Office-Nov-1-2026"


FACTORY = hashlib.sha256(LabId.parse(FACTORY_LAB).key.encode()).hexdigest()[:12]
DEAD_RUN = "20261101T020000Z-dead"


def reference_world() -> Json:
    return reference().document


def reference() -> World:
    """Beside the work there is what a dead run left, and what is not ours: unmarked, or marked by another factory."""
    world = World().behaving(copySeconds=60, imageSeconds=10)
    for lab in WANTS:
        world.lab(lab)
    world.golden_image(LEGACY, LEGACY_NAME, 1)
    world.vm("vm-windows", WINDOWS)
    world.vm("vm-linux", LINUX, "VM running", "Linux", artifact=None, tags={"FactoryGeneralize": "yes"})
    world.image("lab-4", "Win2022_Datacenter-Oct-1-2026", ImagePath=WINDOWS)
    world.image("lab-1", "somebody-elses")
    leftover = {"factory": FACTORY, "run": DEAD_RUN, "kind": "copy"}
    world.blob("stlab3", "dead.vhd", vhd={"sizeGb": 1, "seed": "dead"}, metadata=leftover)
    world.blob("stlab2", "others.vhd", vhd={"sizeGb": 1, "seed": "o"}, metadata={**leftover, "factory": "ffffffffffff"})
    world.blob("stlab1", "unmarked.vhd", vhd={"sizeGb": 1, "seed": "u"})
    return world.blob("stfactory", "unmarked.vhd", vhd={"sizeGb": 1, "seed": "f"})


def reference_configuration() -> dict[str, bytes]:
    entries = [asks(lab, *paths) for lab, paths in WANTS.items()]
    names = [path.replace("\\", "/") for path in (WINDOWS, LINUX, LEGACY)]
    return {f"GoldenImages/{name}": b"{}" for name in names} | {"labs.json": labs_json(*entries)}


def expected_pairs() -> frozenset[tuple[str, str]]:
    """Every (lab, image path) that a run of the reference world must report."""
    paths = {"win2022": WINDOWS, "linux": LINUX, "legacy": LEGACY}
    return frozenset((lab, paths[entry.lower().partition("/")[0]]) for lab, asked in WANTS.items() for entry in asked)


def digests() -> dict[str, str]:
    """What an image of each path must hold, down to the last byte."""
    return {WINDOWS: content("vm-windows"), LINUX: content("vm-linux"), LEGACY: content(legacy(1))}


def content(seed: str) -> str:
    """The digest of a disk of one gigabyte."""
    return seeded_digest(seed, vhd_length(1))


def legacy(number: int) -> str:
    """The name of the VHD of an image that the original left, and what it is made from."""
    return f"{number:08}-0000-4000-8000-000000000001"
