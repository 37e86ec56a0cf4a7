"""Our mark on what we make: only what carries it, from another run, is ever swept."""

from shared.azure.blobs import ListedBlob
from shared.azure.vhds import Vhds
from shared.domain.runs import Run

FACTORY, RUN, KIND = "factory", "run", "kind"
GOLDEN, COPY = "golden", "copy"


def mark(run: Run, kind: str, **more: str) -> dict[str, str]:
    """Blob metadata that says whose a VHD is: a golden image's, or a copy's on its way to a lab."""
    return {FACTORY: run.factory, RUN: run.id, KIND: kind, **more}


def is_leftover(run: Run, kind: str, blob: ListedBlob) -> bool:
    """Was it made by this factory in another run? That run is dead, because this one holds the claim."""
    marks = blob.metadata
    return marks.get(FACTORY) == run.factory and marks.get(KIND) == kind and marks.get(RUN, run.id) != run.id


def sweep_copies(run: Run, vhds: Vhds, being_read: frozenset[str]) -> None:
    """Remove what dead runs left of their copies, but not what an image creation reads: that stays for the next sweep."""
    for blob in vhds.list(copies=True):
        if is_leftover(run, COPY, blob) and vhds.url(blob.name).lower() not in being_read:
            vhds.remove(blob.name, blob.etag)
