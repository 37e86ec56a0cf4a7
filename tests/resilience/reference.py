"""The reference world: two golden VMs ready to be captured and one image of the original's, for five labs."""

from local.azure.resources import Json
from tests.e2e.worlds import World, asks, labs_json

LABS = tuple(f"lab-{number}" for number in range(1, 6))
WINDOWS, LINUX, LEGACY = "Win2022\\Datacenter.json", "Linux\\Ubuntu.json", "Legacy\\Office.json"
LEGACY_NAME = "Legacy_Office-Nov-1-2026"


def reference_world() -> Json:
    world = World().behaving(copySeconds=600, imageSeconds=300)
    for lab in LABS:
        world.lab(lab)
    world.golden_image(LEGACY, LEGACY_NAME, 1)
    world.vm("vm-windows", WINDOWS)
    world.vm("vm-linux", LINUX, os_type="Linux", artifact="linux-deprovision")
    return world.document


def reference_configuration() -> dict[str, bytes]:
    entries = [asks(lab, "Win2022", "Linux", "Legacy") for lab in LABS]
    names = [path.replace("\\", "/") for path in (WINDOWS, LINUX, LEGACY)]
    return {f"GoldenImages/{name}": b"{}" for name in names} | {"labs.json": labs_json(*entries)}
