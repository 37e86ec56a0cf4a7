"""What is recorded of a run, and the claim that says which run may work (`run-protocol.md`, "Blobs")."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from shared.azure.blobs import Container
from shared.domain.claim import Claim
from shared.domain.findings import Finding
from shared.domain.golden_vms import GoldenVm
from shared.domain.images import GoldenImage
from shared.domain.labs import Lab, LabRequest, SetAside
from shared.domain.outcomes import CANCELLED, Ending, Outcome
from shared.domain.runs import Run, Terms
from shared.domain.selection import WHOLE, Selection
from shared.domain.tickets import Kind
from shared.errors import PermanentError, TransientError
from shared.settings import settings
from shared.side_by_side import side_by_side
from shared.wire import from_json, to_json

T = TypeVar("T")

CLAIM_CONTAINER = "imagefactory"
CLAIM = "active-run"
RUN = "run.json"
REQUEST = "request.json"
CAPTURE_PLAN = "captures.json"
DISTRIBUTION_PLAN = "plan.json"
REPORT = "report.json"
CONTENDED = 20
"""How often a blob that others change, too, is read and written again within one activity."""

_LONGEST_MESSAGE = 1000


# --- Documents


@dataclass(frozen=True)
class RunRecord:
    """run.json: written before anything else."""

    run_id: str
    factory_id: str
    app: str
    started_at: datetime


@dataclass(frozen=True)
class FrozenConfiguration:
    """configuration.json: what labs.json said when the run read it; later changes belong to the next run (B10).

    `blob`, `etag` and `sha256` name the file that is used: while the uploaded one (`seen_etag`) is broken, the last good one.
    `good`: the uploaded one is used and serves a lab, so it is good to go on with later.
    Of the labs only those that the run's selection asks for.
    """

    blob: str
    etag: str
    sha256: str
    usable: bool
    terms: Terms
    labs: tuple[LabRequest, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    findings: tuple[Finding, ...] = ()
    definitions: tuple[str, ...] | None = None
    selection: Selection = WHOLE
    seen_etag: str | None = None
    good: bool = False

    @property
    def lay_there(self) -> str:
        """The ETag of the uploaded file, used or not; empty when there was none."""
        return self.etag if self.seen_etag is None else self.seen_etag


@dataclass(frozen=True)
class FactoryInventory:
    """factory.json: the factory lab, its VMs and its golden images."""

    lab: Lab
    vms: tuple[GoldenVm, ...] = ()
    images: tuple[GoldenImage, ...] = ()
    findings: tuple[Finding, ...] = ()


def journal_container() -> Container:
    return Container(settings().journal_account, settings().journal_container)


class Journal:
    """The blobs of one run, below `runs/<run id>/`. Documents are created once and never changed; only tickets are."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.container = journal_container()

    def path(self, name: str) -> str:
        return f"runs/{self.run_id}/{name}"

    def write(self, name: str, document: object) -> bool:
        """Record a document; False when it is recorded already: then the recorded one is the truth."""
        return self.container.create(self.path(name), to_json(document, indent=2))

    def write_text(self, name: str, text: str) -> bool:
        return self.container.create(self.path(name), text.encode())

    def read(self, name: str, kind: type[T]) -> T:
        """A document that does not change any more; raises MissingError when it is not recorded."""
        return _document(self.container.account, self.container.name, self.path(name), kind)

    def read_all(self, names: Sequence[str], kind: type[T]) -> list[T]:
        """Many documents, read side by side; raises MissingError when one is not recorded."""

        def read(name: str) -> T:
            return from_json(self.container.get(self.path(name)).data, kind)

        return side_by_side(read, names)

    def find(self, name: str) -> bytes | None:
        blob = self.container.find(self.path(name))
        return blob.data if blob else None

    def has(self, name: str) -> bool:
        return self.container.exists(self.path(name))

    # Outcomes: one blob per capture or pair, its summary in the metadata, so that a report needs listings only.

    def has_outcome(self, kind: Kind, key: str) -> bool:
        return self.has(f"{kind}/{key}.json")

    def settle(self, kind: Kind, key: str, outcome: Outcome) -> Outcome:
        """Record how a capture or pair ended; the first writer wins and its outcome is returned."""
        name = self.path(f"{kind}/{key}.json")
        if self.container.create(name, to_json(outcome, indent=2), _summary(outcome)):
            return outcome
        return from_json(self.container.get(name).data, Outcome)

    def outcomes(self, kind: Kind) -> Iterator[tuple[str, Outcome]]:
        """(key, outcome) of everything of that kind that has ended; messages may be cut."""
        prefix = self.path(f"{kind}/")
        for blob in self.container.list(prefix):
            yield blob.name.removeprefix(prefix).removesuffix(".json"), _outcome(dict(blob.metadata), blob.modified)


@lru_cache(maxsize=16)
def _document(account: str, container: str, path: str, kind: Any) -> Any:
    return from_json(Container(account, container).get(path).data, kind)


def _summary(outcome: Outcome) -> dict[str, str]:
    """An outcome as blob metadata: headers take neither line ends nor letters beyond ASCII."""
    texts = {"state": outcome.state, "code": outcome.code, "message": outcome.message, "next": outcome.next}
    summary = {
        name: quote(text[:_LONGEST_MESSAGE], safe=" ,:;/()'-_.")[:_LONGEST_MESSAGE] for name, text in texts.items()
    }
    numbers = {"bytes": outcome.bytes, "seconds": outcome.seconds}
    summary |= {name: repr(value) for name, value in numbers.items() if value is not None}
    return {name: value.strip() for name, value in summary.items() if value.strip()}


def _outcome(summary: dict[str, str], ended_at: datetime) -> Outcome:
    seconds = summary.get("seconds")
    return Outcome(
        Ending(summary["state"]),
        unquote(summary.get("code", "")),
        unquote(summary.get("message", "")),
        unquote(summary.get("next", "")),
        int(summary["bytes"]) if "bytes" in summary else None,
        float(seconds) if seconds else None,
        ended_at,
    )


# --- The claim


def claim_container(account: str) -> Container:
    """Where the claim and the grants lie: in the factory lab's account, so that all apps on this factory lab share them."""
    return Container(account, CLAIM_CONTAINER)


@dataclass(frozen=True)
class ReadClaim:
    """The claim as read, with the ETag that a change of it must still find."""

    claim: Claim | None
    etag: str = ""


def read_claim(account: str) -> ReadClaim:
    blob = claim_container(account).find(CLAIM)
    return ReadClaim(from_json(blob.data, Claim), blob.etag) if blob else ReadClaim(None)


def write_claim(account: str, claim: Claim, read: ReadClaim) -> bool:
    """Write the claim if nobody changed it since it was read."""
    container, data = claim_container(account), to_json(claim, indent=2)
    return container.replace(CLAIM, data, read.etag) if read.claim else container.create(CLAIM, data)


def cancelled() -> PermanentError:
    return PermanentError(CANCELLED, "The run was cancelled before this was done.", "Start another run.")


def contended(what: str) -> TransientError:
    return TransientError("Contended", f"{what} changed {CONTENDED} times while it was to be changed.")


def fence(run: Run, kind: Kind | None = None, key: str = "", begins: bool = False) -> Claim:
    """Let only the run that holds the claim pass, and only while what it serves has no outcome yet.

    Every activity with an effect passes here first; what begins a grant or a copy passes again afterwards
    (`run-protocol.md`, "The fence"). A run that was cancelled passes only to end things: neither with the work of a `kind` nor
    with what `begins` a stage (decision 5). Answers the claim; raises PermanentError `Fenced` or `Cancelled`.
    """
    claim = read_claim(run.account).claim
    if claim is None or not claim.held_by(run.id):
        raise PermanentError("Fenced", f"Run {run.id} does not hold the claim any more; nothing was done.")
    if claim.cancelled and (begins or kind is not None):
        raise cancelled()
    if kind is not None and Journal(run.id).has_outcome(kind, key):
        raise PermanentError("Fenced", f"{kind}/{key} of run {run.id} has ended; nothing was done.")
    return claim
