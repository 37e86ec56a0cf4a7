"""What the values that name a lab in labs.json must look like; each reader raises ConfigurationError with the replacement."""

import re

from shared.domain.quoting import quoted
from shared.errors import ConfigurationError
from shared.labs_file.located_json import Array, Number, Object, Value, kind
from shared.labs_file.model import LAB_NAME, RESOURCE_GROUP, SUBSCRIPTION_ID, Key
from shared.redaction import redacted

_HEX_DIGITS = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


def shown(text: str) -> str:
    """A text of the file as a message may show it: quoted, on one line, without secrets."""
    return quoted(redacted(text))


def write(text: str) -> str:
    return f"Write {shown(text)}."


def meant(value: Value) -> str | None:
    """The text that a value of another kind stands for; None when that is not plain."""
    match value:
        case str():
            return value
        case bool():
            return kind(value)
        case Number():
            return value.text
        case Array(items=(one,)):
            return meant(one.value)
        case Object(members=(one,)):
            return meant(one.content.value) if isinstance(one.content.value, str) else one.key
        case _:
            return None


def subscription_id(value: Value) -> str:
    """A GUID as Azure writes it: 8-4-4-4-12 hexadecimal digits."""
    text = _text(SUBSCRIPTION_ID, value)
    if fits(SUBSCRIPTION_ID, text):
        return text
    guids = re.findall(SUBSCRIPTION_ID.pattern, text)
    digits = re.sub(r"[\s{}()-]|urn:uuid:", "", text)
    if len(guids) == 1:
        advice = write(guids[0])
    elif _HEX_DIGITS.fullmatch(digits):
        advice = write("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
    else:
        example = SUBSCRIPTION_ID.examples[0]
        advice = f'Write the id of the subscription (not its name), such as "{example}".'
    raise ConfigurationError("SubscriptionIdInvalid", f"The SubscriptionId {shown(text)} is no GUID.", advice)


def lab_name(value: Value) -> str:
    """Azure's rule: 1 to 50 ASCII letters, digits, `_` and `-`."""
    text = _text(LAB_NAME, value)
    if fits(LAB_NAME, text):
        return text
    message = f"No lab can be called {shown(text)}: {LAB_NAME.rule}."
    advice = f"Write the name of the lab as Azure shows it, such as {shown(_like(text))}."
    raise ConfigurationError("LabNameInvalid", message, _end_of(LAB_NAME, text, "labs") or advice)


def resource_group(value: Value) -> str:
    """Azure's rule: 1 to 90 letters, digits, `_`, `-`, `.`, `(` and `)`, not ending with `.`; null is as if it were not there."""
    if value is None:
        return ""
    text = _text(RESOURCE_GROUP, value)
    # The pattern takes whatever is not ASCII for a letter.
    if fits(RESOURCE_GROUP, text) and all(letter.isalnum() or letter in "_.()-" for letter in text):
        return text
    message = f"No resource group can be called {shown(text)}: {RESOURCE_GROUP.rule}."
    advice = 'Remove the key "ResourceGroup", or write the name of the lab\'s resource group as Azure shows it.'
    raise ConfigurationError("ResourceGroupInvalid", message, _end_of(RESOURCE_GROUP, text, "resourcegroups") or advice)


def fits(key: Key, text: str) -> bool:
    return re.fullmatch(key.pattern, text) is not None


def _end_of(key: Key, text: str, kind_of_resource: str) -> str | None:
    """The replacement for a name with spaces or dots around it, or for the id of the resource."""
    found = re.search(rf"/{kind_of_resource}/([^/]+)", text, re.IGNORECASE)
    name = found[1] if found else text.strip().rstrip(".")
    return write(name) if fits(key, name) else None


def _like(text: str) -> str:
    """A name that Azure allows and that looks like `text`."""
    name = re.sub(r"[^A-Za-z0-9_]+", "-", text[:200]).strip("-")[:50]
    return name if fits(LAB_NAME, name) else LAB_NAME.examples[0]


def _text(key: Key, value: Value) -> str:
    if isinstance(value, str):
        return value
    text = meant(value)
    advice = write(text) if text and fits(key, text) else f'Write a text, such as "{key.examples[0]}".'
    raise ConfigurationError(f"{key.name}Invalid", f"The {key.name} is {kind(value)}, not a text.", advice)
