"""What an orchestrator must not contain, found in its syntax tree (`durable-facts.md` sections 1 and 2)."""

import ast
from collections.abc import Callable, Iterator

_MODULES = {
    *("activities", "orchestrators", "shared.domain", "shared.durable", "shared.errors", "shared.wire"),
    *("collections", "dataclasses", "datetime", "enum", "itertools", "math", "typing"),
}
"""What an orchestrator may import: nothing in it differs from replay to replay. (What it takes of activities, see `_called`.)"""

_NAMES = {"open", "print", "input", "uuid1", "uuid4", "settings", "getenv", "environ", "hash", "id"}
_REFLECTION = {"getattr", "setattr", "vars", "globals", "eval", "exec", "compile", "__import__"}
"""By these everything else here could be gone round."""

_CLOCK = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "uuid1", "uuid4", "getnode"}
_CHANCE = {"random", "choice", "choices", "randint", "shuffle", "sample", "urandom", "token_hex", "token_bytes"}
_DURABLE = {"task_any", "call_http", "wait_for_external_event", "call_entity", "signal_entity"}
_COMPOUND = {"task_all", "task_any"}
_SEAM = {"call", "call_child", "fan_out", "fan_out_children", "wait_while", "wait_on", "settled"}
_SDK = {"call_activity", "call_sub_orchestrator", "create_timer", "task_all", "get_input"}
_IN_ORDER = {"list", "tuple", "enumerate", "next", "iter", "map", "filter", "zip", "reversed", "dict"}
"""Built in, and what comes out of them is in the order of what goes in."""


def forbidden(source: str) -> list[str]:
    """Everything in an orchestrator's source that replays differently or goes past the seam, as "line: what"."""
    tree = ast.parse(source)
    activities = set(_activities(tree))

    def wrong(node: ast.AST, sets: set[str]) -> Iterator[str]:
        yield from _imported(node)
        yield from _used(node, _NAMES | _REFLECTION, _SDK | _DURABLE | _CLOCK | _CHANCE)
        yield from _bypassed(node)
        yield from _called(node, activities)
        yield from _iterated(node, sets)

    return _found(tree, wrong)


def forbidden_in_seam(source: str) -> list[str]:
    """The same of what orchestrators are made of: the seam, which alone uses the SDK, and the domain, which is pure."""
    tree = ast.parse(source)
    compounds = {target for node in ast.walk(tree) for target in _names_of(node, _is_compound)}

    def wrong(node: ast.AST, sets: set[str]) -> Iterator[str]:
        yield from _used(node, _NAMES, _DURABLE | _CLOCK | _CHANCE)
        yield from _nested(node, compounds)
        yield from _iterated(node, sets)

    return _found(tree, wrong)


def _found(tree: ast.AST, wrong: Callable[[ast.AST, set[str]], Iterator[str]]) -> list[str]:
    sets = {target for node in ast.walk(tree) for target in (*_names_of(node, _is_set_itself), *_annotated_sets(node))}
    found = [(node, what) for node in ast.walk(tree) for what in wrong(node, sets)]
    return [f"{getattr(node, 'lineno', 0)}: {what}" for node, what in found]


def _bypassed(node: ast.AST) -> Iterator[str]:
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
            modules = [alias.name for alias in names]
        case ast.ImportFrom(module=str(module)):
            modules = [module]
        case _:
            return
    for module in modules:
        parts = module.split(".")
        if not any(".".join(parts[:length]) in _MODULES for length in range(1, len(parts) + 1)):
            yield f"imports {module}"


def _used(node: ast.AST, names: set[str], attributes: set[str]) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if name in names:
            yield f"uses {name}"
        case ast.Attribute(attr=name) if name in attributes:
            yield f"goes past the seam with {name}" if name in _SDK else f"uses {name}"
        case ast.Attribute(attr=name) | ast.Name(id=name) if name.endswith("_with_retry"):
            yield f"uses {name}"
        case _:
            return


def _activities(tree: ast.AST) -> Iterator[str]:
    """The functions among what is imported from activities; their inputs and results are classes."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.partition(".")[0] == "activities":
                yield from (name for alias in names if (name := alias.asname or alias.name).islower())
            case _:
                continue


def _called(node: ast.AST, activities: set[str]) -> Iterator[str]:
    """An activity that is called here does its work in each replay."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in activities:
            yield f"does the activity {name} itself"
        case _:
            return


def _nested(node: ast.AST, compounds: set[str]) -> Iterator[str]:
    """A compound task inside another kills the run (`durable-facts.md` 2.3)."""
    if not _is_compound(node):
        return
    for inner in ast.walk(node):
        if inner is not node and (_is_compound(inner) or (isinstance(inner, ast.Name) and inner.id in compounds)):
            yield "nests a compound task in another"


def _is_compound(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) if name in _COMPOUND:
            return True
        case _:
            return False


def _iterated(node: ast.AST, sets: set[str]) -> Iterator[str]:
    """The order of a set differs from process to process."""
    match node:
        case ast.For(iter=walked) | ast.comprehension(iter=walked):
            pass
        case ast.Starred(value=walked) | ast.YieldFrom(value=walked):
            pass
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _IN_ORDER:
            walked = ast.Tuple(arguments)
        case ast.Call(func=ast.Attribute(attr="join" | "extend" | "fromkeys"), args=[walked, *_]):
            pass
        case ast.Call(func=ast.Attribute(value=walked, attr="pop"), args=[]):
            pass
        case _:
            return
    each = walked.elts if isinstance(walked, ast.Tuple) else [walked]
    if any(_is_set(part, sets) for part in each):
        yield "iterates a set"


def _is_set(node: ast.AST, sets: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Name(id=name):
            return name in sets
        case ast.Call(func=ast.Attribute(value=left, attr="union" | "intersection" | "difference" | "copy")):
            return _is_set(left, sets)
        case ast.BinOp(left=ast.Call(func=ast.Attribute(attr="keys")), op=ast.BitOr() | ast.BitAnd() | ast.Sub()):
            return True
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
            return _is_set(left, sets) or _is_set(right, sets)
        case _:
            return False


def _is_set_itself(node: ast.AST) -> bool:
    return _is_set(node, set())


def _names_of(node: ast.AST, is_one: Callable[[ast.AST], bool]) -> Iterator[str]:
    """The names that are given to such a value."""
    match node:
        case ast.Assign(targets=targets, value=value) if is_one(value):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.NamedExpr(target=ast.Name(id=name), value=value) if is_one(value):
            yield name
        case _:
            return


def _annotated_sets(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
            pass
        case ast.arg(arg=name, annotation=ast.AST() as annotation):
            pass
        case _:
            return
    if ast.unparse(annotation).startswith(("set[", "frozenset[", "AbstractSet[")):
        yield name
