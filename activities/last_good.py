"""The configuration that a run last used and that was good: runs go on with it while labs.json is broken.

In the journal container: `configurations/<sha256>.json` are the files, created once, and `configurations/<factory>.last-good`
names the one that counts.
"""

import hashlib
from dataclasses import dataclass, replace

from shared.domain.runs import Run
from shared.journal import CONTENDED, FrozenConfiguration, contended, journal_container
from shared.settings import settings
from shared.wire import from_json, to_json


@dataclass(frozen=True)
class LastGood:
    """`run` is the run that noted it; `before` names the good one that it replaced."""

    blob: str
    etag: str
    sha256: str
    run: str
    before: str = ""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def find_last_good() -> LastGood | None:
    found = journal_container().find(_pointer())
    return from_json(found.data, LastGood) if found else None


def stored(digest: str) -> bytes | None:
    """The bytes of a good file; None when they are gone, or others than they were."""
    found = journal_container().find(_file(digest)) if digest else None
    return found.data if found and sha256(found.data) == digest else None


def store(data: bytes) -> None:
    """Keep the bytes of a file that is good. Repeat-safe: named by what they are."""
    container, name = journal_container(), _file(sha256(data))
    if not container.exists(name):
        container.create(name, data)


def note_last_good(run: Run, frozen: FrozenConfiguration) -> None:
    """Make what this run uses the last good one. Nothing is written where it is that already, or a younger run noted another."""
    container = journal_container()
    for _ in range(CONTENDED):
        found = container.find(_pointer())
        before = from_json(found.data, LastGood) if found else None
        good = LastGood(frozen.blob, frozen.etag, frozen.sha256, run.id, before.sha256 if before else "")
        if before and before.sha256 == good.sha256:
            good = replace(good, before=before.before)
        if before and (before.run > run.id or replace(good, run=before.run) == before):
            return
        data = to_json(good, indent=2)
        if container.replace(_pointer(), data, found.etag) if found else container.create(_pointer(), data):
            return
    raise contended("The last good configuration")


def _pointer() -> str:
    return f"configurations/{settings().factory}.last-good"


def _file(digest: str) -> str:
    return f"configurations/{digest}.json"
