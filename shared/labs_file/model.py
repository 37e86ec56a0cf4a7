"""What stands in labs.json: its keys, what their values look like, and what to say of them.

The reader and the schema for editors are both made of this. Patterns are written in what Python and ECMAScript have in common and
mean the whole text.
"""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Key:
    """One key of an object: `meaning` is what an editor shows, `rule` what it says of a value that does not fit."""

    name: str
    meaning: str
    rule: str = ""
    pattern: str = ""
    examples: tuple[Any, ...] = ()
    required: bool = True


SUBSCRIPTION_ID: Final = Key(
    "SubscriptionId",
    "Id of the subscription in which the lab is.",
    "a GUID: 8-4-4-4-12 hexadecimal digits",
    r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
    ("6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f",),
)
RESOURCE_GROUP: Final = Key(
    "ResourceGroup",
    "Resource group of the lab. Without it the lab is looked up by name in its subscription; needed where several have that name.",
    "1 to 90 letters, digits, '_', '-', '.', '(' and ')', no '.' at the end",
    # Letters are those of all languages: everything but ASCII's other characters.
    r"[^\u0000-'*-,/:-@\[-^`{-\u007f]{0,89}[^\u0000-'*-,./:-@\[-^`{-\u007f]",
    ("rg-lab-paris",),
    required=False,
)
LAB_NAME: Final = Key(
    "LabName",
    "Name of the lab that receives the images, as Azure shows it.",
    "1 to 50 of the letters A to Z, digits, '_' and '-'",
    r"[A-Za-z0-9_-]{1,50}",
    ("lab-paris",),
)
IMAGE_PATHS: Final = Key(
    "ImagePaths",
    "The golden images that the lab asks for: files or folders below GoldenImages. A folder stands for everything below it.",
    "a list of paths; [] asks for nothing",
    examples=(["Windows", "Linux/Ubuntu 22.04 LTS.json"],),
)
LABS: Final = Key("Labs", "The labs that receive images, one object for each.", "a list with at least one lab")
SCHEMA: Final = Key("$schema", "Where this schema lies: editors complete and check the file by it.", required=False)

LAB: Final = (SUBSCRIPTION_ID, RESOURCE_GROUP, LAB_NAME, IMAGE_PATHS)
ROOT: Final = (LABS, SCHEMA)

ENTRY_RULE: Final = (
    "a path below GoldenImages such as Windows/Server2022 or Windows/Server2022/Datacenter.json: '/' or '\\\\' between"
    " names, no '.' or '..', no drive, no URL, no separator at the start, at most 256 characters"
)
ENTRY_EXAMPLES: Final = ("Windows", "Windows/Server2022/Datacenter.json")

EXAMPLE_LAB: Final[dict[str, Any]] = {key.name: key.examples[0] for key in LAB}


def names(keys: tuple[Key, ...]) -> tuple[str, ...]:
    return tuple(key.name for key in keys)
