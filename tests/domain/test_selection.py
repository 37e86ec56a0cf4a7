"""What a part of the job is: which labs, images, stages and pairs are left."""

from dataclasses import replace

import pytest

from shared.domain.capture import GoldenVm
from shared.domain.distribution import DistributionPlan
from shared.domain.findings import Finding, Severity
from shared.domain.labs import LabRequest
from shared.domain.selection import (
    WHOLE,
    PairName,
    Selection,
    Stage,
    check,
    findings_for,
    selected_pairs,
    selected_vms,
)
from tests.domain.test_distribution_plan import SUB, image, lab, plan, wants

RUN = "20261123T020509Z-3fa2"
SERVER, CLIENT = image("Win\\Server.json"), image("Win\\Client.json")


def the_plan() -> DistributionPlan:
    """lab-a: Server and Client; lab-b: Server and something that nobody has."""
    return plan(
        (wants("Win", name="lab-a"), lab("lab-a")),
        (wants("Win/Server", "Mac", name="lab-b"), lab("lab-b")),
        images=(SERVER, CLIENT),
    )


def pairs(found: DistributionPlan) -> set[tuple[str, str]]:
    return {(pair.lab, pair.image_path) for pair in found.pairs}


def test_the_whole_job_is_left_as_it_is() -> None:
    assert WHOLE.is_whole
    assert Selection(stages=(Stage.DISTRIBUTE, Stage.CAPTURE)).is_whole
    assert selected_pairs(the_plan(), WHOLE) == the_plan()


@pytest.mark.parametrize(
    "part",
    [
        Selection(labs=("a",)),
        Selection(images=("Win",)),
        Selection(stages=(Stage.CAPTURE,)),
        Selection(stages=(Stage.DISTRIBUTE,)),
        Selection(retry_failed_of=RUN),
    ],
)
def test_any_restriction_makes_it_a_part(part: Selection) -> None:
    assert not part.is_whole


@pytest.mark.parametrize(
    ("stages", "captures", "distributes"),
    [((), True, True), (("capture",), True, False), (("distribute",), False, True)],
)
def test_stages_are_those_that_are_named(stages: tuple[str, ...], captures: bool, distributes: bool) -> None:
    part = Selection(stages=tuple(map(Stage, stages)))
    assert (part.captures, part.distributes) == (captures, distributes)


def test_a_retry_captures_nothing() -> None:
    assert not Selection(retry_failed_of=RUN).captures
    assert Selection(retry_failed_of=RUN).distributes


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("lab-a", True),
        ("LAB-A", True),
        (f"{SUB}/lab-a", True),
        (f"{SUB.upper()}/LAB-A", True),
        ("lab", False),
        ("lab-ab", False),
        ("other/lab-a", False),
    ],
)
def test_a_lab_is_named_by_its_name_or_with_its_subscription_whatever_the_case(text: str, asked: bool) -> None:
    assert Selection(labs=("something", text)).asks_for_lab(SUB, "lab-a") is asked


def test_images_are_taken_by_the_one_matcher() -> None:
    part = selected_pairs(the_plan(), Selection(images=("win/SERVER",)))
    assert pairs(part) == {("lab-a", "Win\\Server.json"), ("lab-b", "Win\\Server.json")}
    assert {d.image for d in part.deliveries} == {SERVER}
    assert not pairs(selected_pairs(the_plan(), Selection(images=("Win/Serv",))))


def test_deliveries_are_left_in_the_order_of_the_plan() -> None:
    whole, part = the_plan(), selected_pairs(the_plan(), Selection(images=("Win",)))
    assert [d for d in whole.deliveries if d in part.deliveries] == list(part.deliveries)
    assert {pair.key for pair in part.pairs if pair.outcome is None} == {d.key for d in part.deliveries}


def test_a_retry_leaves_the_pairs_that_failed_whatever_their_version_is_now() -> None:
    failed = PairName(SUB.upper(), "LAB-A", "win/client")
    part = selected_pairs(the_plan(), Selection(retry_failed_of=RUN, pairs=(failed,)))
    assert pairs(part) == {("lab-a", "Win\\Client.json")}
    assert Selection(retry_failed_of=RUN, pairs=(failed,)).asks_for_lab(SUB, "lab-a")
    assert not Selection(retry_failed_of=RUN, pairs=(failed,)).asks_for_lab(SUB, "lab-b")


def test_only_vms_of_the_images_that_are_asked_for_are_looked_at() -> None:
    vms = (GoldenVm("a", "Succeeded", "Win\\Server"), GoldenVm("b", "Succeeded", "Mac\\x"), GoldenVm("c", "Succeeded"))
    assert [vm.name for vm in selected_vms(vms, Selection(images=("Win",)))] == ["a"]
    assert selected_vms(vms, Selection(labs=("lab-a",))) == vms


def request_at(index: int, name: str) -> LabRequest:
    return replace(wants("Win", name=name), path=f"$.Labs[{index}]")


def test_findings_about_other_labs_are_not_told() -> None:
    def at(path: str) -> Finding:
        return Finding(Severity.ERROR, "Code", "message", "next", path)

    places = ("$", "$.Labs[1]", "$.Labs[1].ImagePaths[0]", "$.Labs[12].LabName", "$.Labs[2].ImagePaths")
    left = findings_for([request_at(1, "b"), request_at(2, "c")], map(at, places))
    assert [found.path for found in left] == ["$", "$.Labs[1]", "$.Labs[1].ImagePaths[0]", "$.Labs[2].ImagePaths"]
    assert [found.path for found in findings_for([], map(at, places))] == ["$"]


def test_what_is_asked_for_and_not_there_is_told_with_what_was_probably_meant() -> None:
    asked = Selection(labs=("lab-a", "lab-pariss"), images=("Win", "Win/Servr", "Wind"))
    labs = [request_at(0, "lab-a"), request_at(1, "Lab-Paris")]
    found = {each.path: each for each in check(asked, labs, ("Win/Server.json",))}
    assert {path: each.code for path, each in found.items()} == {
        "$.labs[1]": "LabUnknown",
        "$.images[1]": "EntryMatchesNothing",
        "$.images[2]": "EntryMatchesNothing",
    }
    assert '"Lab-Paris"' in found["$.labs[1]"].next
    assert '"Win/Server.json"' in found["$.images[1]"].next


def test_an_entry_that_cannot_be_read_names_nothing() -> None:
    [found] = check(Selection(images=("Win\u200b",)), [], None)
    assert (found.path, found.code) == ("$.images[0]", "EntryInvisible")


def test_a_retry_of_captures_leaves_nothing_to_do() -> None:
    [found] = check(Selection(stages=(Stage.CAPTURE,), retry_failed_of=RUN), [], None)
    assert (found.path, found.code) == ("$.stages", "NothingToDo")


def test_images_are_not_checked_where_nobody_says_which_there_are() -> None:
    assert list(check(Selection(images=("Win/Servr",)), [], None)) == []
