"""labs.json: which lab asks for which images, and everything that is wrong with the file, found in one pass.

A file that cannot be understood is not usable at all; a lab that is wrong is set aside, and so is an entry; the rest is served.
Nothing is looked up: whether a lab exists is for the inspection to find out.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from shared.domain.encodings import decode_text
from shared.domain.findings import Finding
from shared.domain.labs import LabRequest, SetAside
from shared.domain.quoting import printable, quoted
from shared.errors import ConfigurationError
from shared.labs_file.definitions import Definitions
from shared.labs_file.drafts import Draft, read_lab
from shared.labs_file.duplicates import join_twice_named
from shared.labs_file.fields import shown
from shared.labs_file.located_json import Array, JsonSyntaxError, Located, Member, Object, kind, parse_located
from shared.labs_file.model import EXAMPLE_LAB, LABS, ROOT, names
from shared.labs_file.notes import Notes, nearest, read_members

MAX_BYTES = 1024 * 1024
"""The largest labs.json that is read."""

_WRITE_LABS = 'Write {"Labs": [ ... ]} with an object for each lab in the list.'


@dataclass(frozen=True)
class Configuration:
    """What a run can use of labs.json. `usable` is false for a file that names no lab: then the run ends before any effect.

    `set_aside` are the labs that can be recognised but get nothing, each lab once; their pairs are reported as failed.
    """

    usable: bool
    labs: tuple[LabRequest, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_configuration(data: bytes, definitions: Collection[str] | None) -> Configuration:
    """Read the bytes of labs.json; what is wrong becomes a finding, never an exception.

    `definitions` are the paths of the files below GoldenImages, or None when that folder has not been uploaded: then nothing is
    said about entries without definition and definitions that no lab asks for.
    """
    notes = Notes()
    known = Definitions(definitions)
    drafts = join_twice_named(_read_file(data, notes, known), notes)
    labs = tuple(draft.request for draft in drafts if draft.problem is None)
    set_aside = tuple(_set_aside(drafts))
    usable = bool(labs or set_aside)
    if usable:
        for path in known.unwanted():
            notes.warning(_unwanted(path), f"GoldenImages/{printable(path)}", None)
    return Configuration(usable, labs, set_aside, notes.in_order())


def _read_file(data: bytes, notes: Notes, known: Definitions) -> list[Draft]:
    """The labs of the file; none when it is broken."""
    try:
        root = _parsed(data)
    except JsonSyntaxError as error:
        message = f"The file is not JSON: {error.message} (line {error.line}, column {error.column})."
        notes.error(ConfigurationError("NotJson", message, error.advice or _WRITE_LABS), "$", error.line)
        return []
    except ConfigurationError as error:
        notes.error(error, "$", 1)
        return []
    if not isinstance(root.value, Object):
        message = f'The file is {kind(root.value)}, not an object with the key "Labs".'
        advice = 'Write {"Labs": before the list and } after it.' if isinstance(root.value, Array) else _WRITE_LABS
        notes.error(ConfigurationError("LabsMissing", message, advice), "$", root.line)
        return []
    members, twice = read_members(root.value, "$", names(ROOT), notes)
    labs = members.get("labs")
    if labs is None:
        lines = {member.key: member.line for member in members.values()}
        near = nearest(LABS.name, lines)
        advice = f'Write "Labs" instead of {shown(near)} on line {lines[near]}.' if near else _WRITE_LABS
        notes.error(ConfigurationError("LabsMissing", 'The file has no key "Labs".', advice), "$", root.line)
        return []
    drafts = _read_labs(labs, notes, known)
    return [] if twice else drafts


def _parsed(data: bytes) -> Located:
    if len(data) > MAX_BYTES:
        message = f"The file is larger than {MAX_BYTES:,} bytes."
        raise ConfigurationError("TooLarge", message, "Name folders instead of single files in ImagePaths.")
    return parse_located(decode_text(data))


def _read_labs(labs: Member, notes: Notes, known: Definitions) -> list[Draft]:
    path, line, value = f"$.{labs.key}", labs.content.line, labs.content.value
    if isinstance(value, Object):
        fault = ConfigurationError("LabsNotList", "Labs is one object, not a list.", 'Write "Labs": [ { ... } ].')
        notes.warning(fault, path, line)
        nodes = [(labs.content, path)]
    elif isinstance(value, Array):
        nodes = [(node, f"{path}[{index}]") for index, node in enumerate(value.items)]
    else:
        notes.error(ConfigurationError("LabsMissing", f"Labs is {kind(value)}, not a list.", _WRITE_LABS), path, line)
        return []
    if not nodes:
        advice = f"Add an object for each lab: {json.dumps(EXAMPLE_LAB)}."
        fault = ConfigurationError("NoLabs", "The list of labs is empty.", advice)
        notes.error(fault, path, line)
    drafts = (read_lab(node, place, notes, known) for node, place in nodes)
    return [draft for draft in drafts if draft.is_recognisable]


def _set_aside(drafts: Iterable[Draft]) -> Iterable[SetAside]:
    for draft in drafts:
        if problem := draft.problem:
            yield SetAside(draft.request, problem.code, f"{draft.place}: {problem.message}", problem.next)


def _unwanted(path: str) -> ConfigurationError:
    message = f"No lab asks for the golden image {quoted(path)}."
    return ConfigurationError("DefinitionUnwanted", message, f"Add {quoted(path)} to a lab, or remove the definition.")
