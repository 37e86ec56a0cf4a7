"""Exports of disks, each with a record that says whose it is (`run-protocol.md`, "A capture")."""

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.azure import compute
from shared.azure.blobs import Blob
from shared.domain.capture import OsDisk
from shared.domain.runs import Run
from shared.errors import RejectedError
from shared.journal import claim_container
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

    Raises RejectedError `DiskExportedByOther` when the disk is exported and there is no record of ours (X23).
    """
    records, name = claim_container(run.account), _name(disk)
    found = records.find(name)
    if compute.is_exported(disk.id):
        if found is None:
            raise RejectedError(
                "DiskExportedByOther",
                f"The disk {disk.id} has an active export that the factory did not ask for.",
                "End that export (az disk revoke-access), then run again.",
            )
        compute.revoke(disk.id)
    record = to_json(GrantRecord(run.id, disk.id, datetime.now(UTC)))
    if found is None:
        records.create(name, record)
    elif from_json(found.data, GrantRecord).run != run.id:
        records.replace(name, record, found.etag)


def end_grant(run: Run, disk: OsDisk) -> None:
    """End our export of the disk and forget it; nothing happens when there is no record of ours."""
    found = claim_container(run.account).find(_name(disk))
    if found is not None:
        _end(run, found)


def end_grants_of_dead_runs(run: Run) -> None:
    """The sweep's half for exports: those recorded by other runs; whoever holds the claim is the only one alive."""
    records = claim_container(run.account)
    for listed in records.list(_GRANTS):
        found = records.find(listed.name)
        if found is not None and from_json(found.data, GrantRecord).run != run.id:
            _end(run, found)


def _end(run: Run, found: Blob) -> None:
    compute.revoke(from_json(found.data, GrantRecord).disk)
    claim_container(run.account).delete(found.name, found.etag)


def _name(disk: OsDisk) -> str:
    return f"{_GRANTS}{disk.unique_id.lower()}"
