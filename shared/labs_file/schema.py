"""The JSON Schema of labs.json for editors, made of what the reader reads by.

It says what the reader says, with two differences. It is stricter where the reader only warns: an unknown key, one in another case,
one object instead of a list, a separator at the start. And it cannot see what only the whole file, the definitions or a table of
all letters tell: a lab that is named twice, an entry that matches nothing, a secret, what is no letter beyond ASCII.
"""

import json
from itertools import groupby
from typing import Any

from shared.domain.matching import DOUBLED, DRIVE, LONGEST_PATH, URL
from shared.domain.quoting import is_invisible
from shared.labs_file.model import (
    ENTRY_EXAMPLES,
    ENTRY_RULE,
    EXAMPLE_LAB,
    IMAGE_PATHS,
    LAB,
    LABS,
    RESOURCE_GROUP,
    ROOT,
    SCHEMA,
    Key,
)

_END = r"$(?!\n)"
"""The end of the text: in Python `$` alone would let a line end follow."""


def schema_text() -> str:
    return json.dumps(labs_schema(), indent=2, ensure_ascii=True) + "\n"


def labs_schema() -> dict[str, Any]:
    labs = {"type": "array", "description": LABS.meaning, "minItems": 1, "items": {"$ref": "#/$defs/lab"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "labs.json of the image factory",
        "description": "Which DevTest labs receive which golden images.",
        **_object(ROOT, {LABS.name: labs, SCHEMA.name: {"description": SCHEMA.meaning}}),
        "examples": [{"$schema": "./labs.schema.json", LABS.name: [EXAMPLE_LAB]}],
        "$defs": {
            "lab": {
                "description": "A lab and the golden images that it asks for.",
                **_object(LAB, {key.name: _value(key) for key in LAB}),
                "examples": [EXAMPLE_LAB],
            },
            "imagePath": {
                "type": "string",
                "description": f"One golden image or a folder of them: {ENTRY_RULE}.",
                "maxLength": LONGEST_PATH,
                "pattern": _entry_pattern(),
                "patternErrorMessage": f"Write {ENTRY_RULE}.",
                "examples": list(ENTRY_EXAMPLES),
            },
        },
    }


def _object(keys: tuple[Key, ...], properties: dict[str, Any]) -> dict[str, Any]:
    required = [key.name for key in keys if key.required]
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _value(key: Key) -> dict[str, Any]:
    told: dict[str, Any] = {"description": f"{key.meaning} Write {key.rule}.", "examples": list(key.examples)}
    if key is IMAGE_PATHS:
        return {"type": "array", **told, "items": {"$ref": "#/$defs/imagePath"}}
    kind = ["string", "null"] if key is RESOURCE_GROUP else "string"
    visible = rf"(?![\s\S]*[{_invisible()}])" if key is RESOURCE_GROUP else ""
    return {
        "type": kind,
        **told,
        "pattern": f"^{visible}{key.pattern}{_END}",
        "patternErrorMessage": f"Write {key.rule}.",
    }


def _entry_pattern() -> str:
    """What `parse_entry` refuses is not there, and something is."""
    dots = r"(?:[\s\S]*[\\/])?\.{1,2}(?:[\\/]|$)"
    refused = (r"[\\/]", URL, DRIVE, rf"[\s\S]*{DOUBLED}", rf"[\s\S]*[{_invisible()}]", dots)
    return f"^{''.join(f'(?!{pattern})' for pattern in refused)}[\\s\\S]*[^\\s\\\\/]"


def _invisible() -> str:
    """The invisible characters of the basic plane, as ranges."""
    points = [point for point in range(0x10000) if is_invisible(chr(point))]
    runs = [[point for _, point in run] for _, run in groupby(enumerate(points), key=lambda each: each[1] - each[0])]
    return "".join(rf"\u{run[0]:04x}-\u{run[-1]:04x}" if len(run) > 1 else rf"\u{run[0]:04x}" for run in runs)
