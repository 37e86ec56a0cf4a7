"""Which golden VMs are captured, under which names, and why the others are not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.domain.capture import CapturePlan, capture_key, plan_captures, vhd_name
from shared.domain.generalizing import Generalize
from shared.domain.golden_vms import GoldenVm, OsDisk
from shared.domain.images import LONGEST_DESCRIPTION, GoldenImage, OsState, OsType
from shared.domain.outcomes import Ending
from tests.domain.machines import STOPPED, running, vm

RUN = "20261123T020509Z-3fa2"
BUILT = datetime(2026, 11, 23, 2, 5, 9, tzinfo=UTC)


def image(name: str, *captures: str) -> GoldenImage:
    return GoldenImage(name, "Any\\Path.json", OsType.WINDOWS, f"{name}.vhd", BUILT, size_bytes=512, captures=captures)


def plan(*vms: GoldenVm, images: tuple[GoldenImage, ...] = (), policy: Generalize = Generalize.NEVER) -> CapturePlan:
    return plan_captures(vms, images, RUN, policy)


def names(planned: CapturePlan) -> dict[str, str]:
    return {capture.vm: capture.image for capture in planned.captures}


def codes(planned: CapturePlan) -> dict[str, tuple[Ending, str]]:
    return {decided.vm: (decided.outcome.state, decided.outcome.code) for decided in planned.decided}


def test_a_generalized_and_deallocated_vm_is_captured() -> None:
    [capture] = plan(vm(notes="Golden Image: Server for all")).captures
    assert (capture.vm, capture.vm_id, capture.disk.id) == ("vm", "id-vm", "/disks/vm")
    assert capture.image_path == "Win2016\\Datacenter.json"
    assert capture.image == "Win2016_Datacenter-Nov-23-2026"
    assert (capture.os_type, capture.description) == (OsType.WINDOWS, "Server for all")
    assert capture.built == BUILT


def test_a_vm_without_a_compute_vm_or_notes_spoils_no_other() -> None:
    """B21, W5: There, the VM before it was captured twice."""
    first, gone, third = vm("a", "A.json", notes=""), vm("b", "B.json", power_state="", disk=None), vm("c", "C.json")
    for order in permutations((first, gone, third)):
        planned = plan(*order)
        assert list(names(planned)) == ["a", "c"]
        assert codes(planned) == {"b": (Ending.SKIPPED, "NoComputeVm")}


# --- Once per state (B22)


def test_a_vm_that_is_captured_in_this_state_already_is_not_captured_again() -> None:
    one = vm()
    assert one.disk is not None
    planned = plan(one, images=(image("Earlier-Nov-22-2026", "other", capture_key("id-vm", one.disk)),))
    assert planned.captures == ()
    assert codes(planned) == {"vm": (Ending.PRESENT, "AlreadyCaptured")}
    assert planned.decided[0].image == "Earlier-Nov-22-2026"


def test_a_manifest_whose_vhd_is_gone_is_no_capture_b43() -> None:
    one = vm()
    assert one.disk is not None
    lost = replace(image("Win2016_Datacenter-Nov-23-2026", capture_key("id-vm", one.disk)), size_bytes=None)
    [again] = plan(one, images=(lost,)).captures
    assert again.image == "Win2016_Datacenter-Nov-23-2026A", "the manifest still holds the name"


def test_a_vm_that_was_started_or_has_another_disk_or_id_is_another_capture() -> None:
    disk = OsDisk("/disks/vm", "unique", STOPPED)
    key = capture_key("id-vm", disk)
    assert capture_key("ID-VM", replace(disk, unique_id="UNIQUE")) == key, "ids are compared without case (X29)"
    assert capture_key("id-vm", replace(disk, id="/renamed")) == key
    others = [
        capture_key("other", disk),
        capture_key("id-vm", replace(disk, unique_id="new")),
        capture_key("id-vm", replace(disk, ownership_updated=STOPPED + timedelta(seconds=1))),
    ]
    assert key not in others


def test_the_vhd_is_named_by_what_is_captured_and_by_which_run() -> None:
    """No run writes into another's copy: its SAS could end before the copy does."""
    [capture] = plan(vm()).captures
    assert capture.vhd == vhd_name(capture.digest, RUN)
    assert capture.manifest == capture.vhd.removesuffix(".vhd") + ".json"
    assert vhd_name(capture.digest, "20261124T020000Z-0000") != capture.vhd
    [other] = plan(vm("other", "Win2016/Datacenter.json")).captures
    assert other.vhd != capture.vhd


def test_a_state_that_is_captured_as_specialized_is_not_captured_as_generalized() -> None:
    one = vm(generalized=True)
    assert one.disk is not None
    before = replace(image("Earlier-Nov-22-2026", capture_key("id-vm", one.disk)), os_state=OsState.SPECIALIZED)
    assert list(names(plan(one, images=(before,)))) == ["vm"]


# --- What is captured, and how


def test_a_specialized_vm_becomes_a_specialized_image() -> None:
    [capture] = plan(vm(last_artifact=None, image_state_tag="specialized")).captures
    assert capture.golden_image(512, ()).os_state is OsState.SPECIALIZED


def test_a_vm_that_runs_is_generalized_first_where_that_is_asked_for() -> None:
    [capture] = plan(running(), policy=Generalize.WHEN_NEEDED).captures
    assert (capture.generalize, capture.os_state) == (True, OsState.GENERALIZED)
    assert plan(running()).captures == ()


def test_a_capture_keeps_its_key_when_the_disk_changes_while_the_vm_is_generalized() -> None:
    [capture] = plan(running(), policy=Generalize.WHEN_NEEDED).captures
    assert capture.key == replace(capture, digest="other").key
    assert capture.key != replace(capture, vm="other").key


def test_a_vm_that_could_not_become_a_sound_image_is_refused_before_it_is_generalized() -> None:
    """And what is captured already needs no guard any more."""
    obstacle: dict[str, Any] = {"data_disks": 1}
    assert codes(plan(running(**obstacle), policy=Generalize.WHEN_NEEDED)) == {"vm": (Ending.FAILED, "DataDisks")}
    one = vm(**obstacle)
    assert one.disk is not None
    there = plan(one, images=(image("Earlier-Nov-22-2026", capture_key("id-vm", one.disk)),))
    assert codes(there) == {"vm": (Ending.PRESENT, "AlreadyCaptured")}


# --- Names (B23, B24, X19)


def test_vms_of_one_path_get_names_of_their_own_in_order_of_their_names() -> None:
    for order in permutations((vm("a"), vm("B"), vm("c"))):
        assert names(plan(*order)) == {
            "a": "Win2016_Datacenter-Nov-23-2026",
            "B": "Win2016_Datacenter-Nov-23-2026A",
            "c": "Win2016_Datacenter-Nov-23-2026B",
        }


def test_names_are_given_in_order_of_path_then_vm_whatever_the_order_of_listing() -> None:
    """`X/a.json` and `x\\a` are one path, `X_a` another that gives the same name."""
    vms = (vm("2", "X/a.json"), vm("1", "X_a.json"), vm("3", "x\\A.json"))
    plans = {plan(*order) for order in permutations(vms)}
    assert len(plans) == 1
    assert {name.lower() for name in names(plans.pop()).values()} == {
        "x_a-nov-23-2026",
        "x_a-nov-23-2026a",
        "x_a-nov-23-2026b",
    }


def test_a_name_that_a_golden_image_has_is_not_given_again_in_whatever_case() -> None:
    planned = plan(vm(), images=(image("WIN2016_DATACENTER-NOV-23-2026"), image("Win2016_Datacenter-Nov-23-2026A")))
    assert names(planned) == {"vm": "Win2016_Datacenter-Nov-23-2026B"}


@pytest.mark.parametrize("path", ["", ".json", "a/../b.json"])
def test_a_path_that_gives_no_name_fails_with_its_vm_and_takes_no_other_down(path: str) -> None:
    planned = plan(vm("bad", path), vm("good"))
    assert codes(planned) == {"bad": (Ending.FAILED, "ImagePathInvalid")}
    assert list(names(planned)) == ["good"]


# --- What travels


def test_notes_that_fill_a_page_are_cut_so_that_the_capture_crosses_the_seam() -> None:
    [capture] = plan(vm(notes="n" * 50_000)).captures
    assert len(capture.description) == LONGEST_DESCRIPTION


def test_a_capture_becomes_the_golden_image_that_it_planned() -> None:
    [capture] = plan(vm()).captures
    made = capture.golden_image(512, ("before", "after"))
    assert (made.name, made.image_path, made.vhd, made.built) == (
        capture.image,
        capture.image_path,
        capture.vhd,
        capture.built,
    )
    assert (made.digest, made.captures, made.size_bytes) == (capture.digest, ("before", "after"), 512)
    assert made.os_state is OsState.GENERALIZED
    assert made.manifest == capture.manifest


def test_every_vm_stands_in_the_plan_exactly_once() -> None:
    vms = (vm("a"), vm("b", None), vm("c", ".json"), vm("d", ignored=True), vm("e"))
    planned = plan(*vms)
    assert sorted([*names(planned), *codes(planned)]) == ["a", "b", "c", "d", "e"]
