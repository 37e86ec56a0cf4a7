"""What an orchestrator must not contain, found in its syntax tree (`durable-facts.md` sections 1 and 2)."""

import ast
from collections.abc import Iterator

_MODULES = {
    *("asyncio", "concurrent", "http", "io", "os", "pathlib", "random", "requests", "secrets", "shutil", "socket"),
    *("subprocess", "sys", "tempfile", "threading", "time", "urllib"),
}
_NAMES = {"open", "print", "input", "uuid1", "uuid4", "settings", "getenv", "environ", "hash", "id"}
_CLOCK = {"now", "utcnow", "today", "uuid1", "uuid4"}
_DURABLE = {"task_any", "call_http", "wait_for_external_event", "call_entity", "signal_entity"}
_SEAM = {"call", "call_child", "fan_out", "fan_out_children", "wait_while", "settled"}
_SDK = {"call_activity", "call_sub_orchestrator", "create_timer", "task_all", "get_input"}


def forbidden(source: str) -> list[str]:
    """Everything in an orchestrator's source that replays differently or goes past the seam, as "line: what"."""
    tree = ast.parse(source)
    sets = {target for node in ast.walk(tree) for target in _names_of_sets(node)}
    found = [(node, what) for node in ast.walk(tree) for what in _wrong(node, sets)]
    return [f"{getattr(node, 'lineno', 0)}: {what}" for node, what in found]


def _wrong(node: ast.AST, sets: set[str]) -> Iterator[str]:
    yield from _imported(node)
    yield from _used(node)
    yield from _iterated(node, sets)
    match node:
        case ast.Call(func=ast.Name(id=seam), args=[_, ast.Constant(value=str(name)), *_]) if seam in _SEAM:
            yield f"names {name!r} by a string"
        case ast.AsyncFunctionDef() | ast.Await():
            yield "is asynchronous"
        case ast.Global() | ast.Nonlocal():
            yield "changes what outlives a replay"
        case _:
            return


def _imported(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (f"imports {alias.name}" for alias in names if alias.name.partition(".")[0] in _MODULES)
        case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in _MODULES:
            yield f"imports {module}"
        case _:
            return


def _used(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if name in _NAMES:
            yield f"uses {name}"
        case ast.Attribute(attr=name) if name in _CLOCK | _DURABLE:
            yield f"uses {name}"
        case ast.Attribute(attr=name) if name in _SDK:
            yield f"goes past the seam with {name}"
        case ast.Attribute(attr=name) | ast.Name(id=name) if name.endswith("_with_retry"):
            yield f"uses {name}"
        case _:
            return


def _iterated(node: ast.AST, sets: set[str]) -> Iterator[str]:
    """The order of a set differs from process to process."""
    match node:
        case ast.For(iter=walked) | ast.comprehension(iter=walked):
            pass
        case ast.Starred(value=walked) | ast.YieldFrom(value=walked):
            pass
        case ast.Call(func=ast.Name(id="list" | "tuple" | "enumerate" | "next" | "iter"), args=[walked, *_]):
            pass
        case _:
            return
    if _is_set(walked, sets):
        yield "iterates a set"


def _is_set(node: ast.AST, sets: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Name(id=name):
            return name in sets
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
            return _is_set(left, sets) or _is_set(right, sets)
        case _:
            return False


def _names_of_sets(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Assign(targets=targets, value=value) if _is_set(value, set()):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if ast.unparse(annotation).startswith(
            ("set[", "frozenset[")
        ):
            yield name
        case ast.arg(arg=name, annotation=ast.AST() as annotation) if ast.unparse(annotation).startswith(
            ("set[", "frozenset[")
        ):
            yield name
        case _:
            return
