"""What the values that name a lab in labs.json must look like; each reader raises ConfigurationError with the replacement."""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

from shared.domain.quoting import is_invisible, lookalike, quoted
from shared.errors import ConfigurationError
from shared.labs_file.located_json import Array, Number, Object, Value, kind
from shared.labs_file.model import LAB_NAME, RESOURCE_GROUP, SUBSCRIPTION_ID, Key
from shared.redaction import redacted

_GUID = re.compile(rf"(?<![0-9A-Za-z]){SUBSCRIPTION_ID.pattern}(?![0-9A-Za-z])")
_AROUND_DIGITS = re.compile(r"[\s{}()-]|urn:uuid:")
_LAB_ID = re.compile(r".*/labs/([^/]+)(?:/.*)?|[^/:]+/([^/]+)", re.IGNORECASE)
_GROUP_ID = re.compile(r".*/resourcegroups/([^/]+)(?:/.*)?", re.IGNORECASE)
_LONGEST = 500
"""Where a replacement is searched for in a text; the id of a resource is shorter."""

_OTHERWISE = {
    LAB_NAME: f'Write the name of the lab as Azure shows it, such as "{LAB_NAME.examples[0]}".',
    SUBSCRIPTION_ID: f'Write the id of the subscription (not its name), such as "{SUBSCRIPTION_ID.examples[0]}".',
    RESOURCE_GROUP: 'Remove the key "ResourceGroup", or write the name of the lab\'s resource group as Azure shows it.',
}
"""What to say where the replacement cannot be known."""


def shown(text: str) -> str:
    """A text of the file as a message may show it: quoted, on one line, without secrets."""
    return quoted(redacted(text))


def listed(texts: Iterable[str]) -> str:
    return ", ".join(map(shown, texts))


def write(text: str) -> str:
    return f"Write {shown(text)}."


def holds_secret(value: Value) -> bool:
    return any(redacted(text) != text for text in texts(value))


def texts(value: Value) -> list[str]:
    """The texts that a value of another kind stands for; the keys of an object that has none."""
    match value:
        case str():
            return [value]
        case Number():
            return [value.text]
        case Array(items=items):
            return [text for item in items for text in texts(item.value)]
        case Object(members=members):
            values = (member.content.value for member in members)
            found = [text for value in values if isinstance(value, str | Array) for text in texts(value)]
            return found or [member.key for member in members]
        case _:
            return []


def subscription_id(value: Value) -> str:
    """A GUID as Azure writes it: 8-4-4-4-12 hexadecimal digits."""
    text = _text(SUBSCRIPTION_ID, value)
    if fits(SUBSCRIPTION_ID, text):
        return text
    message = f"The SubscriptionId {shown(text)}{lookalike(text)} is no GUID{_miscopied(text)}."
    raise ConfigurationError("SubscriptionIdInvalid", message, _instead(SUBSCRIPTION_ID, text))


def lab_name(value: Value) -> str:
    """Azure's rule: 1 to 50 ASCII letters, digits, `_` and `-`."""
    text = _text(LAB_NAME, value)
    if fits(LAB_NAME, text):
        return text
    message = f"No lab can be called {shown(text)}{lookalike(text)}: {LAB_NAME.rule}."
    raise ConfigurationError("LabNameInvalid", message, _instead(LAB_NAME, text))


def resource_group(value: Value) -> str:
    """Azure's rule: 1 to 90 letters, digits, `_`, `-`, `.`, `(` and `)`, not ending with `.`; null is as if it were not there."""
    if value is None:
        return ""
    text = _text(RESOURCE_GROUP, value)
    if fits(RESOURCE_GROUP, text):
        return text
    message = f"No resource group can be called {shown(text)}{lookalike(text)}: {RESOURCE_GROUP.rule}."
    raise ConfigurationError("ResourceGroupInvalid", message, _instead(RESOURCE_GROUP, text))


def fits(key: Key, text: str) -> bool:
    """True for what Azure allows; a token could be the name of a group, but is none."""
    # The pattern of a group takes whatever is not ASCII for a letter.
    letters_fit = all(letter.isalnum() or letter in "_.()-" for letter in text)
    return letters_fit and re.fullmatch(key.pattern, text) is not None and not holds_secret(text)


def found_in(key: Key, text: str) -> list[str]:
    """What `text` certainly names for `key`, by the id of a resource or with something around it; it may name several."""
    if holds_secret(text) or len(text) > _LONGEST:
        return []
    plain = _plain(text)
    if key is SUBSCRIPTION_ID:
        digits = _AROUND_DIGITS.sub("", plain)
        guids = _GUID.findall(plain)
        if not guids and re.fullmatch("[0-9A-Fa-f]{32}", digits):
            guids = ["-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))]
        return list({guid.lower(): guid for guid in guids}.values())
    plain = plain.partition("?")[0]
    found = (_LAB_ID if key is LAB_NAME else _GROUP_ID).fullmatch(plain)
    names = [name.strip().rstrip(".") for name in re.split("[,;]", found[found.lastindex or 0] if found else plain)]
    return names if all(fits(key, name) for name in names) else []


def _instead(key: Key, text: str) -> str:
    names = found_in(key, text)
    if len(names) > 1:
        return f"Write a lab for each: {listed(names)}."
    return write(names[0]) if names else _OTHERWISE[key]


def _plain(text: str) -> str:
    """The text without what a browser, a word processor or a chat makes of it."""
    composed = unicodedata.normalize("NFC", unquote(text))
    visible = "".join(character for character in composed if not is_invisible(character))
    return "".join("-" if unicodedata.category(character) == "Pd" else character for character in visible).strip()


def _miscopied(text: str) -> str:
    """What is wrong with a text that is nearly a GUID."""
    digits = _AROUND_DIGITS.sub("", _plain(text[:_LONGEST]))
    wrong = re.findall("[^0-9A-Fa-f]", digits)
    if abs(len(digits) - 32) > 4 or len(wrong) > 2:
        return ""
    return f": {shown(wrong[0])} is no hexadecimal digit" if wrong else f": it has {len(digits)} digits instead of 32"


def _text(key: Key, value: Value) -> str:
    if isinstance(value, str):
        return value
    names = texts(value)
    advice = write(names[0]) if len(names) == 1 and fits(key, names[0]) else _OTHERWISE[key]
    raise ConfigurationError(f"{key.name}Invalid", f"The {key.name} is {kind(value)}, not a text.", advice)
