"""Read one lab of labs.json as far as it can be read."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.findings import Finding
from shared.domain.labs import LabRequest
from shared.domain.matching import ImageEntry, parse_entry
from shared.domain.quoting import printable, quoted
from shared.errors import ConfigurationError
from shared.labs_file.definitions import Definitions
from shared.labs_file.fields import fits, lab_name, meant, resource_group, shown, subscription_id, write
from shared.labs_file.located_json import Array, Located, Member, Object, Value, kind
from shared.labs_file.model import EXAMPLE_LAB, IMAGE_PATHS, LAB, LAB_NAME, RESOURCE_GROUP, SUBSCRIPTION_ID, Key, names
from shared.labs_file.notes import Notes, nearest, read_members
from shared.redaction import redacted


@dataclass(frozen=True)
class Draft:
    """A lab of the file; `problem` is the first reason why it is set aside."""

    request: LabRequest
    problem: Finding | None = None

    @property
    def is_recognisable(self) -> bool:
        """A lab without a name is a finding and nothing more."""
        return bool(self.request.name.strip())

    @property
    def place(self) -> str:
        return f"{self.request.path} on line {self.request.line}"


def read_lab(node: Located, path: str, notes: Notes, definitions: Definitions) -> Draft:
    """Never raises: what is wrong goes to `notes`, what can be read into the draft."""
    if not isinstance(node.value, Object):
        name = meant(node.value)
        advice = f"Write {json.dumps(EXAMPLE_LAB | ({LAB_NAME.name: name} if name and fits(LAB_NAME, name) else {}))}."
        fault = ConfigurationError("LabNotObject", f"The lab is {kind(node.value)}, not an object.", advice)
        return Draft(LabRequest("", "", (), "", path, node.line), notes.error(fault, path, node.line))
    members, twice = read_members(node.value, path, names(LAB), notes)
    lab = _Lab(members, path, node.line, notes)
    subscription = lab.text(SUBSCRIPTION_ID, subscription_id)
    name = lab.text(LAB_NAME, lab_name)
    group = lab.text(RESOURCE_GROUP, resource_group)
    entries = lab.entries(definitions)
    return Draft(LabRequest(subscription, name, entries, group, path, node.line), twice or lab.problem)


class _Lab:
    """The members of one lab, and the first thing that sets it aside."""

    def __init__(self, members: dict[str, Member], path: str, line: int, notes: Notes) -> None:
        self._members = members
        self._path = path
        self._line = line
        self._notes = notes
        self.problem: Finding | None = None

    def text(self, key: Key, read: Callable[[Value], str]) -> str:
        """The value as `read` takes it; else what can be shown of it, and the lab is set aside."""
        member = self._members.get(key.name.lower())
        if member is None:
            if key.required:
                fault = ConfigurationError(f"{key.name}Invalid", f"The lab has no {key.name}.", self._add(key))
                self._set_aside(fault, self._path, self._line)
            return ""
        try:
            return read(member.content.value)
        except ConfigurationError as fault:
            self._set_aside(fault, self._place(member), member.content.line)
        value = member.content.value
        # A group that cannot be read must not tell two labs apart.
        return printable(redacted(value)) if isinstance(value, str) and key.required else ""

    def entries(self, definitions: Definitions) -> tuple[ImageEntry, ...]:
        """The entries that can be used; an unusable one is set aside alone."""
        member = self._members.get("imagepaths")
        value = member.content.value if member else None
        if member is None or value is None:
            said = "no ImagePaths" if member is None else "null for ImagePaths"
            advice = (
                self._add(IMAGE_PATHS) if member is None else 'Write a list such as ["Windows"]; [] asks for nothing.'
            )
            fault = ConfigurationError("ImagePathsMissing", f"The lab has {said}.", advice)
            self._set_aside(fault, self._path if member is None else self._place(member), self._line_of(member))
            return ()
        place = self._place(member)
        if isinstance(value, str):
            several = [part.strip() for part in re.split("[,;]", redacted(value))]
            advice = f"Write [{', '.join(map(quoted, filter(None, several)))}]."
            self._warn("ImagePathsNotList", "ImagePaths is one text, not a list.", advice, place, member.content.line)
            nodes = [(member.content, place)]
        elif isinstance(value, Array):
            nodes = [(item, f"{place}[{index}]") for index, item in enumerate(value.items)]
        else:
            paths = (
                [member.key for member in value.members] if isinstance(value, Object) else [meant(value) or "Windows"]
            )
            advice = f"Write [{', '.join(map(shown, paths[:50]))}]."
            fault = ConfigurationError("ImagePathsInvalid", f"ImagePaths is {kind(value)}, not a list.", advice)
            self._set_aside(fault, place, member.content.line)
            return ()
        if not nodes:
            self._warn(
                "ImagePathsEmpty",
                "The lab asks for no image.",
                "Add a path, or remove the lab.",
                place,
                member.content.line,
            )
        read = (self._entry(node, where, definitions) for node, where in nodes)
        return tuple(entry for entry in read if entry is not None)

    def _entry(self, node: Located, place: str, definitions: Definitions) -> ImageEntry | None:
        try:
            entry = _parsed(node.value)
        except ConfigurationError as fault:
            # What holds a secret is to be removed, wherever it may lead.
            text = node.value if fault.code not in ("EntrySecret", "EntryTooLong") else None
            if isinstance(text, str) and (advice := definitions.instead_of(text)):
                fault = ConfigurationError(fault.code, fault.message, advice)
            self._notes.error(fault, place, node.line)
            return None
        if not definitions.has_any_for(entry):
            message = f"The entry {quoted(entry.text)} matches no definition below GoldenImages."
            fault = ConfigurationError("EntryMatchesNothing", message, definitions.did_you_mean(entry))
            self._notes.error(fault, place, node.line)
            return None
        if entry.leading_slash:
            advice = f"Write {quoted(entry.text[1:])}."
            self._warn(
                "LeadingSlash", f"The entry {quoted(entry.text)} begins with a separator.", advice, place, node.line
            )
        return entry

    def _add(self, key: Key) -> str:
        """How to add a key that is not there, or to correct the one that was meant to be it."""
        known = {name.lower() for name in names(LAB)}
        others = {member.key: member.line for lower, member in self._members.items() if lower not in known}
        if near := nearest(key.name, others):
            return f'Write "{key.name}" instead of {shown(near)} on line {others[near]}.'
        return f'Add "{key.name}": {json.dumps(key.examples[0])}, with this lab\'s own value, to the lab on line {self._line}.'

    def _set_aside(self, fault: ConfigurationError, path: str, line: int) -> None:
        found = self._notes.error(fault, path, line)
        self.problem = self.problem or found

    def _warn(self, code: str, message: str, next_step: str, path: str, line: int) -> None:
        self._notes.warning(ConfigurationError(code, message, next_step), path, line)

    def _place(self, member: Member) -> str:
        return f"{self._path}.{member.key}"

    def _line_of(self, member: Member | None) -> int:
        return member.content.line if member else self._line


def _parsed(value: Value) -> ImageEntry:
    if not isinstance(value, str):
        text = meant(value)
        advice = write(text) if text else 'Write a path such as "Win2022/Datacenter.json", or remove the entry.'
        raise ConfigurationError("EntryNotText", f"The entry is {kind(value)}, not a text.", advice)
    entry = parse_entry(redacted(value))
    if entry.text != value:
        raise ConfigurationError(
            "EntrySecret", f"The entry {quoted(entry.text)} holds a secret.", "Remove it, and renew the secret."
        )
    return entry
