"""The independent judge of a case: I1 to I9 (`docs/architecture.md`), from Azure's operation log and final state alone.

It knows nothing of what the app believes. Two exceptions, because they are about what the app writes: I4 reads report and plan, I5
looks for secrets in everything that is kept.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote

from local.azure.clock import parse_iso
from local.azure.memory_blobs import Kept
from local.azure.resources import CustomImage, Json
from tests.resilience.laboratory import BegunCopy, Laboratory

VHDS = "imagefactoryvhds"
BOOKS = ("/runs/", "/imagefactory/")
"""Journal and claim: what is written there is no effect (`docs/architecture.md`, "Writes nothing")."""

_TAKEN_BACK_WITHIN = 60.0
"""Seconds. A late repeat may begin a copy; it looks once more and takes it back within the same activity."""


@dataclass(frozen=True)
class Violation:
    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


@dataclass(frozen=True)
class Expected:
    """What a world asks for: every (lab, image path) of labs.json, and the digest of each path's image."""

    factory: str
    pairs: frozenset[tuple[str, str]]
    digests: dict[str, str]


class Snapshot:
    """What lies in the simulated Azure."""

    def __init__(self, laboratory: Laboratory) -> None:
        state = laboratory.state
        self.blobs: dict[str, Kept] = {str(kept.path): kept for kept in laboratory.service.everything()}
        self.images: dict[str, CustomImage] = {
            f"{image.lab}/{image.name}".lower(): image for image in state.images.all()
        }
        self.grants = {grant.disk.lower() for grant in state.grants.all()}
        self.pending = {copy.path for copy in state.copies.all() if copy.status == "pending"}

    def vhds(self) -> Iterator[tuple[str, Kept]]:
        return ((path, kept) for path, kept in self.blobs.items() if kept.path.container == VHDS)

    def claims(self) -> list[Json]:
        return [json.loads(kept.data) for path, kept in self.blobs.items() if path.endswith("/imagefactory/active-run")]

    def claim(self) -> Json:
        """Where there is one factory lab."""
        return next(iter(self.claims()), {})

    def document(self, run: str, name: str, journal: str = "runs") -> Json | None:
        found = next(
            (kept for path, kept in self.blobs.items() if path.endswith(f"/{journal}/runs/{run}/{name}")), None
        )
        return json.loads(found.data) if found else None


@dataclass(frozen=True)
class Evidence:
    """All there is to judge: before and after, the log, the copies that the service took on, what was asked for."""

    before: Snapshot
    after: Snapshot
    log: list[Json]
    copies: list[BegunCopy]
    expected: Expected

    def is_ours(self, kept: Kept) -> bool:
        return kept.metadata.get("factory") == self.expected.factory

    def effects(self) -> Iterator[Json]:
        return (call for call in self.log if call["effect"] != "none" and call["caller"] == "app")


def left_behind(evidence: Evidence) -> list[Violation]:
    """I1 and I2: what must be gone when a run has ended."""
    after, before = evidence.after, evidence.before
    found = [Violation("I1", f"the disk {disk} is still exported") for disk in sorted(after.grants - before.grants)]
    found += [Violation("I1", f"{path} is still recorded") for path in after.blobs if "/imagefactory/grants/" in path]
    reading = {
        unquote(image.vhd_uri or "").partition("laboratory/")[2]
        for image in after.images.values()
        if image.state == "Creating"
    }
    for path, kept in after.vhds():
        if not evidence.is_ours(kept) or path in reading:
            continue
        is_golden = kept.metadata.get("kind") == "golden"
        if not is_golden or f"{path.removesuffix('.vhd')}.json" not in after.blobs:
            found.append(Violation("I2", f"{path} was left behind"))
    found += [Violation("I2", f"the copy to {path} still runs") for path in after.pending - before.pending]
    found += [
        Violation("I2", f"the claim is still held: {claim}") for claim in after.claims() if claim["state"] == "held"
    ]
    return found


def whole_images(evidence: Evidence) -> list[Violation]:
    """I3: every image that was made holds what it should; another factory's are another judge's."""
    ours = (evidence.expected.factory, None)
    new = [image for key, image in evidence.after.images.items() if key not in evidence.before.images]
    made = [image for image in new if (image.tags or {}).get("FactoryId") in ours]
    return [
        Violation("I3", f"{image.lab}/{image.name} was made from {image.digest}")
        for image in made
        if image.digest != evidence.expected.digests.get((image.tags or {}).get("ImagePath", ""))
    ]


def reported_once(evidence: Evidence, run: str) -> list[Violation]:
    """I4: once there is a plan, the report has every pair exactly once, and what it says is so."""
    report = evidence.after.document(run, "report.json")
    if report is None:
        return [Violation("I4", f"run {run} has no report")]
    rows = Counter((row["lab"], row["imagePath"]) for row in report.get("pairs", ()))
    wanted = evidence.expected.pairs if evidence.after.document(run, "plan.json") else frozenset[tuple[str, str]]()
    found = [Violation("I4", f"{pair} is reported {rows[pair]} times") for pair in sorted(wanted) if rows[pair] != 1]
    found += [Violation("I4", f"{pair} was never asked for") for pair in sorted(set(rows) - evidence.expected.pairs)]
    for row in report.get("pairs", ()):
        image = evidence.after.images.get(f"{row['lab']}/{row.get('image', '')}".lower())
        if row["state"] in ("delivered", "present") and (image is None or image.state != "Succeeded"):
            found.append(
                Violation("I4", f"{row['lab']}/{row.get('image')} is reported {row['state']}, but is not there")
            )
        if row["state"] not in ("delivered", "present", "skipped", "failed"):
            found.append(Violation("I4", f"{row['lab']} has the state {row['state']}"))
    return found


def kept_secrets(evidence: Evidence, laboratory: Laboratory) -> list[Violation]:
    """I5: no signature, key or token in history, status, logs, journal, report."""
    places = {
        "the task hub": "\n".join(laboratory.hub_store.everything()),
        "the log": "\n".join(laboratory.captured_logs.lines),
        "the journal": "\n".join(
            kept.data.decode("latin-1") for path, kept in evidence.after.blobs.items() if any(b in path for b in BOOKS)
        ),
    }
    return [
        Violation("I5", f"{secret[:6]}... stands in {place}")
        for place, text in places.items()
        for secret in sorted(laboratory.secrets)
        if secret in text or unquote(secret) in text
    ]


def wrote(log: list[Json]) -> list[Violation]:
    """I6: what a run right after a good one must not have done."""
    return [
        Violation("I6", f"{call['effect']}: {call['method']} {call['path']}")
        for call in log
        if call["effect"] != "none"
        and call["caller"] == "app"
        and not any(book in f"{call['path']}/" for book in BOOKS)
    ]


def others_things(evidence: Evidence) -> list[Violation]:
    """I7: what does not carry our mark is as it was."""
    before, after = evidence.before, evidence.after
    found: list[Violation] = []
    for path, kept in before.vhds():
        if not evidence.is_ours(kept) and (path not in after.blobs or after.blobs[path].etag != kept.etag):
            found.append(Violation("I7", f"{path} is not ours and was changed or deleted"))
    for key, image in before.images.items():
        if (image.tags or {}).get("FactoryId") != evidence.expected.factory and after.images.get(key) != image:
            found.append(Violation("I7", f"the image {key} is not ours and was changed or deleted"))
    gone = [call for call in evidence.effects() if call["method"] == "DELETE" and call["path"].count("/") < 3]
    return found + [Violation("I7", f"the container {call['path']} was deleted") for call in gone]


def single_writers(evidence: Evidence) -> list[Violation]:
    """I8: nobody writes where another writes."""
    found = list(_written_over(evidence.log))
    ended: dict[str, float] = {}
    for call in evidence.log:
        if call["effect"] == "delete":
            ended.setdefault(call["path"].lstrip("/"), parse_iso(call["time"]))
    by_pair: dict[tuple[str, str], list[BegunCopy]] = {}
    for copy in evidence.copies:
        by_pair.setdefault((copy.target.partition("/")[0], copy.source), []).append(copy)
    for (account, source), copies in by_pair.items():
        for one, other in pairwise(copies):
            overlap = min(ended.get(one.target, 1e12), ended.get(other.target, 1e12)) - other.time.timestamp()
            if overlap > _TAKEN_BACK_WITHIN:
                found.append(Violation("I8", f"{source} was copied twice at once to {account}"))
    created = Counter(
        call["path"].lower()
        for call in evidence.effects()
        if call["effect"] == "create" and "/customimages/" in call["path"].lower()
    )
    deleted = {call["path"].lower() for call in evidence.log if call["effect"] == "delete"}
    generalized = Counter(
        call["path"].lower() for call in evidence.effects() if call["path"].endswith("/applyArtifacts")
    )
    found += [Violation("I8", f"{path} happened {count} times") for path, count in generalized.items() if count > 1]
    return found + [
        Violation("I8", f"{path} was created {count} times")
        for path, count in created.items()
        if count > 1 and path not in deleted
    ]


def _written_over(log: list[Json]) -> Iterator[Violation]:
    """No copy goes where one is, and one where one was is taken back by the activity that has begun it, too late.

    No custom image is PUT by an activity that finds one when it begins (`azure-facts.md` 5).
    """
    there: dict[str, int] = {}
    copied: set[str] = set()
    late: dict[str, float] = {}
    for number, call in enumerate(log):
        path, effect = call["path"].lower(), call["effect"]
        if effect == "copy" and path in there:
            yield Violation("I8", f"{path} was written twice")
        if effect == "copy" and path in copied:
            late[path] = parse_iso(call["time"])
        if effect == "copy":
            copied.add(path)
        if effect == "delete" and path in late and parse_iso(call["time"]) - late.pop(path) > _TAKEN_BACK_WITHIN:
            yield Violation("I8", f"{path} was written again and taken back too late")
        if call["method"] == "PUT" and "/customimages/" in path and there.get(path, number) < call["since"]:
            yield Violation("I8", f"{path} was PUT where there was one")
        if effect in ("copy", "create"):
            there[path] = number
        elif effect == "delete":
            there.pop(path, None)
    yield from (Violation("I8", f"{path} was written again and stays") for path in late)


class Lived(NamedTuple):
    target: str
    length: timedelta


def copies_lived(evidence: Evidence) -> list[Lived]:
    """From the beginning of each copy that was removed again to its removal."""
    removed = {
        call["path"].lstrip("/"): datetime.fromisoformat(call["time"])
        for call in evidence.log
        if call["effect"] == "delete"
    }
    return [Lived(copy.target, removed[copy.target] - copy.time) for copy in evidence.copies if copy.target in removed]


def golden_images_stay(evidence: Evidence) -> list[Violation]:
    """I9, and never worse than before: what could be used still can."""
    before, after = evidence.before, evidence.after
    found: list[Violation] = []
    committed = {path for path, _ in before.vhds() if path.endswith(".json")}
    for call in evidence.effects():
        path = call["path"].lstrip("/")
        if f"/{VHDS}/" not in f"/{path}":
            continue
        if call["effect"] == "create" and path.endswith(".json"):
            committed.add(path)
        elif call["effect"] == "delete" and f"{path.rpartition('.')[0]}.json" in committed:
            found.append(Violation("I9", f"{path} belonged to a golden image and was deleted"))
    for manifest in committed:
        vhd = manifest.removesuffix(".json") + ".vhd"
        if manifest not in after.blobs or vhd not in after.blobs or not after.blobs[vhd].size_bytes:
            found.append(Violation("I9", f"the golden image {vhd} cannot be read any more"))
    for key, image in before.images.items():
        now = after.images.get(key)
        if image.state == "Succeeded" and (now is None or now.state != "Succeeded"):
            found.append(Violation("I9", f"the usable image {key} is gone"))
    return found


def short_activities(laboratory: Laboratory) -> list[Violation]:
    """Every activity ends within two minutes of virtual time, whatever Azure does (`functionTimeout`)."""
    return [
        Violation("time", f"{name} took {length}")
        for name, length in laboratory.activity_times
        if length > timedelta(seconds=120)
    ]


def bugs(laboratory: Laboratory) -> list[Violation]:
    """What Azure does is foreseen: no activity raises anything but an error of ours, no orchestrator fails."""
    failed = [line for line in laboratory.captured_logs.lines if _FAILED.match(line)]
    hubs = [hub for hub in (laboratory.hub, laboratory.second) if hub is not None]
    failed += [
        f"{instance.name}: {instance.output}"
        for hub in hubs
        for instance in hub.all()
        if instance.status == "Failed" or '"error": "Bug"' in (instance.output or "")
    ]
    return [Violation("bug", what) for what in dict.fromkeys(failed)]


_FAILED = re.compile(r"Activity \w+ failed: ")


def undelivered(evidence: Evidence) -> list[Violation]:
    """What a run without trouble must have brought about: every lab has every image it asks for, and it is sound."""
    have = {
        (image.lab, (image.tags or {}).get("ImagePath", ""))
        for image in evidence.after.images.values()
        if image.state == "Succeeded" and (image.tags or {}).get("FactoryId") == evidence.expected.factory
    }
    return [Violation("end state", f"{pair} is missing") for pair in sorted(evidence.expected.pairs - have)]
