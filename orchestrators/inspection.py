"""Look at the labs, up to a hundred in one child."""

from dataclasses import dataclass

from activities.configuration import LABS_PER_CHILD
from activities.inspection import Chunk, LabIndex, find_resource_groups, inspect_lab
from shared.domain.capture import short_hash
from shared.domain.runs import Run, child_id
from shared.durable import Orchestration, Steps, call, fan_out, fan_out_children
from shared.errors import PermanentError


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
    """Find where the labs are, then inspect each."""
    yield from call(context, find_resource_groups, part.chunk)
    positions = [LabIndex(part.chunk.run, index) for index in part.chunk.indices(part.labs)]
    for result in (yield from fan_out(context, inspect_lab, positions)):
        if isinstance(result, PermanentError):
            raise result
    return LabsInspected(len(positions))
