"""What was noticed about our input: where it stands, what is wrong with it, what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that a person should look at.

    `path` is the place: a JSON path such as `$.Labs[2].ImagePaths[0]` in labs.json, else the name of a blob, VM or disk.
    `line` counts from 1 and is only known in labs.json.
    """

    severity: Severity
    code: str
    message: str
    next: str = ""
    path: str = ""
    line: int | None = None

    @property
    def place(self) -> str:
        return f"{self.path}, line {self.line}" if self.line else self.path
