"""What a caller of POST /api/runs may ask for."""

import json
from typing import Any, cast

from shared.domain.quoting import quoted
from shared.errors import ConfigurationError
from shared.redaction import redacted
from shared.settings import MOST_LANES

_LONGEST = 10_000


def lanes_asked_for(body: bytes) -> int | None:
    """`maxConcurrentCopies` of a request's body, None where it is not asked for.

    Raises ConfigurationError `RequestInvalid` that names everything that is wrong.
    """
    if not body.strip():
        return None
    asked = _parsed(body)
    wrong = [f"{quoted(redacted(key))} is not a parameter" for key in asked if key != "maxConcurrentCopies"]
    lanes = asked.get("maxConcurrentCopies")
    if "maxConcurrentCopies" in asked and not _is_lanes(lanes):
        wrong.append(f"maxConcurrentCopies must be a whole number from 1 to {MOST_LANES}")
    if wrong:
        raise _refused("; ".join(wrong) + ".")
    return lanes


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body, object_pairs_hook=_each_once) if len(body) <= _LONGEST else None
    except ConfigurationError:
        raise
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise _refused("The body is not a JSON object.")
    return cast(dict[str, Any], asked)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two numbers of lanes neither is the one that was meant."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _refused("A parameter is there twice.")
    return members


def _is_lanes(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_LANES


def _refused(what: str) -> ConfigurationError:
    example = 'Send no body, or {"maxConcurrentCopies": 20}.'
    return ConfigurationError("RequestInvalid", f"Nothing was started: {what}", example)
