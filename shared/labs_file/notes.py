"""The findings about labs.json, gathered while it is read."""

import difflib
import re
from collections.abc import Iterable, Sequence

from shared.domain.findings import Finding, Severity
from shared.errors import ConfigurationError
from shared.labs_file.fields import shown
from shared.labs_file.located_json import Member, Object
from shared.redaction import redacted

MOST_FINDINGS = 5000
"""A file of a megabyte can be wrong in half a million places; nobody reads more than this."""

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

    def in_order(self) -> tuple[Finding, ...]:
        """By line; what stands in no line comes last."""
        found = sorted(self._findings, key=lambda finding: (finding.line is None, finding.line))
        if self._left_out:
            severity = max(self._left_out, key=lambda severity: severity is Severity.ERROR)
            message = f"There are {len(self._left_out)} more findings."
            found.append(Finding(severity, "MoreFindings", message, "Correct these first, then run again.", "$"))
        return tuple(found)


def read_members(
    value: Object, path: str, keys: Sequence[str], notes: Notes
) -> tuple[dict[str, Member], Finding | None]:
    """The members by lower-case key, as the original read them, and the finding about the first key that is there twice."""
    members: dict[str, Member] = {}
    twice: Finding | None = None
    known = {key.lower(): key for key in keys}
    for member in value.members:
        place = f"{path}.{member.key}" if _IDENTIFIER.fullmatch(member.key) else f"{path}[{shown(member.key)}]"
        first = members.setdefault(member.key.lower(), member)
        if first is not member:
            message = f"The key {shown(member.key)} is there twice: as {shown(first.key)} on line {first.line} already."
            advice = f"Remove {shown(member.key)} on line {member.line}, or {shown(first.key)} on line {first.line}."
            fault = ConfigurationError("DuplicateKey", message, advice)
            found = notes.error(fault, place, member.line)
            twice = twice or found
        elif member.key.lower() not in known:
            message = f"The key {shown(member.key)} is unknown and ignored."
            near = nearest(member.key, keys)
            advice = f'Write "{near}" instead.' if near else f"Remove it; known are {', '.join(keys)}."
            notes.warning(ConfigurationError("UnknownKey", message, advice), place, member.line)
        elif member.key not in keys:
            key = known[member.key.lower()]
            fault = ConfigurationError("KeyCase", f'The key {shown(member.key)} is read as "{key}".', f'Write "{key}".')
            notes.warning(fault, place, member.line)
    return members, twice


def nearest(key: str, keys: Iterable[str]) -> str | None:
    """The key that this one was probably meant to be."""
    known = {other[:50].lower(): other for other in keys}
    near = difflib.get_close_matches(key[:50].lower(), known, n=1, cutoff=0.7)
    return known[near[0]] if near else None
