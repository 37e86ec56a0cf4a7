"""Read labs.json once and freeze it for the run."""

import hashlib
from dataclasses import dataclass

from shared.azure.blobs import Blob, Container
from shared.configuration import MAX_BYTES
from shared.configuration import read_configuration as read_labs
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

    Repeat-safe: what is frozen stays frozen; a repeat answers with it and writes the same ETag into the claim. A run that does a
    part only notes nothing there: what labs.json says now is still to be done as a whole.
    """
    run, request = asked.run, asked.request
    fence(run, begins=True)
    journal = Journal(run.id)
    if not journal.has("configuration.json"):
        # Seen before it is read: a file that every run fails on must not start one run after the other.
        if not request.selective:
            _note_seen(run, configuration_etag())
        selection = journal.read(REQUEST, Selection) if request.selective else WHOLE
        journal.write("configuration.json", configuration_now(selection, request.lanes))
    frozen = journal.read("configuration.json", FrozenConfiguration)
    if not request.selective:
        _note_seen(run, frozen.etag)
    selection = frozen.selection
    return Configured(frozen.usable, len(frozen.labs), frozen.terms, selection.captures, selection.distributes)


def configuration_now(selection: Selection = WHOLE, lanes: int | None = None) -> FrozenConfiguration:
    """What labs.json, the definitions and the settings say now, as far as the selection asks for it."""
    now = settings()
    terms = Terms(lanes or now.lanes, now.copy_deadline, now.image_deadline, now.versions)
    container = configuration_container()
    found = [blob for name in CONFIGURATION_BLOBS if (blob := container.find(name, MAX_BYTES + 1))]
    if not found:
        finding = Finding(
            Severity.ERROR,
            "ConfigurationMissing",
            f"There is no labs.json in {container}.",
            "Upload labs.json to that container; the upload starts a run.",
            CONFIGURATION_BLOBS[0],
        )
        return FrozenConfiguration("", "", "", False, terms, findings=(finding,), selection=selection)
    used = found[0]
    definitions = _definitions(container)
    configuration = read_labs(used.data, definitions)

    def is_asked_for(lab: LabRequest) -> bool:
        return selection.asks_for_lab(lab.subscription, lab.name)

    labs = tuple(filter(is_asked_for, configuration.labs))
    aside = tuple(aside for aside in configuration.set_aside if is_asked_for(aside.request))
    findings = configuration.findings
    if not selection.is_whole:
        findings = findings_for((*labs, *(each.request for each in aside)), findings)
    return FrozenConfiguration(
        blob=used.name,
        etag=used.etag,
        sha256=hashlib.sha256(used.data).hexdigest(),
        usable=configuration.usable,
        terms=terms,
        labs=labs,
        set_aside=aside,
        findings=(*_both_spellings(found), *findings),
        definitions=definitions,
        selection=selection,
    )


def _definitions(container: Container) -> tuple[str, ...] | None:
    """The golden image definitions, relative to GoldenImages; None when the folder has not been uploaded."""
    names = [blob.name.removeprefix(GOLDEN_IMAGES) for blob in container.list(GOLDEN_IMAGES)]
    return tuple(name for name in names if name.lower().endswith(".json")) if names else None


def _both_spellings(found: list[Blob]) -> tuple[Finding, ...]:
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
            fence(run)
            return
        if read.claim.seen_etag == etag or write_claim(run.account, read.claim.having_seen(etag), read):
            return
    raise contended("The claim")
