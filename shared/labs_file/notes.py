"""The findings about labs.json, gathered while it is read."""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shared.domain.findings import Finding, Severity
from shared.domain.quoting import lookalike
from shared.errors import ConfigurationError
from shared.labs_file.fields import fits, holds_secret, listed, shown
from shared.labs_file.located_json import Array, Located, Member, Object, Value
from shared.labs_file.model import IMAGE_PATHS, LABS, SUBSCRIPTION_ID, Key, names
from shared.redaction import redacted

MOST_FINDINGS = 5000
"""A file of a megabyte can be wrong in half a million places; nobody reads more than this."""

_SHOWN = 5
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")


class Notes:
    """Findings with their places; no secret gets into one."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._left_out: list[Severity] = []

    def error(self, fault: ConfigurationError, path: str, line: int) -> Finding:
        return self._add(Severity.ERROR, fault, path, line)

    def warning(self, fault: ConfigurationError, path: str, line: int | None) -> None:
        self._add(Severity.WARNING, fault, path, line)

    def _add(self, severity: Severity, fault: ConfigurationError, path: str, line: int | None) -> Finding:
        if len(self._findings) >= MOST_FINDINGS:
            self._left_out.append(severity)
            return Finding(
                severity, fault.code, "There are too many findings to tell this one.", "Correct the others first."
            )
        told = (redacted(fault.message), redacted(fault.next_step), redacted(path))
        self._findings.append(Finding(severity, fault.code, *told, line))
        return self._findings[-1]

    @property
    def has_errors(self) -> bool:
        return any(found.severity is Severity.ERROR for found in self._findings) or Severity.ERROR in self._left_out

    def in_order(self) -> tuple[Finding, ...]:
        """By line; what stands in no line comes last."""
        found = sorted(self._findings, key=lambda finding: (finding.line is None, finding.line))
        if self._left_out:
            severity = max(self._left_out, key=lambda severity: severity is Severity.ERROR)
            message = f"There are {len(self._left_out)} more findings."
            found.append(Finding(severity, "MoreFindings", message, "Correct these first, then run again.", "$"))
        return tuple(found)


class Members:
    """The members of an object by lower-case key, as the original read them; what is wrong with their keys goes to `notes`.

    `twice` is the finding about the first key that is there twice; of two lists both are read.
    """

    def __init__(self, value: Object, path: str, keys: tuple[Key, ...], notes: Notes) -> None:
        self._path = path
        self._notes = notes
        self.twice: Finding | None = None
        by_key: defaultdict[str, list[Member]] = defaultdict(list)
        for member in value.members:
            by_key[member.key.lower()].append(member)
        self._members = {key: self._one(same) for key, same in by_key.items()}
        self._misnamed = _misnamed(self._members, keys)
        for key, member in self._members.items():
            self._note_key(key, member, names(keys))

    def get(self, key: Key) -> Member | None:
        return self._members.get(key.name.lower())

    def meant(self, key: Key) -> Member | None:
        """The member that was probably meant to be this one, which is missing."""
        return self._misnamed.get(key.name)

    def renamed(self, key: Key) -> str | None:
        """What to write for a key that is missing because it has another name."""
        member = self.meant(key)
        return f'Write "{key.name}" instead of {shown(member.key)} on line {member.line}.' if member else None

    def _one(self, same: Sequence[Member]) -> Member:
        first, *others = same
        lists = [member.content.value for member in same if isinstance(member.content.value, Array)]
        items = tuple(item for each in lists for item in each.items) if len(lists) == len(same) > 1 else ()
        once = (
            f"Write {shown(first.key)}: {joined([item.value for item in items])} instead of the two." if items else ""
        )
        for member in others:
            message = f"The key {shown(member.key)} is there twice: as {shown(first.key)} on line {first.line} already."
            other = "the other" if first.line == member.line else f"{shown(first.key)} on line {first.line}"
            advice = once or f"Remove {shown(member.key)} on line {member.line}, or {other}."
            fault = ConfigurationError("DuplicateKey", message, advice)
            found = self._notes.error(fault, self._place(member), member.line)
            self.twice = self.twice or found
        return Member(first.key, first.line, Located(Array(items), first.content.line)) if items else first

    def _note_key(self, lower: str, member: Member, keys: Sequence[str]) -> None:
        known = {key.lower(): key for key in keys}
        if lower not in known:
            message = f"The key {shown(member.key)}{lookalike(member.key)} is unknown and ignored."
            fault = ConfigurationError("UnknownKey", message, self._instead(member, keys))
            self._notes.warning(fault, self._place(member), member.line)
        elif member.key not in keys:
            key = known[lower]
            fault = ConfigurationError("KeyCase", f'The key {shown(member.key)} is read as "{key}".', f'Write "{key}".')
            self._notes.warning(fault, self._place(member), member.line)

    def _instead(self, member: Member, keys: Sequence[str]) -> str:
        if meant := next((name for name, other in self._misnamed.items() if other is member), None):
            return f'Write "{meant}" instead.'
        near = _nearest(member.key, keys)
        there = self._members.get(near.lower()) if near else None
        if there and near in (IMAGE_PATHS.name, LABS.name):
            return f"Join its entries into {shown(there.key)} on line {there.line}, and remove it."
        return f"Remove it; known are {', '.join(keys)}."

    def _place(self, member: Member) -> str:
        known = _IDENTIFIER.fullmatch(member.key)
        return f"{self._path}.{member.key}" if known else f"{self._path}[{shown(member.key)}]"


def joined(entries: Sequence[Value]) -> str:
    """One list of the entries of two, as long as that can be written as it is and read at one look."""
    paths = dict.fromkeys(entry for entry in entries if isinstance(entry, str))
    plain = len(paths) <= _SHOWN and all(isinstance(entry, str) and not holds_secret(entry) for entry in entries)
    return f"[{listed(paths)}]" if plain else "[the entries of both]"


def _misnamed(members: Mapping[str, Member], keys: Iterable[Key]) -> dict[str, Member]:
    """For the name of a missing key the unknown member that was probably meant to be it, by its spelling or else by its value."""
    known = {key.name.lower() for key in keys}
    unknown = {member.key: member for lower, member in members.items() if lower not in known}
    missing = [key for key in keys if key.name.lower() not in members]
    found: dict[str, Member] = {}
    for key in missing:
        if near := _nearest(key.name, unknown):
            found[key.name] = unknown.pop(near)
    for key in missing:
        alike = [name for name, member in unknown.items() if _has_value_of(key, member)]
        if key.name not in found and len(alike) == 1:
            found[key.name] = unknown.pop(alike[0])
    return found


def _has_value_of(key: Key, member: Member) -> bool:
    value = member.content.value
    if key is SUBSCRIPTION_ID:
        return isinstance(value, str) and fits(key, value)
    return key in (IMAGE_PATHS, LABS) and isinstance(value, Array)


def _nearest(key: str, keys: Iterable[str]) -> str | None:
    """The one of the keys that was probably meant to be this one, or this one to be it."""
    known = {other[:50].lower(): other for other in keys}
    lower = key[:50].lower()
    near = difflib.get_close_matches(lower, known, n=1, cutoff=0.7)
    near += [other for other in known if _is_short_for(other, lower) or _is_short_for(lower, other)]
    return known[near[0]] if near else None


def _is_short_for(short: str, name: str) -> bool:
    """True for a part of the name, and for what begins as it does and leaves letters out: RG, SubId."""
    rest = iter(name)
    return len(short) > 1 and (short in name or (short[0] == name[:1] and all(letter in rest for letter in short)))
