"""Where a world comes from: a file, or one case of a file of cases."""

import json
from pathlib import Path
from typing import Any

from local.azure.resources import Json
from local.azure.world import WorldError, unwrap_case

SAMPLE = Path(__file__).resolve().parents[1] / "worlds" / "sample.json"


def read_world_file(reference: str) -> Json:
    """`file` or `file#case-id`. Raises WorldError when there is no such file or case, or it is not JSON."""
    name, _, case_id = reference.partition("#")
    try:
        document: Any = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorldError(f"cannot read the world {name}: {error}") from error
    if isinstance(document, list):
        cases: dict[str, Json] = {case["id"]: case for case in document}  # pyright: ignore[reportUnknownVariableType]
        if case_id not in cases:
            raise WorldError(f"{name} holds {len(cases)} cases; say which one, as {name}#{next(iter(cases), 'id')}")
        document = cases[case_id]
    return unwrap_case(document)
