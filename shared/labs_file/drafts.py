"""Read one lab of labs.json as far as it can be read."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.findings import Finding
from shared.domain.labs import LabRequest
from shared.domain.matching import ImageEntry, parse_entry
from shared.domain.quoting import lookalike, printable, quoted
from shared.errors import ConfigurationError
from shared.labs_file.definitions import Definitions
from shared.labs_file.fields import (
    fits,
    found_in,
    holds_secret,
    lab_name,
    listed,
    resource_group,
    shown,
    subscription_id,
    texts,
)
from shared.labs_file.located_json import Array, Located, Member, Object, Value, kind
from shared.labs_file.model import EXAMPLE_LAB, IMAGE_PATHS, LAB, LAB_NAME, RESOURCE_GROUP, SUBSCRIPTION_ID, Key
from shared.labs_file.notes import Members, Notes
from shared.redaction import redacted

_SHOWN = 20
"""The most entries of one replacement."""

_EXAMPLE_LIST = 'a list such as ["Windows"]; [] asks for nothing'


@dataclass(frozen=True)
class Draft:
    """A lab of the file; `problem` is the first reason why it is set aside, `is_whole` says that each of its entries is there."""

    request: LabRequest
    problem: Finding | None = None
    is_whole: bool = True

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
        message = f"The lab is {kind(node.value)}, not an object."
        fault = ConfigurationError("LabNotObject", message, _object_for(node.value))
        found = notes.error(_advised(fault, node.value), path, node.line)
        return Draft(LabRequest("", "", (), "", path, node.line), found)
    members = Members(node.value, path, LAB, notes)
    lab = _Lab(members, path, node.line, notes)
    subscription = lab.text(SUBSCRIPTION_ID, subscription_id)
    name = lab.text(LAB_NAME, lab_name)
    group = lab.text(RESOURCE_GROUP, resource_group)
    entries = lab.entries(definitions)
    request = LabRequest(subscription, name, entries, group, path, node.line)
    return Draft(request, members.twice or lab.problem, lab.is_whole)


def _object_for(value: Value) -> str:
    """What to write for a lab that is no object: what its text names, and examples for the rest."""
    if value is None:
        return "Remove it."
    if isinstance(value, Array) and any(isinstance(item.value, Object) for item in value.items):
        return "Remove the [ before it and the ] after it."
    text = next(iter(texts(value)), "") if isinstance(value, str | Array) else ""
    has_group = "/resourcegroups/" in text.lower()
    keys = [key for key in LAB if key.pattern and (key is not RESOURCE_GROUP or has_group)]
    named = {key.name: found[0] for key in keys if (found := found_in(key, text))}
    example = {name: value for name, value in EXAMPLE_LAB.items() if name != RESOURCE_GROUP.name}
    return f"Write an object such as {json.dumps(example | named)}."


class _Lab:
    """The members of one lab, and the first thing that sets it aside."""

    def __init__(self, members: Members, path: str, line: int, notes: Notes) -> None:
        self._members = members
        self._path = path
        self._line = line
        self._notes = notes
        self.problem: Finding | None = None
        self.is_whole = True

    def text(self, key: Key, read: Callable[[Value], str]) -> str:
        """The value as `read` takes it; else what can be shown of it, and the lab is set aside."""
        member = self._members.get(key)
        if member is None:
            if key.required:
                fault = ConfigurationError(f"{key.name}Invalid", f"The lab has no {key.name}.", self._add(key))
                self._set_aside(fault, self._path, self._line)
            return ""
        value = member.content.value
        try:
            return read(value)
        except ConfigurationError as found:
            swapped = self._swapped(value) if key is SUBSCRIPTION_ID else None
            self._set_aside(_advised(found, value, swapped), self._place(member), member.content.line)
        # A group that cannot be read must not tell two labs apart.
        return printable(redacted(value)) if isinstance(value, str) and key.required else ""

    def entries(self, definitions: Definitions) -> tuple[ImageEntry, ...]:
        """The entries that can be used; an unusable one is set aside alone."""
        member = self._members.get(IMAGE_PATHS)
        value = member.content.value if member else None
        if member is None or value is None:
            said = "no ImagePaths" if member is None else "null for ImagePaths"
            advice = self._add(IMAGE_PATHS) if member is None else f"Write {_EXAMPLE_LIST}."
            fault = ConfigurationError("ImagePathsMissing", f"The lab has {said}.", advice)
            self._set_aside(fault, self._path if member is None else self._place(member), self._line_of(member))
            return ()
        place, line = self._place(member), member.content.line
        if isinstance(value, str):
            nodes = [(member.content, place)]
        elif isinstance(value, Array):
            nodes = [(item, f"{place}[{index}]") for index, item in enumerate(value.items)]
        else:
            paths = _shown_of(value, most=_SHOWN) if isinstance(value, Object) else []
            advice = f"Write [{listed(paths)}]." if paths else f"Write {_EXAMPLE_LIST}."
            fault = ConfigurationError("ImagePathsInvalid", f"ImagePaths is {kind(value)}, not a list.", advice)
            self._set_aside(_advised(fault, value), place, line)
            self.is_whole = False
            return ()
        if not nodes:
            self._warn("ImagePathsEmpty", "The lab asks for no image.", "Add a path, or remove the lab.", place, line)
        read = [self._entry(node, where, definitions) for node, where in nodes]
        entries = tuple(entry for entry in read if entry is not None)
        self.is_whole = len(entries) == len(read)
        if isinstance(value, str):
            advice = _list_for(value, self.is_whole)
            self._warn("ImagePathsNotList", "ImagePaths is one text, not a list.", advice, place, line)
        return entries

    def _entry(self, node: Located, place: str, definitions: Definitions) -> ImageEntry | None:
        try:
            entry = _parsed(node.value)
        except ConfigurationError as found:
            advice = _without_secret(node.value, found.code, definitions)
            self._notes.error(_advised(found, node.value, advice), place, node.line)
            return None
        if not definitions.has_any_for(entry):
            message = f"The entry {quoted(entry.text)}{lookalike(entry.text)} matches no definition below GoldenImages."
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
        example = f'"{key.name}": {json.dumps(key.examples[0])}'
        return self._members.renamed(key) or (
            f"Add {example}, with this lab's own value, to the lab on line {self._line}."
        )

    def _swapped(self, value: Value) -> str | None:
        """What to write where the subscription's id stands for another key."""
        for key in (LAB_NAME, RESOURCE_GROUP):
            member = self._members.get(key)
            guid = member.content.value if member else None
            if member and isinstance(guid, str) and fits(SUBSCRIPTION_ID, guid):
                other = shown(value) if isinstance(value, str) and fits(key, value) else f"the {key.name}"
                return f"Write {shown(guid)}, which stands in {key.name} on line {member.line}, and {other} there."
        return None

    def _set_aside(self, fault: ConfigurationError, path: str, line: int) -> None:
        found = self._notes.error(fault, path, line)
        self.problem = self.problem or found

    def _warn(self, code: str, message: str, next_step: str, path: str, line: int) -> None:
        self._notes.warning(ConfigurationError(code, message, next_step), path, line)

    def _place(self, member: Member) -> str:
        return f"{self._path}.{member.key}"

    def _line_of(self, member: Member | None) -> int:
        return member.content.line if member else self._line


def _list_for(text: str, is_entry: bool) -> str:
    """The list to write for one text; what is wrong in the text itself is told for the entry."""
    paths = [part.strip().lstrip("\\/") for part in re.split("[,;|]", text)]
    paths = [path for path in paths if path]
    certain = (is_entry or 1 < len(paths) <= _SHOWN) and not holds_secret(text)
    return f"Write [{listed(paths)}]." if certain else "Write [ before it and ] after it."


def _parsed(value: Value) -> ImageEntry:
    if not isinstance(value, str):
        paths = _shown_of(value, most=_SHOWN if isinstance(value, Array) else 1)
        otherwise = 'Write a path such as "Win2022/Datacenter.json", or remove the entry.'
        advice = f"Write {listed(paths)}." if paths else otherwise
        raise ConfigurationError("EntryNotText", f"The entry is {kind(value)}, not a text.", advice)
    entry = parse_entry(redacted(value))
    if holds_secret(value):
        raise ConfigurationError("EntrySecret", f"The entry {quoted(entry.text)} holds a secret.", "Remove it.")
    return entry


def _shown_of(value: Value, most: int) -> list[str]:
    """The texts in a value that is none, when all of them can be shown."""
    found = texts(value)
    return found if len(found) <= most and not holds_secret(value) else []


def _without_secret(value: Value, code: str, definitions: Definitions) -> str | None:
    """What to write instead of an entry that is no path: what stands before a signature, nothing for what holds a secret itself."""
    if not isinstance(value, str) or code == "EntryTooLong":
        return None
    text = value.partition("?")[0] if code == "EntrySecret" else value
    return None if code == "EntrySecret" and holds_secret(text) else definitions.instead_of(text)


def _advised(fault: ConfigurationError, value: Value, better: str | None = None) -> ConfigurationError:
    """The fault with the better advice if there is one, and with what to do about a secret in the value."""
    renewal = " Renew the secret, too: it has been read." if holds_secret(value) else ""
    return ConfigurationError(fault.code, fault.message, (better or fault.next_step) + renewal)
