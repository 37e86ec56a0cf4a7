"""Which image goes to which lab, each rule named after the fault that it keeps away (`original-factory.md` section 3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.distribution import DistributionPlan, LabStock, Order, newest_versions, pair_key, plan_distribution
from shared.domain.images import CustomImage, GoldenImage, OsType
from shared.domain.labs import Lab, LabId, LabRequest
from shared.domain.matching import parse_entry
from shared.domain.outcomes import Ending, Outcome

SUB, OTHER_SUB = "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f", "0a1b2c3d-0000-4000-8000-000000000000"
DAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
FACTORY_LAB = Lab(LabId(SUB, "rg-factory", "factory"), "factorystorage")
ORDER = Order("20261123T020509Z-3fa2", "myfactory", FACTORY_LAB, versions=1, configuration="sha")
GIB = 2**30


def image(path: str = "Win2016\\Datacenter.json", day: int = 0, **changes: Any) -> GoldenImage:
    stem = path.removesuffix(".json").replace("\\", "_").replace("/", "_").replace(".", "_").replace(" ", "-")
    name = f"{stem}-{day}"
    made = GoldenImage(
        name=name,
        image_path=path,
        os_type=OsType.WINDOWS,
        vhd=f"{name}.vhd",
        built=DAY + timedelta(days=day),
        digest=f"digest of {name}",
        size_bytes=GIB,
        manifest=f"{name}.json",
    )
    return replace(made, **changes)


def lab(name: str = "lab", *images: CustomImage, sub: str = SUB, group: str = "rg", account: str = "") -> LabStock:
    return LabStock(Lab(LabId(sub, group, name), account or f"{name.lower()}storage"), images)


def wants(*entries: str, name: str = "lab", sub: str = SUB, group: str = "") -> LabRequest:
    return LabRequest(sub, name, tuple(parse_entry(entry) for entry in entries), group)


def custom(of: GoldenImage, state: str = "Succeeded", **changes: Any) -> CustomImage:
    """The custom image of a golden image as this factory makes it."""
    return replace(CustomImage(of.name, state, of.image_path, "myfactory", "run", of.digest), **changes)


def plan(
    *labs: tuple[LabRequest, LabStock],
    images: tuple[GoldenImage, ...] = (),
    definitions: tuple[str, ...] | None = None,
    **order: Any,
) -> DistributionPlan:
    return plan_distribution(replace(ORDER, **order), labs, images, definitions)


def delivered(planned: DistributionPlan) -> list[tuple[str, str]]:
    return sorted((delivery.lab.id.name, delivery.image.name) for delivery in planned.deliveries)


def ending(planned: DistributionPlan) -> tuple[Ending, str] | None:
    """How the only pair of a plan ends, None when it is to be delivered."""
    [pair] = planned.pairs
    return (pair.outcome.state, pair.outcome.code) if pair.outcome else None


# --- Who gets what


def test_a_lab_gets_the_images_it_asks_for_and_no_others() -> None:
    images = (image("Win2016\\Datacenter.json"), image("Linux\\Ubuntu.json"), image("Linux\\Debian.json"))
    planned = plan((wants("Linux"), lab()), images=images)
    assert delivered(planned) == [("lab", "Linux_Debian-0"), ("lab", "Linux_Ubuntu-0")]


@pytest.mark.parametrize("entry", ["win2016/DATACENTER.json", "WIN2016\\datacenter", "/Win2016", "win2016/"])
def test_b4_an_entry_in_other_case_or_with_other_separators_gets_the_image(entry: str) -> None:
    assert delivered(plan((wants(entry), lab()), images=(image(),))) == [("lab", "Win2016_Datacenter-0")]


@pytest.mark.parametrize("entry", ["Win", "Win2016/D", "Win2016/Datacenter.json/"])
def test_b3_an_entry_that_ends_inside_a_segment_gets_nothing(entry: str) -> None:
    planned = plan((wants(entry), lab()), images=(image(),))
    assert planned.deliveries == ()
    assert ending(planned) == (Ending.SKIPPED, "NoGoldenImage")


def test_b3_a_folder_does_not_take_a_longer_folder() -> None:
    planned = plan((wants("Win2016"), lab()), images=(image("Win2016Core\\x.json"), image()))
    assert delivered(planned) == [("lab", "Win2016_Datacenter-0")]


def test_two_entries_that_take_the_same_image_make_one_pair() -> None:
    planned = plan((wants("Win2016", "Win2016/Datacenter.json"), lab()), images=(image(),))
    assert len(planned.pairs) == len(planned.deliveries) == 1


def test_what_is_wanted_and_has_no_golden_image_is_said_and_no_failure() -> None:
    planned = plan((wants("Linux/Ubuntu.json"), lab()), definitions=("Linux/Ubuntu.json",))
    assert ending(planned) == (Ending.SKIPPED, "NoGoldenImage")
    assert planned.pairs[0].image_path == "Linux\\Ubuntu.json"


def test_a_folder_stands_for_each_definition_below_it_with_or_without_a_golden_image() -> None:
    planned = plan(
        (wants("Linux"), lab()),
        images=(image("linux\\UBUNTU.json"),),
        definitions=("Linux/Ubuntu.json", "Linux/Debian.json"),
    )
    assert [(pair.image_path, pair.outcome is None) for pair in planned.pairs] == [
        ("Linux\\Debian.json", False),
        ("linux\\UBUNTU.json", True),
    ]


def test_an_image_whose_definition_is_gone_is_still_delivered_to_who_asks_for_it() -> None:
    assert delivered(plan((wants("Win2016"), lab()), images=(image(),), definitions=())) == [
        ("lab", "Win2016_Datacenter-0")
    ]


# --- Versions


def test_b30_only_the_newest_versions_are_delivered() -> None:
    versions = tuple(image(day=day) for day in (2, 4, 0, 3, 1))
    request = (wants("Win2016"), lab())
    assert delivered(plan(request, images=versions)) == [("lab", "Win2016_Datacenter-4")]
    assert delivered(plan(request, images=versions, versions=2)) == [
        ("lab", "Win2016_Datacenter-3"),
        ("lab", "Win2016_Datacenter-4"),
    ]


def test_versions_of_a_path_in_other_spellings_are_versions_of_one_image() -> None:
    spellings = (
        image("Win2016\\Datacenter.json", 1),
        image("win2016/DATACENTER", 2),
        image("WIN2016\\datacenter.json", 0),
    )
    assert [[each.built for each in found] for found in newest_versions(spellings, 9).values()] == [
        [DAY + timedelta(days=2), DAY + timedelta(days=1), DAY]
    ]


# --- What is there already (B31, W4, X19)


def test_an_image_that_is_there_is_present_and_nothing_is_done() -> None:
    assert ending(plan((wants("Win2016"), lab("lab", custom(image()))), images=(image(),))) == (Ending.PRESENT, "")


def test_an_image_that_the_original_factory_made_counts_as_present() -> None:
    """It has no digest and no owner: the path decides (X19)."""
    old = custom(image(), factory="", run="", digest="", name="WIN2016_datacenter-0", image_path="win2016/Datacenter")
    assert ending(plan((wants("Win2016"), lab("lab", old)), images=(image(),))) == (Ending.PRESENT, "")


@pytest.mark.parametrize("other", [{"image_path": "Linux\\Ubuntu.json"}, {"image_path": ""}, {"digest": "another"}])
def test_x19_an_image_of_that_name_with_another_path_or_digest_is_a_conflict(other: dict[str, str]) -> None:
    planned = plan((wants("Win2016"), lab("lab", custom(image(), **other))), images=(image(),))
    assert ending(planned) == (Ending.FAILED, "ImageConflict")


def test_b31_a_failed_image_of_ours_is_made_again() -> None:
    planned = plan((wants("Win2016"), lab("lab", custom(image(), "Failed"))), images=(image(),))
    [delivery] = planned.deliveries
    assert (delivery.repair, delivery.adopt) == (True, False)


@pytest.mark.parametrize("factory", ["", "another"])
def test_b31_a_failed_image_of_somebody_else_is_untouched_and_reported(factory: str) -> None:
    planned = plan((wants("Win2016"), lab("lab", custom(image(), "Failed", factory=factory))), images=(image(),))
    assert ending(planned) == (Ending.FAILED, "ImageConflict")


def test_an_image_of_ours_that_is_still_being_made_is_waited_for_without_a_copy() -> None:
    planned = plan((wants("Win2016"), lab("lab", custom(image(), "Creating"))), images=(image(),))
    [delivery] = planned.deliveries
    assert (delivery.repair, delivery.adopt) == (False, True)


@pytest.mark.parametrize(
    ("state", "factory"), [("Creating", "another"), ("Deleting", "myfactory"), ("Updating", "myfactory")]
)
def test_an_image_that_somebody_else_is_busy_with_is_left_alone(state: str, factory: str) -> None:
    planned = plan((wants("Win2016"), lab("lab", custom(image(), state, factory=factory))), images=(image(),))
    assert ending(planned) == (Ending.FAILED, "ImageBusy")


def test_w4_a_name_that_two_versions_have_is_made_once_from_the_newer_one() -> None:
    older, newer = image(day=1, name="Same"), image(day=2, name="SAME")
    planned = plan((wants("Win2016"), lab()), images=(older, newer), versions=2)
    assert [delivery.image for delivery in planned.deliveries] == [newer]
    [conflict] = [pair for pair in planned.pairs if pair.outcome]
    assert conflict.outcome
    assert (conflict.outcome.state, conflict.outcome.code) == (Ending.FAILED, "ImageNameTwice")


def test_w4_a_name_that_two_paths_have_is_made_once_per_lab() -> None:
    first, second = image("A\\x.json", 1, name="Same"), image("B\\x.json", 2, name="Same")
    planned = plan((wants("A", "B"), lab()), images=(first, second))
    assert [delivery.image for delivery in planned.deliveries] == [second]
    alone = plan((wants("A"), lab()), images=(first, second))
    assert [delivery.image for delivery in alone.deliveries] == [first], "who asks for one only has no conflict"


# --- Images that cannot be delivered


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size_bytes": None}, "VhdMissing"),
        ({"name": "Win2016/D-Nov-1-2018"}, "ImageNameInvalid"),
        ({"name": "n" * 81}, "ImageNameInvalid"),
        ({"os_type": OsType.UNKNOWN}, "OsTypeUnknown"),
    ],
)
def test_b43_an_image_that_cannot_be_delivered_has_its_own_code_and_next_step(
    changes: dict[str, Any], code: str
) -> None:
    planned = plan((wants("Win2016"), lab()), images=(image(**changes),))
    assert planned.deliveries == ()
    assert ending(planned) == (Ending.FAILED, code)
    assert planned.pairs[0].outcome
    assert planned.pairs[0].outcome.next


def test_b43_an_image_whose_vhd_is_gone_is_no_failure_where_it_is_present() -> None:
    gone = image(size_bytes=None)
    assert ending(plan((wants("Win2016"), lab("lab", custom(gone))), images=(gone,))) == (Ending.PRESENT, "")


# --- Labs


def test_x4_a_lab_that_is_not_found_fails_alone_and_nothing_goes_to_another_in_its_place() -> None:
    missing = LabStock(problem=Outcome(Ending.FAILED, "LabNotFound", "There is no such lab.", "Correct it."))
    for position in range(3):
        labs = [(wants("Win2016", name=name), lab(name)) for name in ("a", "b")]
        labs.insert(position, (wants("Win2016", "Linux", name="c"), missing))
        planned = plan(*labs, images=(image(),))
        assert [name for name, _ in delivered(planned)] == ["a", "b"]
        of_missing = [pair.outcome for pair in planned.pairs if pair.lab == "c"]
        assert of_missing == [missing.problem, missing.problem], "one for the image, one for the entry without one"


def test_b6_two_labs_of_one_name_in_two_groups_are_two_labs() -> None:
    labs = [(wants("Win2016", group=group), lab("lab", group=group, account=f"store{group}")) for group in ("a", "b")]
    planned = plan(*labs, images=(image(),))
    assert [delivery.lab.account for delivery in planned.deliveries] == ["storea", "storeb"]
    assert len({delivery.key for delivery in planned.deliveries}) == 2
    assert len({delivery.vhd for delivery in planned.deliveries}) == 2


def test_x29_a_pair_is_the_same_pair_in_whatever_case() -> None:
    assert pair_key(SUB, "Lab", "RG", "Image") == pair_key(SUB.upper(), "LAB", "rg", "IMAGE")
    assert pair_key("a", "bc", "d", "e") != pair_key("a", "b", "cd", "e")


@pytest.mark.parametrize(
    "stock",
    [
        lab("FACTORY", group="RG-Factory", account="factorystorage"),
        lab("other", account="FactoryStorage"),
    ],
)
def test_b41_a_lab_that_owns_the_golden_vhds_gets_its_image_straight_from_them(stock: LabStock) -> None:
    planned = plan((wants("Win2016", name="factory"), stock), (wants("Win2016"), lab()), images=(image(),))
    direct = {delivery.lab.account.lower(): delivery for delivery in planned.deliveries}
    assert direct["factorystorage"].direct
    assert direct["factorystorage"].vhd == image().vhd
    assert not direct["labstorage"].direct
    assert direct["labstorage"].vhd != image().vhd


def test_a_copys_name_holds_its_run_and_its_pair() -> None:
    [delivery] = plan((wants("Win2016"), lab()), images=(image(),)).deliveries
    assert delivery.vhd == f"{ORDER.run}-{delivery.key}.vhd"
    assert replace(delivery, run="20261124T020000Z-0000").vhd != delivery.vhd


# --- Order


def test_the_largest_images_go_first() -> None:
    images = tuple(image(f"P\\{size}.json", size_bytes=size * GIB) for size in (2, 9, 4))
    planned = plan((wants("P", name="a"), lab("a")), (wants("P", name="b"), lab("b")), images=images)
    sizes = [(delivery.image.size_bytes or 0) // GIB for delivery in planned.deliveries]
    assert sizes == [9, 9, 4, 4, 2, 2]


def test_pairs_stand_in_order_of_subscription_lab_and_path() -> None:
    planned = plan(
        (wants("B", "A", name="z"), lab("z")),
        (wants("A", name="Y"), lab("Y")),
        (wants("A", name="x", sub=OTHER_SUB), lab("x", sub=OTHER_SUB)),
        images=(image("A\\i.json"), image("B\\i.json")),
    )
    assert [(pair.lab, pair.image_path) for pair in planned.pairs] == [
        ("x", "A\\i.json"),
        ("Y", "A\\i.json"),
        ("z", "A\\i.json"),
        ("z", "B\\i.json"),
    ]


@given(data=st.data(), versions=st.integers(1, 3))
def test_x8_labs_and_images_in_any_order_give_the_same_plan(data: st.DataObject, versions: int) -> None:
    images = [
        image("A\\x.json", 1),
        image("A\\x.json", 1, manifest="tie.json", vhd="tie.vhd"),
        image("A\\x.json", 2, size_bytes=5 * GIB),
        image("a/X", 3),
        image("B\\x.json", 2, name="A_x-2"),
        image("B\\y.json", 0, size_bytes=None),
        image("B\\y z.json", 0, name="y z"),
    ]
    labs = [
        (wants("A", name="one"), lab("one")),
        (wants("A/x.json", "B", name="ONE", sub=OTHER_SUB), lab("one", custom(images[2]), sub=OTHER_SUB)),
        (wants("B", "C", name="two", group="g1"), lab("two", group="g1")),
        (wants("B", name="two", group="g2"), lab("two", custom(images[4], "Failed"), group="g2")),
        (wants("A", "B", name="gone"), LabStock(problem=Outcome(Ending.FAILED, "LabNotFound"))),
        (wants("A", name="factory"), lab("factory", group="rg-factory", account="factorystorage")),
    ]
    definitions = ["A/x.json", "B/y.json", "C/c.json"]

    def planned(labs: Any, images: Any, definitions: Any) -> DistributionPlan:
        return plan(*labs, images=tuple(images), definitions=tuple(definitions), versions=versions)

    shuffled = [data.draw(st.permutations(each)) for each in (labs, images, definitions)]
    assert planned(*shuffled) == planned(labs, images, definitions)


# --- What a plan promises


def test_every_pair_without_an_outcome_is_exactly_one_delivery() -> None:
    images = (image(), image("Linux\\Ubuntu.json"), image("Linux\\Debian.json", size_bytes=None))
    planned = plan(
        (wants("Win2016", "Linux", name="a"), lab("a")),
        (wants("Linux", name="b"), lab("b", custom(images[1]))),
        images=images,
    )
    open_keys = [pair.key for pair in planned.pairs if pair.outcome is None]
    assert sorted(open_keys) == sorted(delivery.key for delivery in planned.deliveries)
    assert len(set(open_keys)) == len(open_keys) == 2


def test_no_lab_or_no_image_gives_an_empty_plan() -> None:
    assert plan(images=(image(),)) == DistributionPlan()
    assert plan((wants(), lab()), images=(image(),)) == DistributionPlan()
