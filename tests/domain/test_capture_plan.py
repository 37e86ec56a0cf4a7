"""Which golden VMs are captured, under which names, and why the others are not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.domain.capture import (
    LONGEST_DESCRIPTION,
    Artifact,
    CapturePlan,
    GoldenVm,
    OsDisk,
    capture_key,
    not_ready,
    plan_captures,
    vhd_name,
)
from shared.domain.images import GoldenImage, OsState, OsType
from shared.domain.outcomes import Ending

RUN = "20261123T020509Z-3fa2"
DAY = date(2026, 11, 23)
BUILT = datetime(2026, 11, 23, 2, 5, 9, tzinfo=UTC)
STOPPED = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
SYSPREP = Artifact("windows-sysprep", "Succeeded", STOPPED - timedelta(minutes=10))


def vm(name: str = "vm", path: str | None = "Win2016/Datacenter.json", **changes: Any) -> GoldenVm:
    """A VM that is ready: deallocated ten minutes after sysprep."""
    disk = OsDisk(f"/disks/{name}", f"unique-{name}", STOPPED, 127 * 2**30)
    ready = GoldenVm(
        name=name,
        state="Succeeded",
        image_path=path,
        os_type=OsType.WINDOWS,
        compute_id=f"/vms/{name}",
        vm_id=f"id-{name}",
        power_state="deallocated",
        last_artifact=SYSPREP,
        disk=disk,
    )
    return replace(ready, **changes)


def image(name: str, *captures: str) -> GoldenImage:
    return GoldenImage(name, "Any\\Path.json", OsType.WINDOWS, f"{name}.vhd", BUILT, size_bytes=512, captures=captures)


def plan(*vms: GoldenVm, images: tuple[GoldenImage, ...] = ()) -> CapturePlan:
    return plan_captures(vms, images, RUN, DAY, BUILT)


def names(planned: CapturePlan) -> dict[str, str]:
    return {capture.vm: capture.image for capture in planned.captures}


def codes(planned: CapturePlan) -> dict[str, tuple[Ending, str]]:
    return {decided.vm: (decided.outcome.state, decided.outcome.code) for decided in planned.decided}


# --- Evidence (B20)


def test_a_generalized_and_deallocated_vm_is_captured() -> None:
    [capture] = plan(vm(notes="Golden Image: Server for all")).captures
    assert (capture.vm, capture.vm_id, capture.disk.id) == ("vm", "id-vm", "/disks/vm")
    assert capture.image_path == "Win2016\\Datacenter.json"
    assert capture.image == "Win2016_Datacenter-Nov-23-2026"
    assert (capture.os_type, capture.description) == (OsType.WINDOWS, "Server for all")
    assert capture.built == BUILT


@pytest.mark.parametrize("name", ["windows-sysprep", "Windows-Sysprep", "linux-deprovision"])
@pytest.mark.parametrize("minutes", [0, 1, 60])
def test_a_generalize_artifact_and_a_prompt_deallocation_are_evidence(name: str, minutes: int) -> None:
    artifact = Artifact(name, "Succeeded", STOPPED - timedelta(minutes=minutes))
    assert not_ready(vm(last_artifact=artifact)) is None


def test_the_word_of_compute_is_evidence_without_any_artifact() -> None:
    assert not_ready(vm(last_artifact=None, generalized=True)) is None


@pytest.mark.parametrize(
    "artifact",
    [
        None,
        Artifact("windows-sysprep", "Failed", STOPPED - timedelta(minutes=10)),
        Artifact("windows-sysprep", "Installing", STOPPED - timedelta(minutes=10)),
        Artifact("windows-sysprep", "Succeeded", None),
        Artifact("windows-chrome", "Succeeded", STOPPED - timedelta(minutes=10)),
        Artifact("my-windows-sysprep", "Succeeded", STOPPED - timedelta(minutes=10)),
        Artifact("windows-sysprep", "Succeeded", STOPPED - timedelta(minutes=61)),
        Artifact("windows-sysprep", "Succeeded", STOPPED + timedelta(minutes=1)),
    ],
)
def test_a_vm_that_was_merely_stopped_is_not_published_as_generalized(artifact: Artifact | None) -> None:
    [decided] = plan(vm(last_artifact=artifact)).decided
    assert (decided.outcome.state, decided.outcome.code) == (Ending.SKIPPED, "NoEvidence")
    assert "windows-sysprep" in decided.outcome.next


def test_the_artifact_reports_success_before_the_vm_has_stopped() -> None:
    """B71: while it still runs, it is not captured, whatever its artifact says."""
    assert codes(plan(vm(power_state="running"))) == {"vm": (Ending.SKIPPED, "NotDeallocated")}


# --- Why a VM is left alone


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"image_path": None}, "NoImagePath"),
        ({"ignored": True}, "FactoryIgnore"),
        ({"state": "Creating"}, "NotSucceeded"),
        ({"state": "Failed"}, "NotSucceeded"),
        ({"power_state": "", "vm_id": "", "disk": None}, "NoComputeVm"),
        ({"power_state": "stopped"}, "NotDeallocated"),
        ({"power_state": "deallocating"}, "NotDeallocated"),
        ({"power_state": "unknown"}, "NotDeallocated"),
        ({"os_type": OsType.UNKNOWN}, "OsTypeUnknown"),
        ({"disk": None}, "NoOsDisk"),
        ({"last_artifact": None}, "NoEvidence"),
    ],
)
def test_a_vm_that_is_not_ready_is_skipped_with_its_reason_and_what_to_do(changes: dict[str, Any], code: str) -> None:
    planned = plan(vm(**changes))
    assert planned.captures == ()
    [decided] = planned.decided
    assert (decided.outcome.state, decided.outcome.code) == (Ending.SKIPPED, code)
    assert decided.outcome.message
    assert decided.outcome.next


def test_an_ignored_vm_is_left_alone_even_if_it_is_ready() -> None:
    """X17: the tag is read by every stage."""
    assert codes(plan(vm(ignored=True, generalized=True))) == {"vm": (Ending.SKIPPED, "FactoryIgnore")}


def test_only_vms_that_may_be_captured_are_looked_up_in_compute() -> None:
    assert vm().is_candidate
    assert not any(each.is_candidate for each in (vm(path=None), vm(ignored=True), vm(state="Creating")))


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
