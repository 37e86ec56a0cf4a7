"""The findings of oav that are no faults of the simulator, each with its reason; "recorded": Azure's own answers give the same.

The specifications at hand are complete for DevTest Labs, so nothing is ever allowed there. Those of Compute are older (disks
2020-12-01, the rest 2021-03-01) than what today's clients ask for.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Finding:
    """`at` is a path in the body: `/properties/etag`, say."""

    path: str
    status: str
    side: str
    code: str
    at: str
    message: str

    def __str__(self) -> str:
        return f"{self.code} in the {self.side} at {self.at or '/'}: {self.message[:160]} (status {self.status})"


@dataclass(frozen=True)
class Allowance:
    """Findings of one code, at these places of an answer or with this status."""

    reason: str
    code: str
    at: frozenset[str] = frozenset()
    status: str = ""

    PROVIDER: ClassVar[str] = "/providers/microsoft.compute/"

    def covers(self, finding: Finding) -> bool:
        return (
            self.PROVIDER in finding.path.lower()
            and finding.side == "response"
            and finding.code == self.code
            and (not self.at or finding.at in self.at)
            and (not self.status or finding.status == self.status)
        )


ALLOWANCES = (
    Allowance(
        "disks have these in API versions after 2020-12-01 (recorded)",
        "OBJECT_ADDITIONAL_PROPERTIES",
        frozenset({"/properties/publicNetworkAccess", "/properties/dataAccessAuthMode"}),
    ),
    Allowance(
        "disks have this in API versions after 2020-12-01 (not recorded: the SDK's model names it so)",
        "OBJECT_ADDITIONAL_PROPERTIES",
        frozenset({"/properties/LastOwnershipUpdateTime"}),
    ),
    Allowance(
        "virtual machines have these in API versions after 2021-03-01 (recorded)",
        "OBJECT_ADDITIONAL_PROPERTIES",
        frozenset({"/etag", "/properties/timeCreated"}),
    ),
    Allowance(
        "Compute's specifications define no 404, Azure answers it for what is not there (recorded)",
        "INVALID_RESPONSE_CODE",
        status="404",
    ),
)


def allowance(finding: Finding) -> Allowance | None:
    """The first allowance that covers a finding; None when it is a real one."""
    return next((allowed for allowed in ALLOWANCES if allowed.covers(finding)), None)
