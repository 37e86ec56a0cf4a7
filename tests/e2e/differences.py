"""The wanted differences between the original and ours: docs/differences.md, read."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.original import End, Subject
from tests.e2e.original_facts import Facts
from tests.e2e.original_rules import PREDICATES

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"
_ROW = re.compile(r"\| ([BWX0-9, ]+) \| ([\w ]+) \| (there|here|both) \| `(\w+)` \| ([^|]+) \| ([\w-]+) \|")


@dataclass(frozen=True)
class Difference:
    """A thing of one side only, or (`both`) an attribute of a thing that is not the same on both; `told` says how."""

    kind: str
    where: str
    what: Subject
    told: str


@dataclass(frozen=True)
class Wanted:
    """A row of the page. `example` is the run in which it is seen, among the cases that the page was written with."""

    numbers: str
    kind: str
    where: str
    rule: str
    meaning: str
    example: str

    def explains(self, difference: Difference, facts: Facts) -> bool:
        alike = (self.kind, self.where) == (difference.kind, difference.where)
        return alike and PREDICATES[self.rule](facts, difference.what)


def wanted_differences() -> list[Wanted]:
    return [Wanted(*match.groups()) for match in map(_ROW.fullmatch, PAGE.read_text("utf-8").splitlines()) if match]


def differences(there: End, here: End) -> list[Difference]:
    one, other = there.things(), here.things()
    found: list[Difference] = []
    for kind, what in one.keys() | other.keys():
        if (kind, what) not in other:
            found.append(Difference(kind, "there", what, str(one[kind, what])))
        elif (kind, what) not in one:
            found.append(Difference(kind, "here", what, str(other[kind, what])))
        else:
            there_is, here_is = one[kind, what], other[kind, what]
            for name in vars(there_is):
                values = getattr(there_is, name), getattr(here_is, name)
                if values[0] != values[1]:
                    found.append(Difference(f"{kind} {name}", "both", what, f"{values[0]} there, {values[1]} here"))
    return found
