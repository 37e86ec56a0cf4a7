"""Read labs.json once and freeze it for the run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from activities.last_good import find_last_good, note_last_good, sha256, store, stored
from shared.azure.blobs import Blob, Container
from shared.configuration import MAX_BYTES, two_configurations
from shared.configuration import read_configuration as read_labs
from shared.configuration_check import Upload
from shared.domain.encodings import decode_text
from shared.domain.findings import Finding, Severity
from shared.domain.labs import LabRequest
from shared.domain.runs import Run, RunRequest, Terms
from shared.domain.selection import WHOLE, Selection, findings_for
from shared.journal import (
    CONTENDED,
    REQUEST,
    FrozenConfiguration,
    Journal,
    contended,
    fence,
    read_claim,
    write_claim,
)
from shared.redaction import redacted
from shared.settings import settings

CONFIGURATION_BLOBS = ("labs.json", "Labs.json")
"""Ours and Microsoft's spelling; blob names have case, and if both are there the first is used."""

GOLDEN_IMAGES = "GoldenImages/"
LABS_PER_CHILD = 100


@dataclass(frozen=True)
class Asked:
    run: Run
    request: RunRequest


@dataclass(frozen=True)
class Configured:
    """What the orchestrator needs of the configuration: whether it can be used, how many labs, the terms, which stages."""

    usable: bool
    labs: int
    terms: Terms
    captures: bool = True
    distributes: bool = True


def configuration_container() -> Container:
    return Container(settings().configuration_account, settings().configuration_container)


def configuration_etag() -> str:
    """The ETag of the configuration that a run would use now; empty when there is none."""
    container = configuration_container()
    return next((etag for name in CONFIGURATION_BLOBS if (etag := container.etag(name))), "")


def read_configuration(asked: Asked) -> Configured:
    """Freeze labs.json, the names of the golden image definitions, the selection and the settings in the journal.

    A labs.json that is broken is not used: the run goes on with the last good one, and says so as an error. Repeat-safe: what is
    frozen stays frozen; a repeat answers with it and writes the same ETag into the claim. A run that does a part only notes
    nothing there: what labs.json says now is still to be done as a whole.
    """
    run, request = asked.run, asked.request
    fence(run, begins=True)
    journal = Journal(run.id)
    if not journal.has("configuration.json"):
        # Seen before it is read: a file that every run fails on must not start one run after the other.
        if not request.selective:
            _note_seen(run, configuration_etag())
        selection = journal.read(REQUEST, Selection) if request.selective else WHOLE
        found = found_now()
        frozen = _frozen(found, selection, request.lanes)
        if found and frozen.good:
            store(found.blobs[0].data)
        journal.write("configuration.json", frozen)
    frozen = journal.read("configuration.json", FrozenConfiguration)
    if not request.selective:
        _note_seen(run, frozen.lay_there)
    if frozen.good:
        note_last_good(run, frozen)
    selection = frozen.selection
    return Configured(frozen.usable, len(frozen.labs), frozen.terms, selection.captures, selection.distributes)


def configuration_now(selection: Selection = WHOLE, lanes: int | None = None) -> FrozenConfiguration:
    """What a run would use now, as far as the selection asks for it; nothing is written."""
    return _frozen(found_now(), selection, lanes)


@dataclass(frozen=True)
class Found:
    """What lies in the configuration container. `before` is the good one to compare with, or to go on with."""

    blobs: tuple[Blob, ...]
    uploaded: Upload
    definitions: tuple[str, ...] | None
    before: Upload | None


def found_now() -> Found | None:
    """None when there is no labs.json."""
    container = configuration_container()
    blobs = tuple(blob for name in CONFIGURATION_BLOBS if (blob := container.find(name, MAX_BYTES + 1)))
    if not blobs:
        return None
    definitions = _definitions(container)
    first = blobs[0]
    uploaded = Upload(first.name, first.etag, sha256(first.data), read_labs(first.data, definitions))
    return Found(blobs, uploaded, definitions, _before(uploaded, definitions))


def _before(uploaded: Upload, definitions: tuple[str, ...] | None) -> Upload | None:
    """The last good one, or the one before where that is the file itself: a second run compares with the same as the first."""
    good = find_last_good()
    if good is not None and good.sha256 == uploaded.sha256:
        good = replace(good, etag="", sha256=good.before)
    data = stored(good.sha256) if good else None
    return Upload(good.blob, good.etag, good.sha256, read_labs(data, definitions)) if good and data else None


def _frozen(found: Found | None, selection: Selection, lanes: int | None) -> FrozenConfiguration:
    now = settings()
    terms = Terms(
        lanes=lanes or now.lanes,
        copy_deadline=now.copy_deadline,
        image_deadline=now.image_deadline,
        versions=now.versions,
        stall_deadline=now.stall_deadline,
        generalize=now.generalize,
        generalize_fallback=now.generalize_fallback,
        generalize_deadline=now.generalize_deadline,
    )
    if found is None:
        finding = Finding(
            Severity.ERROR,
            "ConfigurationMissing",
            f"There is no labs.json in {configuration_container()}.",
            "Upload labs.json to that container; the upload starts a run.",
            CONFIGURATION_BLOBS[0],
        )
        return FrozenConfiguration("", "", "", False, terms, findings=(finding,), selection=selection)
    uploaded = found.uploaded
    is_broken = bool(found.before and found.before.configuration.usable and not uploaded.configuration.usable)
    used = found.before if found.before and is_broken else uploaded

    def is_asked_for(lab: LabRequest) -> bool:
        return selection.asks_for_lab(lab.subscription, lab.name)

    labs = tuple(filter(is_asked_for, used.configuration.labs))
    aside = tuple(aside for aside in used.configuration.set_aside if is_asked_for(aside.request))
    findings = used.configuration.findings
    if not selection.is_whole:
        findings = findings_for((*labs, *(each.request for each in aside)), findings)
    if is_broken:
        said = (_last_good_used(uploaded, used), *uploaded.configuration.findings)
        findings = (*said, *_of_last_good(used, findings))
    return FrozenConfiguration(
        blob=used.blob,
        etag=used.etag,
        sha256=used.sha256,
        usable=used.configuration.usable,
        terms=terms,
        labs=labs,
        set_aside=aside,
        findings=(*_both_spellings(found.blobs), *findings),
        definitions=found.definitions,
        seen_etag=uploaded.etag,
        good=bool(uploaded.configuration.labs) and not _holds_secret(found.blobs[0]),
        selection=selection,
    )


def _holds_secret(blob: Blob) -> bool:
    """Such a file is used with what is right in it, and never kept: no secret comes into the journal (I5)."""
    text = decode_text(blob.data)
    return redacted(text) != text


def _last_good_used(broken: Upload, used: Upload) -> Finding:
    message = (
        f"{broken.blob} (ETag {broken.etag}) is broken and is not used;"
        f" the last good one is used instead ({used.name})."
    )
    advice = f"Correct {broken.blob} and upload it; {broken.blob}.report.md beside it says what is wrong."
    return Finding(Severity.ERROR, "LastGoodUsed", message, advice, broken.blob)


def _of_last_good(used: Upload, findings: Iterable[Finding]) -> Iterable[Finding]:
    """What is wrong with the file that is used, told apart from what is wrong with the one that is not."""
    for found in findings:
        yield replace(found, path=f"{_last_good(used.blob)}{found.path}")


def _last_good(blob: str) -> str:
    return f"last good {blob} "


def findings_of_used(frozen: FrozenConfiguration) -> tuple[Finding, ...]:
    """What is wrong with the file that is used, with its own places, and that it is the last good one where it is."""
    if frozen.lay_there == frozen.etag:
        return frozen.findings
    place = _last_good(frozen.blob)
    return tuple(
        replace(found, path=found.path.removeprefix(place))
        for found in frozen.findings
        if found.code == "LastGoodUsed" or found.path.startswith(place)
    )


def _definitions(container: Container) -> tuple[str, ...] | None:
    """The golden image definitions, relative to GoldenImages; None when the folder has not been uploaded."""
    names = [blob.name.removeprefix(GOLDEN_IMAGES) for blob in container.list(GOLDEN_IMAGES)]
    return tuple(name for name in names if name.lower().endswith(".json")) if names else None


def _both_spellings(found: Sequence[Blob]) -> tuple[Finding, ...]:
    return (two_configurations(found[0].name, found[1].name),) if len(found) > 1 else ()


def _note_seen(run: Run, etag: str) -> None:
    """Write into the claim which configuration this run saw: the doorbell and the release compare with it."""
    for _ in range(CONTENDED):
        read = read_claim(run.account)
        if read.claim is None or not read.claim.held_by(run.id):
            fence(run)
            return
        if read.claim.seen_etag == etag or write_claim(run.account, read.claim.having_seen(etag), read):
            return
    raise contended("The claim")
