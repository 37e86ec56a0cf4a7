"""The manifest beside each golden VHD: the commit mark of a capture, read and written so that both factories understand it (B9).

It is created once and never written again, so what a newer version wrote into it stays; what we do not know is ignored.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from shared.domain.encodings import decode_text
from shared.domain.findings import Finding, Severity
from shared.domain.images import LONGEST_DESCRIPTION, GoldenImage, OsState, OsType
from shared.domain.matching import canonical_path
from shared.domain.quoting import quoted
from shared.domain.timestamps import read_timestamp
from shared.errors import ConfigurationError

SCHEMA_VERSION = 1


def read_manifest(data: bytes, blob_name: str, modified: datetime) -> tuple[GoldenImage, tuple[Finding, ...]]:
    """Read a manifest of ours or of the original factory; keys in any case and order, unknown ones are ignored.

    `modified` is the blob's Last-Modified. `size_bytes` stays None: only the VHD knows. Raises ConfigurationError
    `ManifestUnreadable`, naming the blob.
    """
    try:
        fields = _fields(decode_text(data))
        name, path, vhd = (_required(fields, key) for key in ("imageName", "imagePath", "vhdFileName"))
        if not canonical_path(path):
            raise ValueError("imagePath names no file")
        built, certain = read_timestamp(fields.get("timestamp"), name, modified)
        image = GoldenImage(
            name=name,
            image_path=canonical_path(path),
            os_type=_os_type(_text(fields, "osType")),
            vhd=vhd,
            built=built,
            description=_text(fields, "description")[:LONGEST_DESCRIPTION],
            os_state=_os_state(_text(fields, "osState")),
            digest=_text(fields, "digest"),
            manifest=blob_name,
            captures=_captures(fields.get("capturekeys")),
        )
    except ConfigurationError as error:
        raise _unreadable(blob_name, error.message) from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(blob_name, str(error)) from None
    return image, () if certain else (_guessed(blob_name, fields.get("timestamp"), built),)


def write_manifest(image: GoldenImage, extra: Mapping[str, object]) -> bytes:
    """The manifest as ASCII JSON with the six keys of the original first; values without content are left out.

    `extra` may not hold a key of the manifest itself: that raises ValueError.
    """
    original = {
        "imageName": image.name,
        "imagePath": canonical_path(image.image_path),
        "description": image.description,
        "osType": image.os_type.value,
        "vhdFileName": image.vhd,
        "timestamp": image.built.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    ours: dict[str, object] = {
        "schemaVersion": SCHEMA_VERSION,
        "osState": image.os_state.value,
        "digest": image.digest,
        "sizeBytes": image.size_bytes,
        "captureKeys": list(image.captures),
    }
    known = {key.lower() for key in (*original, *ours)}
    if taken := [key for key in extra if key.lower() in known]:
        raise ValueError(f"the manifest has keys of its own called {', '.join(taken)}")
    added = {key: value for key, value in (ours | dict(extra)).items() if value not in (None, "", [], ())}
    # Windows PowerShell reads a file without BOM as ANSI: nothing above ASCII may stand in it (X12).
    return json.dumps(original | added, ensure_ascii=True, indent=2).encode("ascii")


def _fields(text: str) -> dict[str, object]:
    """The members by lower-case key."""
    # An int of thousands of digits would be refused; a manifest has no number that is read.
    plain: Any = json.loads(text, object_pairs_hook=_without_case, parse_int=float)
    if not isinstance(plain, dict):
        raise ValueError("it is not a JSON object")
    return cast(dict[str, object], plain)


def _without_case(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for key, value in pairs:
        if key.lower() in members:
            raise ValueError(f"the key {quoted(key)} is there twice")
        members[key.lower()] = value
    return members


def _required(fields: Mapping[str, object], key: str) -> str:
    text = _text(fields, key)
    if not text.strip():
        raise ValueError(f"{key} is missing or empty")
    return text


def _text(fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key.lower())
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key} is no text")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{key} is no valid text: {quoted(value)}")
    return value


def _os_type(text: str) -> OsType:
    return next((kind for kind in OsType if kind.value.lower() == text.lower()), OsType.UNKNOWN)


def _os_state(text: str) -> OsState:
    """The original factory captured generalized VMs only and wrote no state."""
    if not text:
        return OsState.GENERALIZED
    for state in OsState:
        if state.value.lower() == text.lower():
            return state
    raise ValueError(f"osState is {quoted(text)}, neither Generalized nor Specialized")


def _captures(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        keys = tuple(key for key in cast(list[object], value) if isinstance(key, str))
        if len(keys) == len(cast(list[object], value)):
            return keys
    raise ValueError("captureKeys is no list of texts")


def _unreadable(blob_name: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        "ManifestUnreadable",
        f"The manifest {blob_name} cannot be read: {reason}.".replace("..", "."),
        f"Repair {blob_name}, or delete it together with its VHD if the image is not needed.",
    )


def _guessed(blob_name: str, text: object, built: datetime) -> Finding:
    said = (
        "no timestamp"
        if text is None
        else f"the timestamp {quoted(text)}, which can be read in more than one way or in none"
    )
    return Finding(
        Severity.WARNING,
        "TimestampGuessed",
        f"The manifest {blob_name} has {said}; taken is {built.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}.",
        f'If that is wrong, correct "timestamp" in {blob_name} to the UTC time in ISO 8601, as in 2026-11-23T02:05:09Z.',
        blob_name,
    )
