"""The app's own source, as the contract tests read it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def app_files() -> list[Path]:
    folders = ("api", "orchestrators", "activities", "shared")
    return [ROOT / "function_app.py", *sorted(path for name in folders for path in (ROOT / name).rglob("*.py"))]


def nodes(paths: list[Path] | None = None) -> Iterator[ast.AST]:
    """Every syntax node of the app, or of the given files."""
    for path in paths or app_files():
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def first_text(call: ast.Call, position: int = 0) -> str | None:
    """The text literal at a position of a call's arguments."""
    if len(call.args) > position:
        match call.args[position]:
            case ast.Constant(value=str(text)):
                return text
            case _:
                pass
    return None


def called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
