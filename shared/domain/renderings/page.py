"""The report as one self-contained HTML page: nothing is loaded, nothing runs, every text is escaped."""

import base64
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from shared.domain.amounts import duration, size
from shared.domain.findings import Finding, Severity
from shared.domain.outcomes import Ending, RunState
from shared.domain.renderings.markup import Markup, element, joined
from shared.domain.renderings.matrix import legend, mark, matrix
from shared.domain.renderings.style import STYLE
from shared.domain.renderings.timeline import timeline
from shared.domain.report import PAIR_ENDINGS, CaptureRow, PairRow, RunReport

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{_STYLE_HASH}'"
"""The page's Content-Security-Policy: this style and nothing else."""

_BADGES = {RunState.SUCCEEDED: "✓ Succeeded", RunState.PARTIALLY_SUCCEEDED: "! Partially succeeded"}
_SHOWN = 5


def as_page(report: RunReport) -> str:
    """The whole page, as text."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="robots", content="noindex"),
        element("title", f"Image factory run {report.run_id}: {report.state}"),
        element("style", Markup(STYLE)),
    )
    body = element("body", element("a", "Skip to the results", class_="skip", href="#results"), _HATCH, _main(report))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


_HATCH = element(
    "svg",
    element(
        "defs",
        element(
            "pattern",
            element("rect", width="6", height="6"),
            element("path", d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2"),
            id="hatch",
            width="6",
            height="6",
            patternUnits="userSpaceOnUse",
        ),
    ),
    class_="unseen",
    width="0",
    height="0",
    aria_hidden="true",
)
"""What failed is hatched: it is seen without colour, too."""


def _main(report: RunReport) -> Markup:
    when = timeline(report)
    failed = [row for row in (*report.captures, *report.pairs) if row.state is Ending.FAILED]
    parts = [
        ("findings", "Findings", len(report.findings), _findings(report.findings)),
        ("failures", "Failures", len(failed), _failures(report)),
        ("matrix", "Labs and images", len(report.pairs), _matrix(report.pairs)),
        ("timeline", "Timeline", None, when and _scrolled("timeline", "Timeline", joined(), when)),
        ("captures", "Golden VMs", len(report.captures), _captures(report.captures)),
        ("pairs", "Images in labs", len(report.pairs), _pairs(report.pairs)),
    ]
    shown = [part for part in parts if part[3]]
    links = [element("a", title, *_count(count), href=f"#{key}") for key, title, count, _ in shown]
    return element(
        "main",
        *_head(report),
        element("nav", *links, aria_label="Sections"),
        element("div", *_tiles(report), id="results"),
        *(section for *_, section in shown if section),
        element("footer", f"Image factory {report.factory_id}, run {report.run_id}. Times are UTC."),
    )


def _count(count: int | None) -> Iterable[Markup]:
    if count is not None:
        yield joined(" ", element("b", f"{count:,}"))


# --- Head


def _head(report: RunReport) -> Iterable[Markup]:
    badge = element("span", _BADGES.get(report.state, f"✕ {report.state}"), class_=f"badge {report.state}")
    yield element("header", element("h1", "Image factory run ", element("small", report.run_id)), badge)
    took = duration((report.ended_at - report.started_at).total_seconds())
    facts = {
        "Started": f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "Ended": f"{report.ended_at:%Y-%m-%d %H:%M:%S} UTC",
        "Took": took,
        "Configuration ETag": element("code", report.configuration.etag or "none"),
        "SHA-256": element("code", report.configuration.sha256 or "none"),
    }
    yield element("dl", *(element("div", element("dt", k), element("dd", v)) for k, v in facts.items()), class_="facts")


def _tiles(report: RunReport) -> Iterable[Markup]:
    endings = Counter(row.state for row in report.pairs)
    made = [row for row in report.captures if row.state is Ending.CAPTURED]
    copied = sum(row.bytes or 0 for row in report.pairs if row.state is Ending.DELIVERED)
    tiles = [_tile(f"{endings[ending]:,}", ending, mark(ending)) for ending in PAIR_ENDINGS]
    tiles.append(_tile(f"{len(made):,}", "captured", mark(Ending.CAPTURED)))
    if failed := sum(row.state is Ending.FAILED for row in report.captures):
        tiles.append(_tile(f"{failed:,}", "captures failed", mark(Ending.FAILED)))
    if copied:
        tiles.append(_tile(size(copied), "copied to labs"))
    yield element("div", *tiles, class_="tiles")
    if total := len(report.pairs):
        yield _share([(ending, endings[ending] / total * 100) for ending in PAIR_ENDINGS if endings[ending]])


def _tile(value: str, what: str, *before: Markup) -> Markup:
    return element("div", element("b", value), *before, what, class_="tile" if value != "0" else "tile none")


def _share(parts: Sequence[tuple[Ending, float]]) -> Markup:
    bars: list[Markup] = []
    begun = 0.0
    for ending, share in parts:
        place = {"x": f"{begun:.3f}%", "width": f"{share:.3f}%", "height": "100%", "class_": ending.value}
        bars.append(element("rect", element("title", f"{ending}: {share:.0f} %"), **place))
        begun += share
    said = ", ".join(f"{share:.0f} % {ending}" for ending, share in parts)
    return element("svg", *bars, class_="share", role="img", aria_label=said)


# --- What went wrong


def _findings(findings: Sequence[Finding]) -> Markup | None:
    if not findings:
        return None
    problems = [
        element(
            "div",
            element("h3", element("code", found.code), f" {found.severity}", *_place(found)),
            element("p", found.message),
            *_next(found.next),
            class_=f"problem {found.severity}",
        )
        for found in sorted(findings, key=lambda found: found.severity is not Severity.ERROR)
    ]
    return _section("findings", "Findings", *problems)


def _place(found: Finding) -> Iterable[Markup]:
    if found.path:
        yield element("span", found.place, class_="quiet")


def _failures(report: RunReport) -> Markup | None:
    """Failures of one kind together: what to do is told once."""
    kinds: defaultdict[tuple[str, str], list[Markup]] = defaultdict(list)
    for row in report.captures:
        if row.state is Ending.FAILED:
            kinds[row.code, row.next].append(element("li", f"Golden VM {row.vm}: {row.message}"))
    for number, row in enumerate(report.pairs):
        if row.state is Ending.FAILED:
            link = element("a", f"{row.lab}, {row.image or row.image_path}", href=f"#pair-{number}")
            kinds[row.code, row.next].append(element("li", link, f": {row.message}" if row.message else ""))
    problems = [_failure(*kind, items) for kind, items in sorted(kinds.items(), key=lambda kind: -len(kind[1]))]
    return _section("failures", "Failures and what to do", *problems) if problems else None


def _failure(code: str, step: str, items: Sequence[Markup]) -> Markup:
    more = len(items) - _SHOWN
    rest = [element("li", f"and {more:,} more, in the tables below", class_="quiet")] if more > 0 else []
    title = element("h3", mark(Ending.FAILED), element("code", code), f" {len(items):,} failed")
    return element("div", title, *_next(step), element("ul", *items[:_SHOWN], *rest), class_="problem")


def _next(step: str) -> Iterable[Markup]:
    if step:
        yield element("p", element("b", "Next step: "), step, class_="next")


# --- Tables


def _matrix(pairs: Sequence[PairRow]) -> Markup | None:
    return _scrolled("matrix", "Labs and images", legend(), matrix(pairs)) if pairs else None


def _captures(captures: Sequence[CaptureRow]) -> Markup | None:
    if not captures:
        return None
    heads = ("VM", "State", "Image path", "Image", "Size", "Began", "Took", "Why, and the next step")
    rows = [
        element("tr", element("th", row.vm, scope="row"), *_ending(row), class_=row.state.value) for row in captures
    ]
    return _scrolled("captures", "Golden VMs", joined(), _table(heads, [element("tbody", *rows)]))


def _pairs(pairs: Sequence[PairRow]) -> Markup | None:
    if not pairs:
        return None
    heads = ("Lab", "State", "Image path", "Image", "Size", "Began", "Took", "Why, and the next step")
    labs: defaultdict[tuple[str, str, str], list[Markup]] = defaultdict(list)
    for number, row in enumerate(pairs):
        cells = element("th", row.lab, scope="row"), *_ending(row)
        line = element("tr", *cells, id=f"pair-{number}", class_=row.state.value, data_state=row.state)
        labs[row.subscription_id, row.lab, row.resource_group].append(line)
    bodies = [element("tbody", *rows) for rows in labs.values()]
    return _scrolled("pairs", "Images in labs", _pick(), _table(heads, bodies), "pairs")


def _pick() -> Markup:
    """Shows the rows of one state only; needs no script."""
    choices = [element("label", _radio("all", "checked"), "all")]
    choices += [element("label", _radio(ending, None), mark(ending), ending) for ending in PAIR_ENDINGS]
    return element("fieldset", element("legend", "Show", class_="unseen"), *choices, class_="pick")


def _radio(state: str, checked: str | None) -> Markup:
    return element("input", type="radio", name="only", id=f"only-{state}", checked=checked)


def _ending(row: CaptureRow | PairRow) -> Iterable[Markup]:
    yield element("td", mark(row.state), row.ending, class_="state")
    yield element("td", *_breakable(row.image_path), class_="path")
    yield element("td", *_breakable(row.image), class_="path")
    yield element("td", size(row.bytes), class_="number")
    yield element("td", f"{row.began_at:%H:%M:%S}" if row.began_at else "", class_="number")
    yield element("td", duration(row.seconds), class_="number")
    yield element("td", row.why, *_next(row.next), class_="why" if row.why else None)


def _breakable(text: str) -> Iterable[str]:
    """A long path may go on in the next line after a separator."""
    first, *others = re.split(r"(?<=[\\/_])", text)
    yield first
    for part in others:
        yield element("wbr")
        yield part


def _table(heads: Iterable[str], bodies: Iterable[Markup]) -> Markup:
    return element("table", element("thead", element("tr", *(element("th", h, scope="col") for h in heads))), *bodies)


def _section(key: str, title: str, *content: Markup) -> Markup:
    return element("section", element("h2", title), *content, id=key)


def _scrolled(key: str, title: str, beside: Markup, content: Markup, class_: str | None = None) -> Markup:
    """A table that scrolls inside of its section, by keyboard, too."""
    head = element("div", element("h2", title), beside, class_="head")
    inside = element("div", content, class_="scroll", tabindex=0, role="region", aria_label=title)
    return element("section", head, inside, id=key, class_=class_)
