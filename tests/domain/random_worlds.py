"""Random factories: golden VMs and images, labs and what they ask for and have, everything that the plans look at."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from shared.domain.distribution import LabStock
from shared.domain.golden_vms import GoldenVm
from shared.domain.images import CustomImage, GoldenImage, ImageState, OsType
from shared.domain.labs import Lab, LabId, LabRequest
from shared.domain.matching import parse_entry
from shared.domain.outcomes import Ending, Outcome
from shared.domain.selection import Selection, Stage
from tests.domain.machines import vm
from tests.domain.test_distribution_plan import FACTORY_LAB, GIB, SUB

FACTORY = "factory"
PATHS = ("Win\\Server.json", "Win\\Client.json", "Linux\\Ubuntu.json", "Linux\\Debian.json", "Mac.json")
ENTRIES = ("Win", "Linux/", "Win/Server", "linux\\ubuntu.json", "Mac", "Lin", "Win/Ser", "Solaris", "Mac/")
DAY = datetime(2026, 11, 1, 2, tzinfo=UTC)
PROBLEM = Outcome(Ending.FAILED, "LabNotFound", "There is no such lab.", "Correct it.")


@dataclass(frozen=True)
class RandomWorld:
    vms: tuple[GoldenVm, ...]
    images: tuple[GoldenImage, ...]
    labs: tuple[tuple[LabRequest, LabStock], ...]
    definitions: tuple[str, ...] | None
    versions: int
    selection: Selection


def golden_images() -> st.SearchStrategy[tuple[GoldenImage, ...]]:
    one = st.builds(
        lambda path, name, day, size, os, digest: GoldenImage(
            name, path, os, f"{name}-{day}.vhd", DAY + timedelta(days=day), size_bytes=size, digest=digest
        ),
        st.sampled_from(PATHS),
        st.sampled_from(["one", "two", "three", "a name", "ONE"]),
        st.integers(0, 5),
        st.sampled_from([GIB, 3 * GIB, None]),
        st.sampled_from([OsType.WINDOWS, OsType.LINUX, OsType.UNKNOWN]),
        st.sampled_from(["", "d1", "d2"]),
    )
    # Of one path each version has its own name; two paths may share one.
    return st.lists(one, max_size=6, unique_by=lambda image: (image.image_path, image.name.lower())).map(
        lambda made: tuple(replace(image, manifest=f"{index}.json") for index, image in enumerate(made))
    )


def golden_vms() -> st.SearchStrategy[tuple[GoldenVm, ...]]:
    one = st.builds(
        lambda path, power, ignored: vm("vm", path, power_state=power, ignored=ignored),
        st.sampled_from([*PATHS, None, "Win/.."]),
        st.sampled_from(["deallocated", "deallocated", "running"]),
        st.booleans(),
    )
    return st.lists(one, max_size=4).map(
        lambda made: tuple(
            vm(f"vm-{index}", each.image_path, power_state=each.power_state, ignored=each.ignored)
            for index, each in enumerate(made)
        )
    )


def custom_images() -> st.SearchStrategy[tuple[CustomImage, ...]]:
    one = st.builds(
        CustomImage,
        st.sampled_from(["one", "two", "three", "Two", "Win_Server-Nov-23-2026", "else"]),
        st.sampled_from([*ImageState, ImageState.SUCCEEDED]),
        st.sampled_from([*PATHS, ""]),
        st.sampled_from([FACTORY, "", "other"]),
        st.just("20260101T000000Z-0000"),
        st.sampled_from(["", "d1", "d2"]),
    )
    return st.lists(one, max_size=3, unique_by=lambda image: image.name.lower()).map(tuple)


def labs() -> st.SearchStrategy[tuple[tuple[LabRequest, LabStock], ...]]:
    entries = st.lists(st.sampled_from(ENTRIES), max_size=4).map(lambda texts: tuple(map(parse_entry, texts)))

    def made(parts: list[tuple[tuple[object, ...], tuple[CustomImage, ...], str]]) -> object:
        found: list[tuple[LabRequest, LabStock]] = []
        for index, (asked, images, kind) in enumerate(parts):
            name = f"lab-{index}"
            lab = Lab(LabId(SUB, "rg", name), FACTORY_LAB.account if kind == "beside" else f"lab{index}storage")
            stock = LabStock(problem=PROBLEM) if kind == "gone" else LabStock(lab, images)
            found.append((LabRequest(SUB, name, asked, path=f"$.Labs[{index}]"), stock))  # pyright: ignore
        return tuple(found)

    kinds = st.sampled_from(["there", "there", "there", "gone", "beside"])
    return st.lists(st.tuples(entries, custom_images(), kinds), max_size=4).map(made)  # pyright: ignore


def selections() -> st.SearchStrategy[Selection]:
    return st.builds(
        Selection,
        st.sampled_from([(), (), ("lab-0",), ("LAB-1", "lab-2")]),
        st.sampled_from([(), (), ("Win",), ("Linux/Ubuntu", "Mac")]),
        st.sampled_from([(), (), (Stage.CAPTURE,), (Stage.DISTRIBUTE,)]),
    )


def random_worlds() -> st.SearchStrategy[RandomWorld]:
    definitions = st.none() | st.lists(st.sampled_from(PATHS), unique=True).map(tuple)
    return st.builds(RandomWorld, golden_vms(), golden_images(), labs(), definitions, st.integers(1, 3), selections())
