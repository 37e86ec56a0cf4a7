"""The report: every planned capture and pair exactly once, and a page that nothing in it can break."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.capture import Capture, CapturePlan, DecidedCapture
from shared.domain.distribution import DistributionPlan, Pair
from shared.domain.findings import Finding, Severity
from shared.domain.golden_vms import OsDisk
from shared.domain.images import OsType
from shared.domain.outcomes import Ending, Outcome, RunState
from shared.domain.renderings.markdown import as_markdown
from shared.domain.report import (
    CaptureRow,
    capture_rows,
    counts,
    final_state,
    pair_rows,
)
from tests.domain.reports import BEGUN, HOSTILE, of_one_text, report, row

DELIVERED = Outcome(Ending.DELIVERED, bytes=2**30, seconds=61.4)
PRESENT = Outcome(Ending.PRESENT)


def pair(lab: str, key: str = "", outcome: Outcome | None = None) -> Pair:
    return Pair("sub", lab, "A\\x.json", "A_x-Nov-23-2026", key, 2**30, outcome)


def capture(vm: str) -> Capture:
    disk = OsDisk(f"/disks/{vm}", vm, BEGUN)
    return Capture(vm, vm, "A\\x.json", "A_x-Nov-23-2026", OsType.LINUX, "", disk, f"digest {vm}", f"{vm}.vhd", BEGUN)


def test_a_pair_takes_its_outcome_from_the_plan_or_the_journal_or_is_unfinished() -> None:
    plan = DistributionPlan((pair("a", outcome=PRESENT), pair("b", "key b"), pair("c", "key c")))
    rows = pair_rows(plan, {"key b": DELIVERED, "a stranger": DELIVERED})
    assert [(row.lab, row.state, row.code) for row in rows] == [
        ("a", Ending.PRESENT, ""),
        ("b", Ending.DELIVERED, ""),
        ("c", Ending.FAILED, "Unfinished"),
    ]
    assert (rows[1].bytes, rows[1].seconds) == (2**30, 61.4)


@given(st.lists(st.sampled_from(["decided", "ended", "open"]), max_size=30), st.booleans())
def test_i4_every_planned_pair_is_reported_exactly_once_with_one_state(kinds: list[str], strangers: bool) -> None:
    pairs = tuple(pair(f"lab {n}", f"key {n}", PRESENT if kind == "decided" else None) for n, kind in enumerate(kinds))
    outcomes = {f"key {n}": DELIVERED for n, kind in enumerate(kinds) if kind == "ended"}
    if strangers:
        outcomes["key of another plan"] = DELIVERED
    rows = pair_rows(DistributionPlan(pairs), outcomes)
    assert [row.lab for row in rows] == [each.lab for each in pairs]
    assert sum(counts((), rows).values()) == len(pairs)


def test_every_planned_capture_is_reported_once_by_vm() -> None:
    skipped = Outcome(Ending.SKIPPED, "NoEvidence", "Nothing proves it.", "Generalize it.")
    plan = CapturePlan((capture("b"), capture("D")), (DecidedCapture("C", "A\\y.json", "", skipped),))
    rows = capture_rows(plan, {capture("b").key: Outcome(Ending.CAPTURED, bytes=7)})
    assert [(row.vm, row.state, row.code, row.bytes) for row in rows] == [
        ("b", Ending.CAPTURED, "", 7),
        ("C", Ending.SKIPPED, "NoEvidence", None),
        ("D", Ending.FAILED, "Unfinished", None),
    ]


def test_counts_tell_pairs_by_their_ending_and_captures_apart_from_them() -> None:
    pairs = [row(state=state) for state in (Ending.DELIVERED, Ending.FAILED, Ending.FAILED)]
    captures = [CaptureRow(vm="v", state=state) for state in (Ending.CAPTURED, Ending.PRESENT, Ending.SKIPPED)]
    assert counts(captures, pairs) == {
        "delivered": 1,
        "present": 0,
        "skipped": 0,
        "failed": 2,
        "captured": 1,
        "capturesPresent": 1,
        "capturesSkipped": 1,
        "capturesFailed": 0,
    }


@pytest.mark.parametrize(
    ("severity", "aside", "state"),
    [
        (Severity.WARNING, False, RunState.SUCCEEDED),
        (Severity.ERROR, False, RunState.PARTIALLY_SUCCEEDED),
        (Severity.WARNING, True, RunState.PARTIALLY_SUCCEEDED),
    ],
)
def test_an_entry_or_lab_that_was_set_aside_makes_the_run_partial_and_a_warning_does_not(
    severity: Severity, aside: bool, state: RunState
) -> None:
    rows = pair_rows(DistributionPlan((pair("a", outcome=PRESENT),)), {})
    assert final_state((), rows, [Finding(severity, "Code", "message")], False, aside) is state


def test_a_refused_run_has_failed_even_if_everything_was_present() -> None:
    rows = pair_rows(DistributionPlan((pair("a", outcome=PRESENT),)), {})
    assert final_state((), rows, (), refused=True, aside=False) is RunState.FAILED


# --- For people


def tables(page: str) -> list[list[str]]:
    """The cells of every table row of a page."""
    unescaped = page.replace("\\\\", "").replace("\\|", "")
    return [line.strip("|").split("|") for line in unescaped.splitlines() if line.startswith("|")]


def test_the_page_says_at_the_top_how_the_run_ended() -> None:
    rows = pair_rows(DistributionPlan((pair("a", outcome=PRESENT), pair("b"))), {})
    page = as_markdown(report(state=RunState.PARTIALLY_SUCCEEDED, pairs=rows))
    assert page.splitlines()[0] == "# Image factory run 20261123T020509Z-3fa2: PartiallySucceeded"
    assert "Started 2026-11-23 02:05:09 UTC, took 1:02:03. Images in labs: 1 present, 1 failed." in page
    assert "**failed**" in page


def test_the_page_of_a_run_that_found_nothing_to_do_says_so_and_has_no_empty_table() -> None:
    page = as_markdown(report())
    assert "It came to no golden VM and to no image." in page
    assert "|" not in page
    assert "##" not in page


def test_sizes_and_times_are_told_as_people_say_them() -> None:
    quick, slow = row(bytes=136365212160, seconds=61.4), row(seconds=5400.0)
    [_, _, first, second] = tables(as_markdown(report(pairs=(quick, slow))))
    assert [cell.strip() for cell in first[:5]] == ["lab", "image", "delivered", "127.0 GiB", "61 s"]
    assert second[4].strip() == "90 min"


@pytest.mark.parametrize("text", HOSTILE)
def test_b62_no_text_can_break_the_table_or_bring_html_or_links(text: str) -> None:
    page = as_markdown(of_one_text(text))
    assert [len(cells) for cells in tables(page)] == [4, 4, 4, 6, 6, 6, 6, 7, 7, 7, 7]
    assert "<" not in page
    assert not any(link in page.replace("\\[", "").replace("\\]", "") for link in ("](", "![x"))
    assert page.count("\n# ") == 0


@given(st.text(max_size=60))
def test_whatever_a_cell_holds_it_stays_one_cell_of_one_line(text: str) -> None:
    page = as_markdown(report(pairs=(row(lab=text, code="Code", message=text, next=text),)))
    assert [len(cells) for cells in tables(page)] == [7, 7, 7]
    assert len(page.splitlines()) == 9


def test_a_finding_tells_its_place() -> None:
    findings = (
        Finding(Severity.ERROR, "EntryEmpty", "An empty entry.", "Delete it.", "$.Labs[2].ImagePaths[0]", 17),
        Finding(Severity.WARNING, "ManifestUnreadable", "Not JSON.", "", "x.json"),
    )
    page = as_markdown(report(findings=findings))
    assert "$.Labs\\[2\\].ImagePaths\\[0\\], line 17" in page
    assert "| warning | x.json | ManifestUnreadable: Not JSON. |" in page
