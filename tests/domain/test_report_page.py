"""The HTML page: self-contained, nothing in it can break it, and all that a lab admin asks stands there."""

import base64
import hashlib
import itertools
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.findings import Finding, Severity
from shared.domain.outcomes import Ending, RunState
from shared.domain.renderings.page import POLICY, as_page
from shared.domain.renderings.timeline import Axis, Work, side_by_side
from shared.domain.report import CaptureRow, PairRow, RunReport
from tests.domain.reports import BEGUN, HOSTILE, of_one_text, report, row

VOID = {"input", "meta", "wbr"}


class Page(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, its text without style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.style = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text.append(data)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Without the places where a line may break: these go by the text."""
        return [(tag, tuple(attributes)) for tag, attributes in self.elements if tag != "wbr"]

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attributes[name] or "" for each, attributes in self.elements if each == tag and name in attributes]


def page(report: RunReport) -> Page:
    return Page(as_page(report))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_adds_an_element_or_an_attribute(text: str) -> None:
    assert page(of_one_text(text)).shape == page(of_one_text("harmless")).shape


@given(st.text(max_size=60))
def test_whatever_names_hold_the_page_keeps_its_shape_and_can_be_sent(text: str) -> None:
    told = as_page(of_one_text(f"x{text}"))
    told.encode()
    assert Page(told).shape == page(of_one_text("x")).shape


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    found = page(of_one_text("x"))
    tags = {tag.lower() for tag, _ in found.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert not [name for _, attributes in found.elements for name in attributes if name in ("style", "src", "srcset")]
    assert all(link.startswith("#") for link in found.attributes("a", "href"))
    assert "url(" not in found.style.replace("url(#hatch)", "")
    assert "@import" not in found.style


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    found = page(report())
    digest = base64.b64encode(hashlib.sha256(found.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in POLICY
    assert POLICY.startswith("default-src 'none'")
    [policy] = [a["content"] for _, a in found.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == POLICY


def test_every_link_leads_somewhere_and_every_id_is_there_once() -> None:
    failed = [row(lab=f"lab-{n}", state=Ending.FAILED, code="CopyFailed", next="Again.") for n in range(8)]
    vm = CaptureRow(vm="vm", state=Ending.FAILED, code="Overdue")
    finding = Finding(Severity.WARNING, "LeadingSlash", "m", "n", "$.Labs[0]", 3)
    found = page(report(pairs=tuple(failed), captures=(vm,), findings=(finding,)))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {link.removeprefix("#") for link in found.attributes("a", "href")} <= set(ids)
    assert {"#findings", "#failures", "#matrix", "#captures", "#pairs"} <= set(found.attributes("a", "href"))


def test_the_head_says_how_the_run_ended_and_what_it_read() -> None:
    found = page(report(state=RunState.PARTIALLY_SUCCEEDED))
    said = "".join(found.text)
    for text in ("20261123T020509Z-3fa2", "Partially succeeded", "2026-11-23 02:05:09 UTC", "62 min", "etag", "sha"):
        assert text in said


def test_a_state_is_told_by_a_mark_and_a_word_and_not_by_colour_alone() -> None:
    states = (Ending.DELIVERED, Ending.PRESENT, Ending.SKIPPED, Ending.FAILED)
    rows = tuple(row(image_path=f"p{n}", state=state) for n, state in enumerate(states))
    text = as_page(report(pairs=rows))
    matrix = text[text.index('class="matrix"') : text.index("</table>")]
    marks = re.findall(r'aria-hidden="true">(.)</i><span class="unseen">(\w+) ', matrix)
    assert [word for _, word in marks] == [state.value for state in states]
    assert len({mark for mark, _ in marks}) == 4


def cells(text: str) -> list[list[str]]:
    """The rows of the matrix: name, then a state or nothing for each column."""
    matrix = text[text.index('class="matrix"') :]
    matrix = matrix[: matrix.index("</table>")]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', matrix)
    return [
        [name, *("".join(re.findall(r"unseen\">(\w+)", cell)) for cell in cells.split("<td")[1:-1])]
        for name, cells in rows
    ]


def test_the_matrix_has_a_row_for_each_lab_and_a_column_for_each_image_path_whatever_its_spelling() -> None:
    pairs = (
        row(lab="a", image_path="Win\\x.json", state=Ending.PRESENT),
        row(lab="b", image_path="win/x", state=Ending.FAILED),
        row(lab="b", image_path="Linux\\y.json", state=Ending.DELIVERED),
    )
    assert cells(as_page(report(pairs=pairs))) == [["a", "", "present"], ["b", "delivered", "failed"]]


def test_labs_of_one_name_are_told_apart_by_their_group_or_subscription() -> None:
    pairs = (
        row(lab="a", resource_group="rg-1", image_path="x"),
        row(lab="a", resource_group="rg-2", image_path="x"),
        row(lab="a", subscription_id="other", image_path="x"),
    )
    assert [name for name, *_ in cells(as_page(report(pairs=pairs)))] == ["a (rg-1)", "a (rg-2)", "a"]


def test_two_versions_of_an_image_stand_in_one_cell() -> None:
    pairs = (
        row(image_path="x", image="x-2", state=Ending.DELIVERED),
        row(image_path="x", image="x-1", state=Ending.PRESENT),
    )
    assert cells(as_page(report(pairs=pairs))) == [["lab", "deliveredpresent"]]


def test_fifty_labs_and_twenty_images_are_all_there() -> None:
    pairs = tuple(row(lab=f"lab-{lab}", image_path=f"Win\\{image}.json") for lab in range(50) for image in range(20))
    found = cells(as_page(report(pairs=pairs)))
    assert len(found) == 50
    assert {len(cells) for cells in found} == {21}
    assert {state for cells in found for state in cells[1:]} == {"delivered"}


def test_failures_of_one_kind_stand_together_with_what_to_do_once() -> None:
    failed = {"state": Ending.FAILED, "code": "CopyFailed", "message": "No.", "next": "Look at the firewall."}
    pairs = tuple(row(lab=f"lab-{n}", **failed) for n in range(9))
    text = as_page(report(pairs=pairs))
    failures = text[text.index('id="failures"') : text.index('id="matrix"')]
    assert failures.count("Look at the firewall.") == 1
    assert "9 failed" in failures
    assert "and 4 more" in failures


def test_a_run_that_did_nothing_has_no_empty_sections() -> None:
    found = page(report())
    assert [attributes.get("id") for tag, attributes in found.elements if tag == "section"] == []


# --- Timeline


def work(began: float, ended: float) -> Work:
    return Work("x", Ending.DELIVERED, BEGUN + timedelta(seconds=began), BEGUN + timedelta(seconds=ended), None)


def bars(text: str) -> list[tuple[str, float, float]]:
    found = re.findall(r'<rect class="bar (\w+)" rx="3" x="([\d.]+)%" y="\d+" width="([\d.]+)%"', text)
    return [(state, float(x), float(width)) for state, x, width in found]


def test_a_bar_lies_where_its_work_was_done() -> None:
    half = BEGUN + timedelta(minutes=30)
    pairs = (
        row(state=Ending.DELIVERED, seconds=900.0, ended_at=half),
        row(state=Ending.PRESENT),
        row(state=Ending.FAILED, ended_at=half, code="Overdue"),
    )
    vm = CaptureRow(vm="vm", state=Ending.CAPTURED, seconds=600.0, ended_at=BEGUN + timedelta(minutes=10))
    hour = report(pairs=pairs, captures=(vm,), ended_at=BEGUN + timedelta(hours=1))
    assert bars(as_page(hour)) == [
        ("captured", 0.0, pytest.approx(16.67)),
        ("delivered", 25.0, 25.0),
        ("failed", 50.0, pytest.approx(0.4)),
    ]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50)), max_size=30))
def test_works_that_overlap_lie_in_different_rows_and_no_row_too_many_is_made(times: list[tuple[int, int]]) -> None:
    works = [work(began, began + length) for began, length in times]
    lanes = side_by_side(works)
    assert sorted(map(repr, works)) == sorted(repr(each) for lane in lanes for each in lane)
    assert all(first.ended <= then.began for lane in lanes for first, then in itertools.pairwise(lane))
    moments = [each.began for each in works]
    at_once = max((sum(w.began <= moment < w.ended for w in works) for moment in moments), default=0)
    assert len(lanes) <= at_once + sum(w.began == w.ended for w in works)


@given(st.integers(0, 10**7), st.integers(0, 86399))
def test_the_axis_has_round_ticks_and_not_too_many(seconds: int, offset: int) -> None:
    begin = BEGUN + timedelta(seconds=offset)
    axis = Axis(begin, begin + timedelta(seconds=seconds))
    ticks = axis.ticks()
    assert len(ticks) <= 10
    assert all(axis.begin <= tick <= axis.end for tick in ticks)
    assert seconds < 60 or seconds > 8 * 86400 or len(ticks) >= 2


def test_a_row_needs_no_time_to_be_reported() -> None:
    assert bars(as_page(report(pairs=(PairRow(lab="a", state=Ending.FAILED),)))) == []
