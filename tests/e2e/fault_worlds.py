"""One rich world for the faults of the original's distribution, and the labs.json that asks for all of them at once."""

from tests.e2e.worlds import OTHER, SUBSCRIPTION, World, asks, labs_json

DEAD = "dddd0000-0000-0000-0000-00000000000d"
"""A subscription that is not there."""
DENIED = "eeee0000-0000-0000-0000-00000000000e"
"""A subscription to which the app has no access."""

DATACENTER, DATACENTER_OLD = "Win2016_Datacenter-Nov-2-2026", "Win2016_Datacenter-Nov-1-2026"
CORE, UBUNTU, BILD = "Win2016Core_x-Nov-3-2026", "Linux_Ubuntu-Nov-4-2026", "Uml_Bild-Nov-9-2026"
SAME = "Same-Nov-5-2026"
BROKEN = ("00000000-broken.json", "00000004-broken.json", "ffffffff-broken.json")
FOREIGN = "foreign.vhd"
FOREIGN_COPY = "20260101T000000Z-abcd-0123456789abcdef.vhd"

PATHS = {
    "Win2016/Datacenter.json", "Win2016Core/x.json", "Linux/Ubuntu.json", "A/Same.json", "B/Same.json", "Gone/Vhd.json",
    "Üml/Bild.json", "Fails/Copy.json", "Fails/Image.json", "Time/Stamp.json", "Time/None.json", "Bad/Name.json",
    "Never/Wanted.json",
}  # fmt: skip


def vhd_of(number: int) -> str:
    return f"{number:08}-0000-4000-8000-000000000001.vhd"


def distribution() -> World:
    world = World().behaving(copySeconds=0, imageSeconds=0)
    _golden_images(world)
    _labs(world)
    _images_in_labs(world)
    for account in ("stlabgood", "stlabfails", "stlabtwice"):
        world.blob(account, FOREIGN, vhd={"sizeGb": 1, "seed": "foreign"})
        world.blob(account, FOREIGN_COPY, vhd={"sizeGb": 1, "seed": "theirs"}, metadata=mark("another-factory"))
    return world


def mark(factory: str) -> dict[str, str]:
    """What a copy carries in its metadata while a run of that factory makes it."""
    return {"factory": factory, "run": "20260101T000000Z-abcd", "kind": "copy"}


def _golden_images(world: World) -> None:
    world.golden_image("Win2016\\Datacenter.json", DATACENTER_OLD, 1)
    world.golden_image("Win2016\\Datacenter.json", DATACENTER, 2)
    world.golden_image("Win2016Core\\x.json", CORE, 3)
    world.golden_image("Linux/Ubuntu.json", UBUNTU, 4, osType="linux", osState="Specialized")
    world.golden_image("A\\Same.json", SAME, 5)
    world.golden_image("B\\Same.json", SAME, 6)
    world.golden_image("Gone\\Vhd.json", "Gone_Vhd-Nov-7-2026", 7, vhdFileName="gone.vhd")
    world.golden_image("Üml\\Bild.json", BILD, 9)
    world.golden_image("Fails\\Copy.json", "Fails_Copy-Nov-10-2026", 10)
    world.golden_image("Fails\\Image.json", "Fails_Image-Nov-11-2026", 11)
    # 3 August or 8 March? Day first, as its name says: the newest of the three.
    world.golden_image("Time\\Stamp.json", "Time_Stamp-Aug-3-2018", 12, timestamp="03/08/2018 13:14:33")
    world.golden_image("Time\\Stamp.json", "Time_Stamp-Jul-24-2018", 13, timestamp="7/24/2018 1:14:33 PM")
    world.golden_image("Time\\Stamp.json", "Time_Stamp-Jul-25-2018", 14, timestamp="25.07.2018 13:14:33")
    world.golden_image("Time\\None.json", "Time_None-Nov-15-2026", 15, timestamp="yesterday")
    world.golden_image("Bad\\Name.json", "Bad_Name-Nov-16-2026[", 16)
    for name, text in zip(BROKEN, ("", '{"imageName": "x"', "no manifest"), strict=True):
        world.blob("stfactory", name, text=text)
        world.blob("stfactory", name.replace(".json", ".vhd"), vhd={"sizeGb": 1, "seed": name})


def _labs(world: World) -> None:
    world.lab("lab-good", rg="rg-shared").lab("lab-neighbour", rg="rg-shared")
    world.lab("lab-spelled", location="West Europe").lab("lab-north", subscription=OTHER, location="northeurope")
    world.lab("lab-elsewhere").storage["stlabelsewhere"]["rg"] = "rg-of-accounts"
    world.lab("lab-fails").lab("lab-case").lab("lab-text").lab("lab-keyless").lab("lab-twice").lab("lab-stock")
    for name in ("lab-twin", "lab-double"):
        for group in ("one", "two"):
            world.lab(name, rg=f"rg-{group}", storage=f"st{name[4:]}{group}")
    world.lab("my-factory", subscription=OTHER).denied(DENIED).lab("lab-denied", subscription=DENIED)
    world.behaving(
        copy={f"stlabfails/{vhd_of(10)}": {"statuses": ["Pending", "Failed"], "seconds": 1}},
        deploy={"lab-fails/Fails_Image-Nov-11-2026": {"state": "Failed", "code": "DiskFull", "message": "No room."}},
    )


def _images_in_labs(world: World) -> None:
    """What is in the labs before: present, conflicts, and users' own images, which stay as they are."""
    world.image("lab-case", DATACENTER.upper(), ImagePath="win2016/datacenter.json")
    world.image("lab-stock", DATACENTER, ImagePath="Another\\Path.json")
    world.image("lab-stock", CORE, state="Failed", ImagePath="Win2016Core\\x.json")
    world.image("lab-stock", "of-a-user").image("lab-stock", "tagged", ImagePath="Win2016\\Datacenter.json")
    world.image("my-factory", DATACENTER_OLD, subscription=OTHER, ImagePath="Win2016\\Datacenter.json")


def labs() -> bytes:
    """Every fault at once, the missing and ambiguous labs first, in the middle and last."""
    everything = ("Win2016", "Linux/Ubuntu.json")
    keyless = {"SubscriptionId": SUBSCRIPTION, "LabName": "lab-keyless"}
    return labs_json(
        asks("lab-none-1", "Win2016"),
        asks("lab-twin", "Win2016"),
        asks("FACTORY", "win2016/DATACENTER.json"),
        asks("lab-good", *everything, "A", "B", "Gone", "Üml/Bild.json", "Time", "Bad"),
        asks("lab-good", "Win2016", subscription=DEAD),
        asks("lab-neighbour", "Win2016/"),
        asks("lab-none-2", "Win2016"),
        asks("lab-spelled", "Win2016"),
        asks("lab-north", "Win2016", subscription=OTHER.upper()),
        asks("lab-elsewhere", "Win2016"),
        asks("lab-fails", "Fails", "Win2016"),
        asks("LAB-CASE", "win2016/DATACENTER.json", "/Linux", *entries_that_take_nothing()),
        {**asks("lab-text"), "ImagePaths": "Win2016"},
        keyless,
        asks("lab-twice", "Win2016"),
        asks("LAB-Twice", "Linux"),
        asks("lab-double", "Win2016", ResourceGroup="rg-one"),
        asks("lab-double", "Linux", ResourceGroup="RG-TWO"),
        asks("lab-stock", "Win2016", "Win2016Core"),
        asks("lab-denied", "Win2016", subscription=DENIED),
        asks("lab-twin", "Win2016", subscription=OTHER),
        asks("lab-none-3", "Win2016", subscription=OTHER),
    )


def entries_that_take_nothing() -> dict[str, str]:
    """Entries with the code of their finding (B3, X10, X11)."""
    return {
        "": "EntryEmpty",
        " ": "EntryEmpty",
        "/": "EntryEmpty",
        "Win2016//Datacenter.json": "EntryDoubledSeparator",
        "Win2016/../Win2016Core": "EntryDots",
        "./Win2016": "EntryDots",
        "C:\\Win2016": "EntryDrive",
        "https://example.com/Win2016": "EntryUrl",
        "Win201": "EntryMatchesNothing",
        "Win2016/D": "EntryMatchesNothing",
        "Win2016/Datacenter.json/": "EntryMatchesNothing",
        " Win2016": "EntryMatchesNothing",
        "Win2016*": "EntryMatchesNothing",
        "Win2016/\u00adDatacenter.json": "EntryInvisible",
        "Win2016\u0000": "EntryInvisible",
    }


def configuration() -> dict[str, bytes]:
    return {"labs.json": labs(), **{f"GoldenImages/{path}": b"{}" for path in PATHS}}
