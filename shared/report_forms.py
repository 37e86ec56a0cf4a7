"""The forms of a run's report: the files that a run leaves in the journal, and what a caller over HTTP may choose from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.domain.quoting import quoted
from shared.domain.renderings.junit import as_junit
from shared.domain.renderings.markdown import as_markdown
from shared.domain.renderings.page import POLICY, as_page
from shared.domain.report import RunReport
from shared.errors import ConfigurationError
from shared.wire import to_json, to_plain, without_blanks


@dataclass(frozen=True)
class Form:
    """`media_types`: the first is answered, any is understood."""

    name: str
    file: str
    media_types: tuple[str, ...]
    render: Callable[[RunReport], str]

    @property
    def headers(self) -> dict[str, str]:
        """What goes with it over HTTP: no script runs, nothing is loaded, no browser guesses what it is."""
        policy = POLICY if self.name == "html" else "default-src 'none'"
        return {
            "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Disposition": f'inline; filename="{self.file}"',
        }


def as_json(report: RunReport) -> str:
    return to_json(without_blanks(to_plain(report)), indent=2).decode()


FORMS = (
    Form("json", "report.json", ("application/json",), as_json),
    Form("markdown", "report.md", ("text/markdown",), as_markdown),
    Form("html", "report.html", ("text/html",), as_page),
    Form("junit", "junit.xml", ("application/xml", "text/xml"), as_junit),
)
"""The first is for callers without a wish."""


def form_asked_for(accept: str, name: str) -> Form:
    """The form that `?format=` names, else the one that the header Accept likes best (RFC 9110, section 12.5.1).

    Raises ConfigurationError `RequestInvalid` or `NotAcceptable` with what there is.
    """
    if name:
        found = next((form for form in FORMS if form.name == name), None)
        if found is None:
            names = ", ".join(form.name for form in FORMS)
            raise ConfigurationError(
                "RequestInvalid", f"There is no format {quoted(name)}.", f"Ask for one of {names}."
            )
        return found
    ranges = list(_ranges(accept)) or [("*/*", 1.0)]
    likings = [(max(_liking(ranges, media) for media in form.media_types), form) for form in FORMS]
    liking, best = max(likings, key=lambda each: each[0])
    if liking <= 0:
        there = ", ".join(form.media_types[0] for form in FORMS)
        raise ConfigurationError("NotAcceptable", f"No report is {quoted(accept)}.", f"Accept one of {there}.")
    return best


def _liking(ranges: list[tuple[str, float]], media: str) -> float:
    """The weight of the most special range that the media type is in."""
    kind = media.partition("/")[0]
    for shape in (media, f"{kind}/*", "*/*"):
        if weights := [weight for name, weight in ranges if name == shape]:
            return max(weights)
    return 0.0


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name:
            yield name, next((_weight(text[2:]) for text in parameters if text.startswith("q=")), 1.0)


def _weight(text: str) -> float:
    """Between 0 and 1; what is no number weighs nothing."""
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
