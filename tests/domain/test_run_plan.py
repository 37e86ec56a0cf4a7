"""What a plan tells, and how it reads."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.capture import plan_captures
from shared.domain.findings import Finding, Severity
from shared.domain.report import ConfigurationRead
from shared.domain.run_plan import (
    VHD_FOOTER,
    CaptureEffect,
    Effect,
    Pace,
    PairEffect,
    RunPlan,
    as_text,
    capture_effects,
    captured_images,
    counts,
    minutes,
    pair_effects,
)
from tests.domain.machines import vm
from tests.domain.test_capture_plan import RUN
from tests.domain.test_distribution_plan import GIB, SUB, custom, image, lab, plan, wants

SERVER, CLIENT, GONE = image("Win\\Server.json"), image("Win\\Client.json"), image("Win\\Gone.json", size_bytes=None)
CAPTURES = plan_captures(
    (vm("vm-1", "Win\\Server.json"), vm("vm-2", "Win\\Client.json", power_state="running")), (), RUN
)
PAIRS = plan(
    (wants("Win", name="lab-a"), lab("lab-a", custom(SERVER))),
    (wants("Mac", name="lab-b"), lab("lab-b")),
    images=(SERVER, CLIENT, GONE),
)


def the_plan(**changes: Any) -> RunPlan:
    of_vms, of_pairs = capture_effects(CAPTURES, Pace()), pair_effects(PAIRS, Pace())
    made = RunPlan(
        "abc", True, ConfigurationRead(), counts(of_vms, of_pairs), GIB, 12.3, captures=of_vms, pairs=of_pairs
    )
    return replace(made, **changes)


def test_every_vm_and_every_pair_is_told_once_with_its_effect() -> None:
    told = the_plan()
    assert [(e.vm, e.effect, e.code) for e in told.captures] == [
        ("vm-1", Effect.CAPTURE, ""),
        ("vm-2", Effect.SKIP, "NotDeallocated"),
    ]
    assert [(e.lab, e.image_path, e.effect, e.code) for e in told.pairs] == [
        ("lab-a", "Win\\Client.json", Effect.DELIVER, ""),
        ("lab-a", "Win\\Gone.json", Effect.FAIL, "VhdMissing"),
        ("lab-a", "Win\\Server.json", Effect.PRESENT, ""),
        ("lab-b", "Mac", Effect.SKIP, "NoGoldenImage"),
    ]
    assert told.counts == {
        "deliver": 1,
        "present": 1,
        "skip": 1,
        "fail": 1,
        "capture": 1,
        "capturesPresent": 0,
        "capturesSkip": 1,
        "capturesFail": 0,
    }


def test_bytes_are_those_that_are_written() -> None:
    [capture] = (e for e in the_plan().captures if e.effect is Effect.CAPTURE)
    assert capture.bytes == 127 * GIB + VHD_FOOTER
    assert [e.bytes for e in the_plan().pairs] == [GIB, None, None, None]


def test_what_is_to_be_captured_is_there_for_the_labs() -> None:
    [coming] = captured_images(CAPTURES)
    planned = plan((wants("Win/Server", name="lab-a"), lab("lab-a")), images=(SERVER, coming))
    assert [delivery.image for delivery in planned.deliveries] == [coming], "it is newer than what is there"


def test_it_reads_like_a_plan_of_terraform() -> None:
    assert as_text(the_plan()).splitlines() == [
        "Golden VMs",
        "  + capture   vm-1 -> Win_Server-Nov-23-2026 (127.0 GiB, about 21 min)",
        "  - skip      vm-2: NotDeallocated: The VM is running.",
        "",
        f"Lab lab-a ({SUB})",
        "  + deliver   Win_Client-0 (1.0 GiB, about 5 min)",
        "  ! fail      Win_Gone-0: VhdMissing: The manifest Win_Gone-0.json names the VHD Win_Gone-0.vhd, which is gone.",
        "      Capture the VM again and delete the manifest.",
        "  = unchanged Win_Server-0",
        "",
        f"Lab lab-b ({SUB})",
        "  - skip      Mac: NoGoldenImage: The factory has no golden image for it.",
        "",
        "Plan: 1 to deliver, 1 to capture, 1 unchanged, 1 skipped, 1 to fail. 1.0 GiB to copy, about 12 min.",
        "planId: abc",
    ]


def test_what_was_found_in_labs_json_comes_first() -> None:
    finding = Finding(Severity.ERROR, "EntryDots", "The entry has dots.", "Write it anew.", "$.Labs[0]", 7)
    assert as_text(the_plan(findings=(finding,))).startswith(
        "error: $.Labs[0], line 7: EntryDots: The entry has dots.\n      Write it anew.\n\nGolden VMs\n"
    )


def test_a_plan_of_a_file_that_cannot_be_used_says_so() -> None:
    text = as_text(the_plan(usable=False, captures=(), pairs=()))
    assert text.splitlines()[-2:] == ["Plan: nothing, labs.json cannot be used.", "planId: abc"]


def test_nothing_that_others_named_forges_a_line() -> None:
    evil = PairEffect(SUB, "lab\nPlan: 0 to deliver", Effect.FAIL, "x", "y\r\n= unchanged", "Code", "\x1b[2J", "z\n+")
    vms = (CaptureEffect("vm\n  + capture", Effect.SKIP, code="C", message="\u202e"),)
    lines = as_text(the_plan(pairs=(evil,), captures=vms)).splitlines()
    assert len(lines) == 2 + 1 + 3 + 1 + 2
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(("lanes", "expected"), [(1, 10 + 18), (2, 10 + 10), (3, 10 + 8), (50, 10 + 8)])
def test_the_time_is_that_of_captures_and_then_of_deliveries_in_lanes(lanes: int, expected: float) -> None:
    vms = (CaptureEffect("vm", Effect.CAPTURE, minutes=10), CaptureEffect("other", Effect.SKIP))
    pairs = [PairEffect(minutes=length) for length in (2, 8, 4, 4)]
    assert minutes(vms, pairs, lanes) == expected


def test_a_delivery_takes_as_long_as_its_copy_and_its_image() -> None:
    assert Pace(60, 120).minutes(3 * GIB) == 5
    assert Pace(60, 120).minutes(0) == timedelta(seconds=120) / timedelta(minutes=1)
