"""Exports of disks, each with a record that says whose it is (`run-protocol.md`, "A capture")."""

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.azure import disks
from shared.azure.blobs import Blob
from shared.domain.findings import Finding, Severity
from shared.domain.golden_vms import OsDisk
from shared.domain.runs import Run
from shared.errors import PermanentError, RejectedError
from shared.journal import CONTENDED, claim_container, contended
from shared.wire import from_json, to_json

_GRANTS = "grants/"


@dataclass(frozen=True)
class GrantRecord:
    """Written before the grant and deleted after the revoke: a disk with an active SAS and no record is somebody else's."""

    run: str
    disk: str
    since: datetime


def record_grant(run: Run, disk: OsDisk) -> None:
    """Record that this run is about to export the disk; ends an export that we recorded before, so that it can be made anew.

    The record is written anew even if it is this run's: who is just ending an export then leaves it (`_end`). Raises RejectedError
    `DiskExportedByOther` when the disk is exported and there is no record of ours (X23).
    """
    records, name = claim_container(run.account), _name(disk)
    for _ in range(CONTENDED):
        # In this order: our exports are recorded before they begin.
        exported, found = disks.get_disk(disk.id).traits.is_exported, records.find(name)
        if found is not None and _owner(found) > run.id:
            raise PermanentError("Fenced", f"Run {_owner(found)} exports the disk {disk.id}; nothing was done.")
        if exported and found is None:
            raise RejectedError(
                "DiskExportedByOther",
                f"The disk {disk.id} has an active export that the factory did not ask for.",
                "End that export (az disk revoke-access), then run again.",
            )
        if exported:
            disks.revoke(disk.id)
        record = to_json(GrantRecord(run.id, disk.id, datetime.now(UTC)))
        if records.replace(name, record, found.etag) if found else records.create(name, record):
            return
    raise contended("The record of an export")


def is_recorded(account: str, disk: OsDisk) -> bool:
    """Is an export of the disk one that the factory asked for?"""
    return claim_container(account).exists(_name(disk))


def end_grant(run: Run, disk: OsDisk) -> None:
    """End this run's export of the disk and forget it; nothing happens when there is no record of it."""
    found = claim_container(run.account).find(_name(disk))
    if found is not None and _owner(found) == run.id:
        _end(run, found)


def take_back_grant(run: Run, disk: OsDisk) -> None:
    """End the export that the caller has just made; its record may be gone, because the capture ended meanwhile.

    An export that another run has recorded since is that run's.
    """
    found = claim_container(run.account).find(_name(disk))
    if found is None:
        disks.revoke(disk.id)
    elif _owner(found) == run.id:
        _end(run, found)


def end_grants_of_dead_runs(run: Run) -> tuple[Finding, ...]:
    """The sweep's half for exports: those recorded by other runs; whoever holds the claim is the only one alive.

    One that Azure does not let us end is a finding, keeps its record for the next sweep and stops nothing else.
    """
    records = claim_container(run.account)
    findings: list[Finding] = []
    for listed in records.list(_GRANTS):
        found = records.find(listed.name)
        if found is not None and _owner(found) != run.id:
            try:
                _end(run, found)
            except PermanentError as error:
                message = f"The export that run {_owner(found)} left open is still open: {error.message}"
                findings.append(Finding(Severity.WARNING, error.code, message, error.next_step, listed.name))
    return tuple(findings)


def _end(run: Run, found: Blob) -> None:
    """Revoke, then forget, unless the record was written anew meanwhile: then there is another export."""
    disks.revoke(from_json(found.data, GrantRecord).disk)
    claim_container(run.account).delete(found.name, found.etag)


def _owner(record: Blob) -> str:
    return from_json(record.data, GrantRecord).run


def _name(disk: OsDisk) -> str:
    return f"{_GRANTS}{disk.unique_id.lower()}"
