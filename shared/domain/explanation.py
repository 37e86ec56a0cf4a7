"""An explanation as it is told: the verdict about an image and a lab, and the rules that decided, for programs and for people."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.quoting import one_line


class Verdict(StrEnum):
    """What a run would do with the pair; `none`: there is no such pair."""

    DELIVER = "deliver"
    PRESENT = "present"
    SKIP = "skip"
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True)
class Rule:
    """One rule as it was applied: `holds` says whether it speaks for the image; left out where it decides nothing."""

    rule: str
    found: str
    holds: bool | None = None


@dataclass(frozen=True)
class Explanation:
    """One image (or image path) and one lab: the verdict, and the rules up to the one that decided."""

    lab: str
    image_path: str
    verdict: Verdict
    subscription_id: str = ""
    image: str = ""
    code: str = ""
    message: str = ""
    next: str = ""
    trace: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Explanations:
    """One for each lab of that name and each image that is meant."""

    explanations: tuple[Explanation, ...]


_SIGNS = {True: "+", False: "!", None: " "}


def as_text(explanations: Iterable[Explanation]) -> str:
    """The explanations as lines: `+` speaks for the image, `!` against it."""
    lines: list[str] = []
    for each in explanations:
        lines.append(f"{each.lab} / {each.image or each.image_path}: {each.verdict} {each.code}".rstrip())
        lines += [f"  {_SIGNS[rule.holds]} {rule.rule}: {rule.found}" for rule in each.trace]
        lines += [f"    {each.next}"] if each.next else []
    return "\n".join(map(one_line, lines)) + "\n"
