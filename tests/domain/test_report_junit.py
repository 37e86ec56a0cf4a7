"""JUnit XML: what pipelines show of a run."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.findings import Finding, Severity
from shared.domain.outcomes import Ending, RunState
from shared.domain.renderings.junit import as_junit
from shared.domain.report import CaptureRow, RunReport
from tests.domain.reports import BEGUN, HOSTILE, of_one_text, report, row


def tree(report: RunReport) -> ElementTree.Element:
    return ElementTree.fromstring(as_junit(report).encode())  # noqa: S314 - our own


def shape(element: ElementTree.Element) -> list[str]:
    return [each.tag for each in element.iter()]


def test_each_pair_is_a_case_of_its_lab_and_each_capture_one_of_the_factory() -> None:
    pairs = (
        row(lab="lab-a", subscription_id="s1", image="x", seconds=61.5),
        row(lab="lab-a", subscription_id="s1", image="y", state=Ending.PRESENT),
        row(
            lab="lab-a",
            subscription_id="s2",
            resource_group="rg",
            image="",
            image_path="Win\\z.json",
            state=Ending.SKIPPED,
        ),
    )
    suites = list(tree(report(pairs=pairs, captures=(CaptureRow(vm="vm", state=Ending.CAPTURED),))))
    cases = {suite.get("name"): [(case.get("name"), case.get("time")) for case in suite] for suite in suites}
    assert cases == {
        "golden VMs": [("vm", "0.000")],
        "s1/lab-a": [("x", "61.500"), ("y", "0.000")],
        "s2/rg/lab-a": [("Win\\z.json", "0.000")],
    }


def test_a_failure_tells_code_message_and_next_step_and_a_skipped_case_its_reason() -> None:
    failed = row(state=Ending.FAILED, code="CopyFailed", message="No room.", next="Ask for more.")
    skipped = row(state=Ending.SKIPPED, code="NoGoldenImage", message="There is none.", next="Capture one.")
    root = tree(report(pairs=(failed, skipped)))
    [failure], [reason] = root.iter("failure"), root.iter("skipped")
    assert (failure.get("type"), failure.get("message")) == ("CopyFailed", "CopyFailed: No room.")
    assert failure.text == "CopyFailed: No room.\nNext step: Ask for more."
    assert reason.get("message") == "NoGoldenImage: There is none. Capture one."


def test_what_ended_the_run_or_set_a_lab_aside_fails_the_pipeline_and_a_warning_does_not() -> None:
    broken = Finding(Severity.ERROR, "NotJson", "A ',' is expected.", "Write it.", "$", 3)
    warning = Finding(Severity.WARNING, "LeadingSlash", "m", "n", "$.Labs[0]", 4)
    root = tree(report(state=RunState.FAILED, findings=(broken, warning)))
    [case] = root.iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("run", "NotJson $, line 3")
    assert root.get("failures") == "1"


def test_the_sums_are_right_in_each_suite_and_in_all() -> None:
    states = [Ending.DELIVERED, Ending.FAILED, Ending.SKIPPED, Ending.FAILED]
    pairs = tuple(row(lab=f"lab-{n % 2}", image=f"{n}", state=state) for n, state in enumerate(states))
    root = tree(report(pairs=pairs, ended_at=BEGUN + timedelta(seconds=90)))
    assert (root.get("tests"), root.get("failures"), root.get("skipped"), root.get("time")) == ("4", "2", "1", "90.000")
    for suite in root:
        assert suite.get("tests") == str(len(suite))
        assert suite.get("failures") == str(sum(1 for _ in suite.iter("failure")))


def test_a_report_of_nothing_is_a_document_all_the_same() -> None:
    assert shape(tree(report())) == ["testsuites"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_the_document_or_adds_to_it(text: str) -> None:
    assert shape(tree(of_one_text(text))) == shape(tree(of_one_text("harmless")))


@given(st.text(max_size=60))
def test_whatever_names_hold_the_document_can_be_read(text: str) -> None:
    assert shape(tree(of_one_text(f"x{text}"))) == shape(tree(of_one_text("x")))
