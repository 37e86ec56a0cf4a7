"""Dataclass to JSON and back: lower camel case on the wire, nothing said about what is None."""

import re
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")

_HUMP = re.compile(r"_([a-z0-9])")
_CAPITAL = re.compile(r"([A-Z])")


def to_plain(value: object) -> Any:
    """Plain JSON values: dicts with camelCase keys, ISO 8601 times and durations; keys whose value is None are left out."""
    return _renamed(msgspec.to_builtins(value), camel)


def from_plain(plain: Any, kind: type[T]) -> T:
    """The value of type `kind`; raises msgspec.ValidationError, a ValueError, for what does not fit. Unknown keys are ignored."""
    if kind not in _learned:
        _learn(kind)
    return msgspec.convert(_renamed(plain, _snake), kind, strict=False)


_learned: set[Any] = set()
_learning = Lock()


def _learn(kind: Any) -> None:
    """Let msgspec look at a type's fields, which it keeps, before any value is read.

    It is not safe to do so in two threads at once (seen with 0.22.0): the second one uses what the first has half done, and the
    process dies. The activities of a fresh worker all begin together.
    """
    with _learning:
        msgspec.json.Decoder(kind)
        _learned.add(kind)


def to_json(value: object, indent: int = 0) -> bytes:
    encoded = msgspec.json.encode(to_plain(value))
    return msgspec.json.format(encoded, indent=indent) if indent else encoded


def without_blanks(plain: Any) -> Any:
    """Plain values without the keys whose text is empty, for documents that others read."""
    if isinstance(plain, dict):
        pairs = cast(dict[str, Any], plain).items()
        return {key: without_blanks(value) for key, value in pairs if value not in ("", None)}
    return [without_blanks(item) for item in cast(list[Any], plain)] if isinstance(plain, list) else plain


def from_json(data: bytes, kind: type[T]) -> T:
    return from_plain(msgspec.json.decode(data), kind)


def camel(key: str) -> str:
    return _HUMP.sub(lambda hump: hump[1].upper(), key)


def _snake(key: str) -> str:
    return _CAPITAL.sub(lambda capital: "_" + capital[1].lower(), key)


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        pairs = cast(dict[str, Any], value).items()
        return {rename(key): _renamed(item, rename) for key, item in pairs if item is not None}
    if isinstance(value, list | tuple):
        return [_renamed(item, rename) for item in cast(list[Any], value)]
    return value
