"""Labs x images: what became of each pair, at one look."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shared.domain.matching import path_key
from shared.domain.outcomes import Ending
from shared.domain.renderings.markup import Markup, element, joined
from shared.domain.report import PAIR_ENDINGS, PairRow

MARKS = {
    Ending.DELIVERED: "✓",
    Ending.CAPTURED: "✓",
    Ending.PRESENT: "=",
    Ending.SKIPPED: "–",
    Ending.FAILED: "✕",
}
"""Told apart without colour, and by their words for those who listen."""


def mark(state: Ending) -> Markup:
    return element("i", MARKS[state], class_=f"mark {state}", aria_hidden="true")


def matrix(pairs: Sequence[PairRow]) -> Markup:
    """A table with a row for each lab and a column for each image path; a lab's failures lead to their rows below."""
    paths = {path_key(row.image_path): row.image_path for row in pairs}
    columns = sorted(paths)
    heads = [element("th", element("span", _short(paths[key])), scope="col", title=paths[key]) for key in columns]
    head = element("thead", element("tr", element("th", "Lab", scope="col"), *heads, element("th", aria_hidden="true")))
    bodies = [_subscription(*group, columns) for group in _by_subscription(pairs).items()]
    return element("table", head, *bodies, class_="matrix")


def legend() -> Markup:
    return element("ul", *(element("li", mark(state), state) for state in PAIR_ENDINGS), class_="legend")


def _subscription(subscription: str, rows: Iterable[tuple[int, PairRow]], columns: Sequence[str]) -> Markup:
    labs: defaultdict[tuple[str, str], list[tuple[int, PairRow]]] = defaultdict(list)
    for number, row in rows:
        labs[row.lab, row.resource_group].append((number, row))
    names = [name for name, _ in labs]
    title = element("span", f"Subscription {subscription or 'unknown'}")
    head = element("tr", element("th", title, scope="rowgroup", colspan=len(columns) + 2), class_="group")
    lines = [
        _lab(name if names.count(name) == 1 else f"{name} ({group})", cells, columns)
        for (name, group), cells in labs.items()
    ]
    return element("tbody", head, *lines)


def _lab(name: str, cells: Iterable[tuple[int, PairRow]], columns: Sequence[str]) -> Markup:
    by_path: defaultdict[str, list[tuple[int, PairRow]]] = defaultdict(list)
    for number, row in cells:
        by_path[path_key(row.image_path)].append((number, row))
    return element("tr", element("th", name, scope="row"), *(_cell(by_path[key]) for key in columns), element("td"))


def _cell(rows: Sequence[tuple[int, PairRow]]) -> Markup:
    if not rows:
        return element("td")
    title = "; ".join(_said(row) for _, row in rows)
    states = [row.state for _, row in rows]
    return element(
        "td",
        *(_mark(number, row) for number, row in rows),
        title=title,
        class_="failed" if Ending.FAILED in states else None,
    )


def _mark(number: int, row: PairRow) -> Markup:
    said = joined(mark(row.state), element("span", f"{row.state} ", class_="unseen"))
    return element("a", said, href=f"#pair-{number}") if row.state is Ending.FAILED else said


def _said(row: PairRow) -> str:
    return f"{row.image or row.image_path}: {' '.join(filter(None, (row.ending, row.code)))}"


def _by_subscription(pairs: Sequence[PairRow]) -> Mapping[str, list[tuple[int, PairRow]]]:
    """The pairs with their numbers, which name their rows in the page."""
    found: defaultdict[str, list[tuple[int, PairRow]]] = defaultdict(list)
    for number, row in enumerate(pairs):
        found[row.subscription_id].append((number, row))
    return found


def _short(path: str) -> str:
    return path.removesuffix(".json").replace("\\", " / ")
