"""Server-side copies that take their time. Azurite copies at once; here the copy stays pending as long as the world says."""

import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from email.utils import formatdate
from urllib.parse import parse_qs, unquote, urlsplit

from multidict import CIMultiDict

from local.azure.blob_store import BlobFacts, BlobPath, BlobStore, metadata_of
from local.azure.clock import parse_iso
from local.azure.contents import Contents
from local.azure.disk_exports import EXPORT_ACCOUNT, DiskExports
from local.azure.resources import Copy, Due, Json, entries
from local.azure.state import State
from local.azure.vhd import PAGE, seeded_uuid

_DEFAULT_SECONDS = 2.0
_PENDING_SECONDS = 2.0
STALLED_AT = 0.4
_FAILED = '500 InternalServerError "Copy failed when reading the source."'
_SOURCE_GONE = '403 AuthenticationFailed "Copy failed when reading the source."'


class StorageCopies:
    """Copies by destination; what ends badly leaves a blob without content, as in Azure."""

    def __init__(self, state: State, blobs: BlobStore, contents: Contents, exports: DiskExports) -> None:
        self._state, self._blobs, self._contents, self._exports = state, blobs, contents, exports
        self.storage = ""
        self.watchers: list[Callable[[Copy], None]] = []
        """Told of every copy that begins."""
        self._by_source: dict[str, set[str]] = {}
        state.timeline.on("copy", self._end)
        self.index()

    def index(self) -> None:
        """Learn again which copies read what; to be called when the world has changed."""
        self._by_source = {}
        for copy in self._state.copies.all():
            if copy.status == "pending":
                self._by_source.setdefault(copy.source_path, set()).add(copy.path)

    def of(self, path: BlobPath) -> Copy | None:
        return self._state.copies.get(path.part, path.name)

    async def current(self, path: BlobPath) -> Copy | None:
        """The copy that made this blob, after its source's signature has been looked at once more."""
        copy = self.of(path)
        if copy and copy.status == "pending" and copy.source_expires and copy.source_expires <= time.time():
            await self._finish(copy, "failed", _SOURCE_GONE)
            return self.of(path)
        return copy

    def source_path(self, url: str) -> BlobPath | None:
        """The blob behind a source URL; None when it is not ours."""
        parts = urlsplit(url)
        if not url.lower().startswith(self.storage.lower() + "/"):
            return None
        try:
            return BlobPath.parse(unquote(parts.path))
        except ValueError:
            return None

    def begin(self, path: BlobPath, url: str, source: BlobPath, facts: BlobFacts, copy_id: str, etag: str) -> Copy:
        """Azurite has copied; say how long it takes in this world and what becomes of it."""
        script = self._script(path, source)
        seconds, outcome = self._plan(script)
        now = self._state.clock.now()
        copy = Copy(
            path=str(path),
            id=copy_id,
            source=url,
            source_path=str(source),
            source_expires=self._expires(url, source),
            total=facts.length,
            started=now,
            ends=None if seconds is None else now + seconds,
            outcome=outcome,
            status="pending",
            pending_etag=f'"0x8{seeded_uuid(copy_id).replace("-", "")[:14].upper()}"',
            stalls_at=float(script.get("progress", STALLED_AT)),
            length=_length(script.get("length"), facts.length),
        )
        if seconds == 0 and outcome == "success" and copy.length is None:
            copy = replace(copy, status="success", finished=now)
        with self._state.store.transaction():
            self._contents.inherit(source, facts.etag, path, etag)
            self.resume(copy)
        for watcher in self.watchers:
            watcher(copy)
        return copy

    def resume(self, copy: Copy) -> None:
        """Keep a copy, and let it end when it is due."""
        path = BlobPath.parse(copy.path)
        self._state.copies.put(path.part, path.name, copy)
        if copy.status == "pending":
            self._by_source.setdefault(copy.source_path, set()).add(copy.path)
            if copy.ends is not None:
                self._state.timeline.schedule(Due(copy.ends, "copy", copy.path, {"id": copy.id}))

    async def abort(self, copy: Copy) -> None:
        await self._finish(copy, "aborted", None)

    async def source_gone(self, path: BlobPath) -> None:
        """A source was deleted, changed or revoked: copies that still read it fail."""
        for target in list(self._by_source.get(str(path), ())):
            copy = self.of(BlobPath.parse(target))
            if copy is not None and copy.status == "pending":
                await self._finish(copy, "failed", _SOURCE_GONE)

    def forget(self, path: BlobPath) -> None:
        """The blob is gone or another one now."""
        copy = self._state.copies.delete(path.part, path.name)
        if copy is not None:
            self._by_source.get(copy.source_path, set()).discard(copy.path)

    def forget_container(self, account: str, container: str) -> None:
        for copy in self._state.copies.part(f"{account}/{container}"):
            self.forget(BlobPath.parse(copy.path))

    def overlay(self, copy: Copy, headers: CIMultiDict[str]) -> None:
        """Let the headers of HEAD or GET tell the state of the copy."""
        for name in [name for name in headers if name.lower().startswith("x-ms-copy-")]:
            del headers[name]
        headers.update({f"x-ms-copy-{name}": value for name, value in self._told(copy).items()})
        if copy.status == "pending":
            headers["ETag"] = copy.pending_etag

    def overlay_listing(self, part: str, body: bytes, *, with_copies: bool) -> bytes:
        """Do the same to a listing; without `include=copy` it tells nothing of copies."""
        root = ElementTree.fromstring(body)  # noqa: S314 - written by our own Azurite
        for blob in root.iter("Blob"):
            properties = blob.find("Properties")
            copy = self._state.copies.get(part, blob.findtext("Name") or "")
            if properties is None:
                continue
            for element in [element for element in properties if element.tag.startswith("Copy")]:
                properties.remove(element)
            if copy is None:
                continue
            if copy.status == "pending":
                for element in properties.iter("Etag"):
                    element.text = copy.pending_etag.strip('"')
            if with_copies:
                for name, value in self._told(copy).items():
                    tag = "Copy" + "".join(word.capitalize() for word in name.split("-"))
                    ElementTree.SubElement(properties, tag).text = value
        return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)

    def _told(self, copy: Copy) -> Mapping[str, str]:
        told = {"id": copy.id, "source": copy.source, "status": copy.status}
        told["progress"] = f"{self._progress(copy)}/{copy.total}"
        if copy.finished is not None:
            told["completion-time"] = formatdate(copy.finished, usegmt=True)
        if copy.description:
            told["status-description"] = copy.description
        return told

    def _progress(self, copy: Copy) -> int:
        if copy.status == "success":
            return copy.total
        if copy.progress is not None:
            return copy.progress
        passed = self._state.clock.now() - copy.started
        share = (
            copy.stalls_at * min(1, passed / 10) if copy.ends is None else passed / max(copy.ends - copy.started, 0.001)
        )
        return min(int(copy.total * max(0.0, share)), max(0, copy.total - PAGE)) // PAGE * PAGE

    async def _end(self, due: Due) -> None:
        copy = self.of(BlobPath.parse(due.key))
        if copy is not None and copy.status == "pending" and copy.id == due.detail.get("id"):
            await self._finish(copy, copy.outcome, _FAILED if copy.outcome == "failed" else None)

    async def _finish(self, copy: Copy, status: str, description: str | None) -> None:
        path = BlobPath.parse(copy.path)
        progress = None if status == "success" else self._progress(copy)
        if status != "success":
            await self._leave(path, 0)
        elif copy.length is not None:
            await self._leave(path, copy.length)
        ended = min(copy.ends or self._state.clock.now(), self._state.clock.now())
        done = replace(copy, status=status, finished=ended, progress=progress, description=description)
        self._state.copies.put(path.part, path.name, done)
        self._by_source.get(copy.source_path, set()).discard(copy.path)

    async def _leave(self, path: BlobPath, length: int) -> None:
        """Nothing but zeros of this length; metadata and tags stay, as in Azure."""
        facts = await self._blobs.head(path)
        if facts is None:
            return
        tags = await self._blobs.tags(path)
        if facts.is_page_blob:
            await self._blobs.put_empty_page_blob(path, length, metadata_of(facts.headers), tags)
        else:
            await self._blobs.put_text(path, bytes(length), metadata_of(facts.headers), tags)

    def _script(self, target: BlobPath, source: BlobPath) -> Json:
        """What the world's `behave.copy` says, by target account and source VHD."""
        return self._state.script("copy", f"{target.account}/{self._source_name(source)}", "*")

    def _plan(self, script: Json) -> tuple[float | None, str]:
        """Seconds (None: for ever) and outcome."""
        behave = self._state.behave
        statuses = [str(status).lower() for status in entries(script, "statuses")]
        outcome = statuses[-1] if statuses else "success"
        if outcome == "stalled":
            return None, "success"
        unit = float(behave.get("pendingSeconds", _PENDING_SECONDS))
        default = unit * statuses.count("pending") if statuses else float(behave.get("copySeconds", _DEFAULT_SECONDS))
        seconds = float(script["seconds"]) if script.get("seconds") is not None else default
        return seconds, "success" if outcome == "pending" else outcome

    def _source_name(self, source: BlobPath) -> str:
        if source.account == EXPORT_ACCOUNT and (disk := self._exports.disk_of(source.container)):
            return f"{disk.name}.vhd"
        return source.name

    def _expires(self, url: str, source: BlobPath) -> float | None:
        """When (real time) the source cannot be read any more."""
        if source.account == EXPORT_ACCOUNT and (grant := self._exports.by_container(source.container)):
            return grant.expires
        until: Iterable[str] = parse_qs(urlsplit(url).query).get("se", ())
        return next((parse_iso(time) for time in until), None)


def _length(given: float | None, total: int) -> int | None:
    """What a copy leaves: as many bytes as are given, or the part of all that a fraction says; whole pages."""
    if given is None:
        return None
    return int(given * total if isinstance(given, float) else given) // PAGE * PAGE
