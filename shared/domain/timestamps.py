"""When a golden image was built: the timestamp of its manifest, in the culture of whoever wrote it (X13)."""

import re
from datetime import UTC, datetime, timedelta

_PLAUSIBLE_YEARS = range(2000, 2200)
_NEAR = timedelta(days=2)
_DAY = timedelta(days=1)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_CULTURE = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[./-])[ ]?(?P<b>\d{1,2})(?P=mark)[ ]?(?P<c>\d{1,4})\.?"
    r"(?:,?[ ]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?(?:[ ]?(?P<half>[AP])\.?[ ]?M\.?)?)?",
    re.IGNORECASE,
)
_NAME_DATE = re.compile(r"-(?P<month>[^\W\d_]+)\.?-(?P<day>\d{1,2})-(?P<year>\d{4})[^-]*\Z")


def read_timestamp(text: object, image_name: str, modified: datetime) -> tuple[datetime, bool]:
    """The time in UTC, and whether it is certain.

    A text without zone is UTC. Where day and month could be swapped, the reading counts that fits the date in the image name (a
    local date, so a day either side), else the one that fits the blob's Last-Modified; else month first (day first between dots,
    as every culture with dots writes it), and that is a guess. So is Last-Modified, taken when nothing can be read.
    """
    readings = _readings(text) if isinstance(text, str) else []
    if not readings:
        return modified, False
    for fitting in (
        readings,
        _fit_name(readings, image_name),
        _near(readings, modified),
        _not_after(readings, modified),
    ):
        if len(fitting) == 1:
            return fitting[0], True
    return readings[0], False


def _readings(text: str) -> list[datetime]:
    """The times that the text can stand for, the likelier first."""
    # PowerShell on newer Windows writes a no-break space before AM and PM.
    plain = " ".join(text.replace("\u200e", "").split())
    if iso := _iso(plain):
        return [iso]
    found = _CULTURE.fullmatch(plain)
    if found is None:
        return []
    first, second, third = int(found["a"]), int(found["b"]), int(found["c"])
    month_first, day_first = (third, first, second), (third, second, first)
    if len(found["a"]) == 4:
        orders = [(first, second, third)]
    elif found["mark"] == ".":
        orders = [day_first, month_first]
    else:
        orders = [month_first, day_first]
    times = (_time(order, found) for order in orders)
    return list(dict.fromkeys(time for time in times if time is not None))


def _iso(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year in _PLAUSIBLE_YEARS else None


def _time(order: tuple[int, int, int], found: re.Match[str]) -> datetime | None:
    year, month, day = order
    hour = int(found["hour"] or 0)
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    if year not in _PLAUSIBLE_YEARS:
        return None
    try:
        return datetime(year, month, day, hour, int(found["minute"] or 0), int(found["second"] or 0), tzinfo=UTC)
    except ValueError:
        return None


def _fit_name(readings: list[datetime], image_name: str) -> list[datetime]:
    found = _NAME_DATE.search(image_name)
    return [reading for reading in readings if _fits(reading, found)] if found else []


def _fits(reading: datetime, found: re.Match[str]) -> bool:
    month = found["month"].lower()
    for local in (reading - _DAY, reading, reading + _DAY):
        same_day = (local.day, local.year) == (int(found["day"]), int(found["year"]))
        # A month in another language says nothing.
        if same_day and (month not in _MONTHS or _MONTHS[local.month - 1] == month):
            return True
    return False


def _near(readings: list[datetime], modified: datetime) -> list[datetime]:
    return [reading for reading in readings if abs(modified - reading) <= _NEAR]


def _not_after(readings: list[datetime], modified: datetime) -> list[datetime]:
    """A manifest is not written before the time that it tells."""
    return [reading for reading in readings if reading <= modified + _DAY]
