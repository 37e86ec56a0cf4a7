"""labs.json: which lab asks for which images, and everything that is wrong with the file, found in one pass.

A file that cannot be understood is not usable at all; a lab that is wrong is set aside, and so is an entry; the rest is served.
Nothing is looked up: whether a lab exists is for the inspection to find out.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from shared.domain.encodings import NotTextError, decode_text
from shared.domain.findings import Finding, Severity
from shared.domain.labs import LabRequest, SetAside
from shared.domain.quoting import printable, quoted
from shared.errors import ConfigurationError
from shared.labs_file.definitions import Definitions
from shared.labs_file.drafts import Draft, read_lab
from shared.labs_file.duplicates import join_twice_named
from shared.labs_file.fields import listed, shown
from shared.labs_file.located_json import Array, JsonSyntaxError, Located, Member, Object, kind, parse_located
from shared.labs_file.model import EXAMPLE_LAB, LAB, LAB_NAME, LABS, ROOT, names
from shared.labs_file.notes import Members, Notes

MAX_BYTES = 1024 * 1024
"""The largest labs.json that is read."""

_SHOWN = 5
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
    drafts = _read_file(data, notes, known)
    labs = tuple(draft.request for draft in drafts if draft.problem is None)
    set_aside = tuple(_set_aside(drafts))
    usable = bool(labs or set_aside)
    # What could not be read may ask for any of them.
    if usable and not notes.has_errors:
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
        notes.error(error, "$", error.line if isinstance(error, NotTextError) else 1)
        return []
    if not isinstance(root.value, Object) or _is_lab(root.value):
        _note_bare(root, notes, known)
        return []
    members = Members(root.value, "$", ROOT, notes)
    labs = members.get(LABS)
    if labs is None:
        fault = ConfigurationError("LabsMissing", 'The file has no key "Labs".', members.renamed(LABS) or _WRITE_LABS)
        notes.error(fault, "$", root.line)
        if meant := members.meant(LABS):
            join_twice_named(_read_labs(meant, notes, known), notes)
        return []
    drafts = join_twice_named(_read_labs(labs, notes, known), notes)
    return [] if members.twice else drafts


def _is_lab(value: Object) -> bool:
    keys = {member.key.lower() for member in value.members}
    return LABS.name.lower() not in keys and any(name.lower() in keys for name in names(LAB))


def _note_bare(root: Located, notes: Notes, known: Definitions) -> None:
    """Say what is missing around the labs of a file without the key "Labs", and what is wrong with them."""
    said, advice, nodes = kind(root.value), _WRITE_LABS, []
    if isinstance(root.value, Array):
        advice = 'Write {"Labs": before the list and } after it.'
        nodes = [(node, f"$[{index}]") for index, node in enumerate(root.value.items)]
    elif isinstance(root.value, Object):
        said, advice, nodes = "one lab", 'Write {"Labs": [ before it and ]} after it.', [(root, "$")]
    message = f'The file is {said}, not an object with the key "Labs".'
    notes.error(ConfigurationError("LabsMissing", message, advice), "$", root.line)
    join_twice_named(_drafts(nodes, notes, known), notes)


def _parsed(data: bytes) -> Located:
    if len(data) > MAX_BYTES:
        message = f"The file is larger than {MAX_BYTES:,} bytes."
        raise ConfigurationError("TooLarge", message, "Name folders instead of single files in ImagePaths.")
    return parse_located(decode_text(data))


def _read_labs(labs: Member, notes: Notes, known: Definitions) -> list[Draft]:
    path, line, value = f"$.{labs.key}", labs.content.line, labs.content.value
    if isinstance(value, Object) and _has_only_objects(value):
        told = listed(member.key for member in value.members[:_SHOWN])
        message = "Labs is an object with a key for each lab, not a list."
        advice = f'Write "Labs": [ ... ] with these objects, each with its key as its LabName: {told}.'
        notes.error(ConfigurationError("LabsMissing", message, advice), path, line)
        _drafts([(_named(lab), f"{path}[{shown(lab.key)}]") for lab in value.members], notes, known)
        return []
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
    return _drafts(nodes, notes, known)


def _has_only_objects(value: Object) -> bool:
    return bool(value.members) and all(isinstance(member.content.value, Object) for member in value.members)


def _named(lab: Member) -> Located:
    """A lab whose name is its key."""
    value = lab.content.value
    members = value.members if isinstance(value, Object) else ()
    if any(member.key.lower() == LAB_NAME.name.lower() for member in members):
        return lab.content
    name = Member(LAB_NAME.name, lab.line, Located(lab.key, lab.line))
    return Located(Object((name, *members)), lab.content.line)


def _drafts(nodes: Iterable[tuple[Located, str]], notes: Notes, known: Definitions) -> list[Draft]:
    drafts = (read_lab(node, place, notes, known) for node, place in nodes)
    return [draft for draft in drafts if draft.is_recognisable]


def _set_aside(drafts: Iterable[Draft]) -> Iterable[SetAside]:
    for draft in drafts:
        if problem := draft.problem:
            yield SetAside(draft.request, problem.code, f"{draft.place}: {problem.message}", problem.next)


def _unwanted(path: str) -> ConfigurationError:
    message = f"No lab asks for the golden image {quoted(path)}."
    return ConfigurationError("DefinitionUnwanted", message, f"Add {quoted(path)} to a lab, or remove the definition.")


def two_configurations(used: str, other: str) -> Finding:
    """Both spellings of the file are there."""
    message = f"Both {used} and {other} are there; {used} is used."
    return Finding(Severity.WARNING, "TwoConfigurations", message, f"Delete {other}.", other)
