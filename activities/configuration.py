"""Read labs.json once and freeze it for the run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from activities.last_good import find_last_good, note_last_good, sha256, store, stored
from shared.azure.blobs import Blob, Container
from shared.configuration import MAX_BYTES
from shared.configuration import read_configuration as read_labs
from shared.configuration_check import Upload, check_markdown
from shared.domain.encodings import decode_text
from shared.domain.findings import Finding, Severity
from shared.domain.runs import Run, RunRequest, Terms
from shared.errors import FactoryError
from shared.journal import CONTENDED, FrozenConfiguration, Journal, contended, fence, read_claim, write_claim
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
    """What the orchestrator needs of the configuration: whether it can be used, how many labs, the terms."""

    usable: bool
    labs: int
    terms: Terms


def configuration_container() -> Container:
    return Container(settings().configuration_account, settings().configuration_container)


def configuration_etag() -> str:
    """The ETag of the configuration that a run would use now; empty when there is none."""
    container = configuration_container()
    return next((etag for name in CONFIGURATION_BLOBS if (etag := container.etag(name))), "")


def read_configuration(asked: Asked) -> Configured:
    """Freeze labs.json, the names of the golden image definitions and the settings in the journal.

    A labs.json that is broken is not used: the run goes on with the last good one, and says so as an error.
    Repeat-safe: what is frozen stays frozen; a repeat answers with it and writes the same ETag into the claim.
    """
    run = asked.run
    fence(run)
    journal = Journal(run.id)
    if not journal.has("configuration.json"):
        # Seen before it is read: a file that every run fails on must not start one run after the other.
        _note_seen(run, configuration_etag())
        journal.write("configuration.json", _frozen(asked.request))
    frozen = journal.read("configuration.json", FrozenConfiguration)
    _note_seen(run, frozen.lay_there)
    if frozen.good:
        note_last_good(run, frozen)
    return Configured(frozen.usable, len(frozen.labs), frozen.terms)


@dataclass(frozen=True)
class _Found:
    """What lies in the configuration container. `before` is the good one to compare with, or to go on with."""

    blobs: tuple[Blob, ...]
    uploaded: Upload
    definitions: tuple[str, ...] | None
    before: Upload | None


def _frozen(request: RunRequest) -> FrozenConfiguration:
    """What this run uses; before that, what is to be said of the file stands beside it, and a good one is kept."""
    found = _look(configuration_container())
    frozen = _used(request, found)
    if found is None:
        return frozen
    if frozen.good:
        store(found.blobs[0].data)
    return replace(frozen, findings=(*frozen.findings, *_report_on(found)))


def report_on_configuration() -> tuple[Finding, ...]:
    """Write what is to be said about labs.json beside it, unless that stands there already; see `shared.configuration_check`."""
    return _report_on(None)


def _report_on(found: _Found | None) -> tuple[Finding, ...]:
    """Whoever may not write there runs the factory all the same: that is a warning, never a failure."""
    container = configuration_container()
    try:
        for _ in range(CONTENDED):
            found = found or _look(container)
            if found is None or _told(container, found):
                return ()
            found = None
        raise contended("The report on labs.json")
    except FactoryError as error:
        advice = "Let the app's identity write to the configuration container (Storage Blob Data Contributor)."
        message = f"The report beside labs.json could not be written: {error.message}"
        return (Finding(Severity.WARNING, "CheckNotWritten", message, advice, CONFIGURATION_BLOBS[0]),)


def _told(container: Container, found: _Found) -> bool:
    """False when the configuration or its report changed meanwhile: then both are looked at again."""
    uploaded = found.uploaded
    text = check_markdown(uploaded, found.before, found.definitions).encode()
    name = f"{uploaded.blob}.report.md"
    there = container.find(name)
    if there is not None and there.data == text:
        return True
    if container.etag(uploaded.blob) != uploaded.etag:
        return False
    return container.replace(name, text, there.etag) if there else container.create(name, text)


def _used(request: RunRequest, found: _Found | None) -> FrozenConfiguration:
    """What is to be used now; nothing is written."""
    now = settings()
    terms = Terms(
        lanes=request.lanes or now.lanes,
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
        return FrozenConfiguration("", "", "", False, terms, findings=(finding,))
    used = uploaded = found.uploaded
    findings = (*_both_spellings(found.blobs), *uploaded.configuration.findings)
    if found.before and found.before.configuration.usable and not uploaded.configuration.usable:
        used = found.before
        findings = (_last_good_used(uploaded, used), *findings, *_of_last_good(used))
    return FrozenConfiguration(
        blob=used.blob,
        etag=used.etag,
        sha256=used.sha256,
        usable=used.configuration.usable,
        terms=terms,
        labs=used.configuration.labs,
        set_aside=used.configuration.set_aside,
        findings=findings,
        definitions=found.definitions,
        seen_etag=uploaded.etag,
        good=bool(uploaded.configuration.labs) and not _holds_secret(found.blobs[0]),
    )


def _holds_secret(blob: Blob) -> bool:
    """Such a file is used with what is right in it, and never kept: no secret comes into the journal (I5)."""
    text = decode_text(blob.data)
    return redacted(text) != text


def _look(container: Container) -> _Found | None:
    blobs = tuple(blob for name in CONFIGURATION_BLOBS if (blob := container.find(name, MAX_BYTES + 1)))
    if not blobs:
        return None
    definitions = _definitions(container)
    first = blobs[0]
    uploaded = Upload(first.name, first.etag, sha256(first.data), read_labs(first.data, definitions))
    return _Found(blobs, uploaded, definitions, _before(uploaded, definitions))


def _before(uploaded: Upload, definitions: tuple[str, ...] | None) -> Upload | None:
    """The last good one, or the one before where that is the file itself: a second run compares with the same as the first."""
    good = find_last_good()
    if good is not None and good.sha256 == uploaded.sha256:
        good = replace(good, etag="", sha256=good.before)
    data = stored(good.sha256) if good else None
    return Upload(good.blob, good.etag, good.sha256, read_labs(data, definitions)) if good and data else None


def _last_good_used(broken: Upload, used: Upload) -> Finding:
    message = (
        f"{broken.blob} (ETag {broken.etag}) is broken and was not used;"
        f" this run went on with the last good one ({used.name})."
    )
    advice = f"Correct {broken.blob} and upload it; what is wrong is told here and in {broken.blob}.report.md."
    return Finding(Severity.ERROR, "LastGoodUsed", message, advice, broken.blob)


def _of_last_good(used: Upload) -> Iterable[Finding]:
    """What is wrong with the file that is used, told apart from what is wrong with the one that is not."""
    for found in used.configuration.findings:
        yield replace(found, path=f"last good {used.blob} {found.path}")


def _definitions(container: Container) -> tuple[str, ...] | None:
    """The golden image definitions, relative to GoldenImages; None when the folder has not been uploaded."""
    names = [blob.name.removeprefix(GOLDEN_IMAGES) for blob in container.list(GOLDEN_IMAGES)]
    return tuple(name for name in names if name.lower().endswith(".json")) if names else None


def _both_spellings(found: Sequence[Blob]) -> tuple[Finding, ...]:
    if len(found) < 2:
        return ()
    return (
        Finding(
            Severity.WARNING,
            "TwoConfigurations",
            f"Both {found[0].name} and {found[1].name} are there; {found[0].name} is used.",
            f"Delete {found[1].name}.",
            found[1].name,
        ),
    )


def _note_seen(run: Run, etag: str) -> None:
    """Write into the claim which configuration this run saw: the doorbell and the release compare with it."""
    for _ in range(CONTENDED):
        read = read_claim(run.account)
        if read.claim is None or not read.claim.held_by(run.id):
            return fence(run)
        if read.claim.seen_etag == etag or write_claim(run.account, read.claim.having_seen(etag), read):
            return None
    raise contended("The claim")
