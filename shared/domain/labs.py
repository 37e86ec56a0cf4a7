"""Labs and how they are named: the factory lab that makes images, the labs that receive them."""

import re
from dataclasses import dataclass

from shared.domain.matching import ImageEntry

_LAB_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/microsoft\.devtestlab/labs/(?P<name>[^/]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LabId:
    """A lab's full name. Compared without case, as ARM does (X29): use `key`."""

    subscription: str
    resource_group: str
    name: str

    @classmethod
    def parse(cls, arm_id: str) -> "LabId":
        """Read an ARM id; raises ValueError when it is not the id of a lab."""
        match = _LAB_ID.fullmatch(arm_id.rstrip("/"))
        if match is None:
            raise ValueError(f"{arm_id!r} is not the ARM id of a DevTest lab")
        return cls(match["subscription"], match["group"], match["name"])

    @property
    def key(self) -> str:
        return str(self).lower()

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.DevTestLab/labs/{self.name}"
        )


@dataclass(frozen=True)
class LabRequest:
    """One lab of labs.json and the images it asks for. `path` and `line` say where it stands in the file."""

    subscription: str
    name: str
    entries: tuple[ImageEntry, ...]
    resource_group: str = ""
    path: str = ""
    line: int | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """For a stable order; labs of one name differ in their groups."""
        return self.subscription.lower(), self.name.lower(), self.resource_group.lower(), self.path


@dataclass(frozen=True)
class Lab:
    """A lab as Azure knows it. `account` is the storage account that takes its VHDs (B44: from the full resource id)."""

    id: LabId
    account: str
    location: str = ""


@dataclass(frozen=True)
class SetAside:
    """A lab of labs.json that gets nothing in this run, and why; its pairs are reported as failed with this code."""

    request: LabRequest
    code: str
    message: str
    next: str = ""
