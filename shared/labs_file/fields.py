"""What the values that name a lab in labs.json must look like; each reader raises ConfigurationError with the replacement."""

import re

from shared.domain.quoting import quoted
from shared.errors import ConfigurationError
from shared.labs_file.located_json import Value, kind
from shared.redaction import redacted

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX_DIGITS = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_LAB_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
_RESOURCE_GROUP = re.compile(r"[\w.()-]{0,89}[\w()-]")

_EXAMPLE = "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f"


def shown(text: str) -> str:
    """A text of the file as a message may show it: quoted, on one line, without secrets."""
    return quoted(redacted(text))


def subscription_id(value: Value) -> str:
    """A GUID as Azure writes it: 8-4-4-4-12 hexadecimal digits."""
    code = "SubscriptionIdInvalid"
    text = _text(code, "SubscriptionId", value)
    if _GUID.fullmatch(text):
        return text
    digits = re.sub(r"[\s{}()-]|urn:uuid:", "", text)
    if _HEX_DIGITS.fullmatch(digits):
        guid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        advice = f'Write "{guid}".'
    else:
        advice = f'Write the id of the subscription (not its name), such as "{_EXAMPLE}".'
    raise ConfigurationError(code, f"The SubscriptionId {shown(text)} is no GUID.", advice)


def lab_name(value: Value) -> str:
    """Azure's rule: 1 to 50 ASCII letters, digits, `_` and `-`."""
    code = "LabNameInvalid"
    text = _text(code, "LabName", value)
    if _LAB_NAME.fullmatch(text):
        return text
    trimmed = text.strip()
    fits = (
        f"Write {shown(trimmed)}." if _LAB_NAME.fullmatch(trimmed) else "Write the name of the lab as Azure shows it."
    )
    message = f"No lab can be called {shown(text)}: 1 to 50 of the letters A to Z, digits, '_' and '-'."
    raise ConfigurationError(code, message, fits)


def resource_group(value: Value) -> str:
    """Azure's rule: 1 to 90 letters, digits, `_`, `-`, `.`, `(` and `)`, not ending with `.`; null is as if it were not there."""
    if value is None:
        return ""
    code = "ResourceGroupInvalid"
    text = _text(code, "ResourceGroup", value)
    if _RESOURCE_GROUP.fullmatch(text):
        return text
    rule = "1 to 90 letters, digits, '_', '-', '.', '(' and ')', no '.' at the end"
    message = f"No resource group can be called {shown(text)}: {rule}."
    advice = "Write the name of the lab's resource group as Azure shows it, or remove the key."
    trimmed = text.strip().rstrip(".")
    raise ConfigurationError(
        code, message, f"Write {shown(trimmed)}." if _RESOURCE_GROUP.fullmatch(trimmed) else advice
    )


def _text(code: str, key: str, value: Value) -> str:
    if isinstance(value, str):
        return value
    raise ConfigurationError(code, f"The {key} is {kind(value)}, not a text.", "Write it in double quotes.")
