"""When each capture and delivery worked: a row for each VM and lab, its works side by side where they overlap."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.amounts import duration, size
from shared.domain.outcomes import Ending
from shared.domain.renderings.markup import Markup, element
from shared.domain.report import CaptureRow, PairRow, RunReport

_HEIGHT, _EDGE = 11, 5
"""Pixels of one bar with its gap, and of the space above and below a row's bars."""

_STEPS = [
    timedelta(seconds=seconds)
    for seconds in (5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
]
_MOST_TICKS = 9


@dataclass(frozen=True)
class Work:
    """One bar: what was done, from when to when."""

    what: str
    state: Ending
    began: datetime
    ended: datetime
    size_bytes: int | None

    @property
    def said(self) -> str:
        times = f"{self.began:%H:%M:%S} to {self.ended:%H:%M:%S}"
        took = duration((self.ended - self.began).total_seconds())
        return ", ".join(filter(None, (f"{self.what}: {self.state}", times, took, size(self.size_bytes))))


@dataclass(frozen=True)
class Axis:
    begin: datetime
    end: datetime

    def at(self, moment: datetime) -> float:
        """The place of a moment, in per cent."""
        whole = max((self.end - self.begin).total_seconds(), 1)
        return min(max((moment - self.begin).total_seconds() / whole * 100, 0), 100)

    def ticks(self) -> list[datetime]:
        """Round moments, not too many."""
        length = self.end - self.begin
        step = next((step for step in _STEPS if length / step <= _MOST_TICKS), length)
        midnight = self.begin.replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight + step * -((midnight - self.begin) // step)
        return [first + step * n for n in range(_MOST_TICKS + 1) if first + step * n <= self.end]


def timeline(report: RunReport) -> Markup | None:
    """None for a run that did no work."""
    rows: defaultdict[tuple[str, ...], list[Work]] = defaultdict(list)
    for capture in report.captures:
        rows["", "", f"capture of {capture.vm}"] += _work(capture)
    for pair in report.pairs:
        rows[pair.subscription_id, pair.resource_group, pair.lab] += _work(pair)
    works = [work for group in rows.values() for work in group]
    if not works:
        return None
    begin = min(report.started_at, *(work.began for work in works))
    axis = Axis(begin, max(report.ended_at, *(work.ended for work in works)))
    head = element("thead", element("tr", element("th", "UTC", scope="col"), element("td", _scale(axis))))
    body = element("tbody", *(_row(axis, name, group) for (*_, name), group in rows.items() if group))
    return element("table", head, body, class_="when")


def _work(row: CaptureRow | PairRow) -> list[Work]:
    """Nothing for what was decided without work."""
    if row.ended_at is None or row.began_at is None:
        return []
    return [Work(row.image or row.image_path, row.state, row.began_at, row.ended_at, row.bytes)]


def _scale(axis: Axis) -> Markup:
    texts = [element("text", f"{tick:%H:%M:%S}", x=f"{axis.at(tick):.2f}%", dx="4", y="15") for tick in axis.ticks()]
    return element("svg", *_grid(axis), *texts, height="22", aria_hidden="true")


def _grid(axis: Axis) -> Iterable[Markup]:
    for tick in axis.ticks():
        x = f"{axis.at(tick):.2f}%"
        yield element("line", x1=x, x2=x, y1="0", y2="100%", class_="tick")


def _row(axis: Axis, name: str, works: Sequence[Work]) -> Markup:
    lanes = side_by_side(works)
    tops = [_EDGE + lane * _HEIGHT + 1 for lane in range(len(lanes))]
    bars = [bar for top, lane in zip(tops, lanes, strict=True) for work in lane for bar in _bar(axis, work, top)]
    height = len(lanes) * _HEIGHT + 2 * _EDGE
    said = "; ".join(work.said for work in works)
    picture = element("svg", *_grid(axis), *bars, height=height, role="img", aria_label=said)
    return element("tr", element("th", name, scope="row"), element("td", picture))


def _bar(axis: Axis, work: Work, y: int) -> Iterable[Markup]:
    begin, end = axis.at(work.began), axis.at(work.ended)
    width = max(end - begin, 0.4)
    x = min(begin, 100 - width)
    title = element("title", work.said)
    place = {"x": f"{x:.2f}%", "y": y, "width": f"{width:.2f}%", "height": _HEIGHT - 2}
    yield element("rect", title, class_=f"bar {work.state}", rx="3", **place)
    if work.state is Ending.FAILED:
        yield element("text", "✕", class_="cross", x=f"{x + width:.2f}%", dx="3", y=y + 9)


def side_by_side(works: Iterable[Work]) -> list[list[Work]]:
    """As few rows as the overlaps allow, each work in the first row that is free."""
    lanes: list[list[Work]] = []
    for work in sorted(works, key=lambda work: (work.began, work.ended)):
        free = next((lane for lane in lanes if lane[-1].ended <= work.began), None)
        if free is None:
            lanes.append([work])
        else:
            free.append(work)
    return lanes
