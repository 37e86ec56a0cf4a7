"""Look at the labs, up to a hundred in one child."""

from dataclasses import dataclass

from activities.configuration import LABS_PER_CHILD
from activities.inspection import (
    Chunk,
    LabAside,
    LabIndex,
    UnlistedChunk,
    find_resource_groups,
    give_up_listing,
    inspect_lab,
    set_lab_aside,
)
from shared.domain.outcomes import Outcome
from shared.domain.runs import Run, child_id, short_hash
from shared.durable import Orchestration, Steps, call, fan_out, fan_out_children
from shared.errors import ExhaustedError, PermanentError


@dataclass(frozen=True)
class LabsToInspect:
    chunk: Chunk
    labs: int


@dataclass(frozen=True)
class LabsInspected:
    labs: int


def inspect_all_labs(context: Orchestration, run: Run, labs: int) -> Steps[None]:
    """Every lab's inspection is recorded afterwards; raises PermanentError when a child could not do its part."""
    chunks = [Chunk(run, number) for number in range(-(-labs // LABS_PER_CHILD))]
    children = [
        (LabsToInspect(chunk, labs), child_id(run.id, "labs", short_hash(str(chunk.number)), 1)) for chunk in chunks
    ]
    for result in (yield from fan_out_children(context, inspect_labs, children)):
        if isinstance(result, PermanentError):
            raise result


def inspect_labs(context: Orchestration, part: LabsToInspect) -> Steps[LabsInspected]:
    """Find where the labs are, then inspect each. A lab that cannot be inspected is set aside, its neighbours go on."""
    try:
        yield from call(context, find_resource_groups, part.chunk)
    except ExhaustedError as error:
        yield from call(context, give_up_listing, UnlistedChunk(part.chunk, Outcome.failed(error)))
    positions = [LabIndex(part.chunk.run, index) for index in part.chunk.indices(part.labs)]
    results = yield from fan_out(context, inspect_lab, positions)
    for position, result in zip(positions, results, strict=True):
        if isinstance(result, ExhaustedError):
            yield from call(context, set_lab_aside, LabAside(position, Outcome.failed(result)))
        elif isinstance(result, PermanentError):
            raise result
    return LabsInspected(len(positions))
