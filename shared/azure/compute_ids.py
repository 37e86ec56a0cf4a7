"""The ids of Compute resources: where a VM or disk is, read from what a lab or a VM tells of it."""

import re
from dataclasses import dataclass

from shared.errors import RejectedError

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/microsoft\.compute/[^/]+/(?P<name>[^/]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ComputeId:
    subscription: str
    resource_group: str
    name: str

    @classmethod
    def parse(cls, arm_id: str) -> "ComputeId":
        """Raises RejectedError `NotAComputeId`."""
        found = _RESOURCE.fullmatch(arm_id)
        if found is None:
            raise RejectedError(
                "NotAComputeId", f"{arm_id!r} is not the id of a Compute resource.", "Repair the lab VM."
            )
        return cls(found["subscription"], found["group"], found["name"])
