"""What images are called: from the image path and the day, legal in Azure, and never a name that is taken."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator
from datetime import date
from itertools import count

from shared.domain.matching import path_key, split
from shared.domain.quoting import quoted
from shared.errors import ConfigurationError

LONGEST_NAME = 80
"""Azure's limit for the name of a custom image (`azure-facts.md` section 2)."""

_CUT_TO = LONGEST_NAME - 2
"""A name that is cut leaves room for the suffixes of a busy day."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEGAL = re.compile(r"[A-Za-z0-9_()-]{1,80}")
_ILLEGAL = re.compile(r"[^A-Za-z0-9_()-]")
_DATE = re.compile(r"-[A-Z][a-z]{2}-\d{1,2}-\d{4}\Z")
_EXTENSION = re.compile(r"\.json\Z", re.IGNORECASE)


def image_name(image_path: str, day: date) -> str:
    """The last two segments and the day, such as `Win2016_Datacenter-Nov-23-2026` (B23, B24).

    A name over 80 characters is cut and gets a short hash of the whole path. Raises ConfigurationError `ImagePathInvalid` for a
    path with a `.` or `..` segment or without a file name (X20).
    """
    segments = split(unicodedata.normalize("NFC", image_path))
    if "." in segments or ".." in segments:
        raise _invalid(image_path, "has a '.' or '..' segment")
    if not segments or not _EXTENSION.sub("", segments[-1]):
        raise _invalid(image_path, "has no file name")
    stem = _EXTENSION.sub("", "_".join(segments[-2:])).replace(".", "_")
    stem = _ILLEGAL.sub("-", stem)
    # The names of the months are ours: strftime would ask the machine's locale.
    dated = f"-{_MONTHS[day.month - 1]}-{day.day}-{day.year:04}"
    if len(stem + dated) > LONGEST_NAME:
        mark = "-" + hashlib.sha256(path_key(image_path).encode(errors="replace")).hexdigest()[:8]
        stem = stem[: _CUT_TO - len(mark + dated)] + mark
    return stem + dated


def first_free(base: str, taken: Collection[str]) -> str:
    """`base`, or the first of `base` with A, B, ... Z, AA, AB, ... that is not taken; names are compared without case."""
    known = {name.lower() for name in taken}
    return next(name for name in _candidates(base) if name.lower() not in known)


def is_legal(name: str) -> bool:
    """Azure's rule for custom images: 1 to 80 ASCII letters, digits, `_`, `-`, `(` and `)`."""
    return _LEGAL.fullmatch(name) is not None


def _candidates(base: str) -> Iterator[str]:
    yield base
    found = _DATE.search(base)
    dated = found[0] if found else ""
    stem = base.removesuffix(dated)
    for number in count(1):
        suffix = _letters(number)
        # A base of full length gives way before its date, so that the name with a suffix is legal as well.
        yield stem[: LONGEST_NAME - len(dated) - len(suffix)] + dated + suffix


def _letters(number: int) -> str:
    """1 is A, 26 is Z, 27 is AA (the original went on through the character table, X19)."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _invalid(image_path: str, fault: str) -> ConfigurationError:
    return ConfigurationError(
        "ImagePathInvalid",
        f"The ImagePath {quoted(image_path)} {fault}.",
        r"Give the ImagePath of a file below GoldenImages, such as Win2022\Datacenter.json.",
    )
