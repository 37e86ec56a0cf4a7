"""The recorded cases of the original factory (`original-vectors`): their worlds as ours, and what became of them there.

The cases are not part of this repository: they are read when they are there, in `$SHARED_DIR` or in `shared` beside it.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.azure.world import unwrap_case
from local.factory.configuration import world_files
from tests.e2e.worlds import World, labs_json

Json = dict[str, Any]

VECTORS = Path(os.environ.get("SHARED_DIR") or Path(__file__).parents[3] / "shared") / "original-vectors"
KINDS = ("distribute", "factory", "snap")
AT_ONCE = {"copySeconds": 0, "pendingSeconds": 0, "imageSeconds": 0}
GENERALIZED = {"code": "OSState/generalized", "displayStatus": "VM generalized"}


def read_cases() -> list[Json]:
    """All cases that end with distribution at the latest; none when they are not here."""
    files = [VECTORS / f"{kind}.json" for kind in KINDS]
    return [case for file in files if file.is_file() for case in json.loads(file.read_text("utf-8"))]


class OriginalWorld(World):
    """The world of a case as it is; only that everything ends at once.

    `generalized`: Compute says of every VM that it is generalized, which the original took for granted (B20).
    """

    def __init__(self, case: Json, generalized: bool) -> None:
        super().__init__()
        self.case = unwrap_case(json.loads(json.dumps(case)))
        self.case["behave"] = self.case.get("behave", {}) | AT_ONCE
        if generalized:
            for subscription in self.case["subscriptions"]:
                for machine in subscription["compute"]:
                    machine["statuses"] = [*machine["statuses"], GENERALIZED]

    @property
    def document(self) -> Json:
        return self.case

    @property
    def factory_lab(self) -> str:
        return self.case["factoryLab"]


def configuration(case: Json) -> dict[str, bytes]:
    """The files of a case; captures alone need no labs.json there, but here: the factory lab asks for nothing."""
    files = {file.name: file.data for file in world_files(case)}
    if not any(name.lower() == "labs.json" for name in files):
        subscription, name = OriginalWorld(case, generalized=False).factory_lab.split("/")[2::6]
        files["labs.json"] = labs_json({"SubscriptionId": subscription, "LabName": name, "ImagePaths": []})
    return files


@dataclass(frozen=True)
class Image:
    """A custom image made: in which lab, of what (a golden VHD's blob name, or the disk that was captured), how it ended."""

    subscription: str
    rg: str
    lab: str
    source: str
    state: str
