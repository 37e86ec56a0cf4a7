"""Markdown tables whose cells nothing can break."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; `**bold**` in a cell is kept, HTML, links and line ends are not (B62)."""
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"


def escaped(cell: str) -> str:
    """A text that cannot break a table or carry HTML or links (B62)."""
    for mark in "\\|[]<>`":
        cell = cell.replace(mark, {"<": "&lt;", ">": "&gt;"}.get(mark, "\\" + mark))
    return " ".join(cell.split())
