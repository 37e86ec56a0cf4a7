"""The https endpoint of blob storage: Azurite behind it, pending copies and refusals before it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from local.azure.arm_images import CustomImages
from local.azure.blob_store import BlobPath, BlobStore
from local.azure.faults import Faults
from local.azure.operation_log import OperationLog
from local.azure.resources import Copy
from local.azure.state import State
from local.azure.storage_access import StorageAccess
from local.azure.storage_answers import Reply, done, refusal
from local.azure.storage_calls import Act, BlobCall, effect_of, read_call
from local.azure.storage_copies import StorageCopies

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "proxy-authorization", "trailer"}
_STREAMED_ABOVE = 8 * 1024**2
_PIECE = 256 * 1024


class StorageFront:
    """Path and query go on byte for byte, and so does Host: Azurite checks signatures and copy sources itself."""

    def __init__(
        self,
        state: State,
        blobs: BlobStore,
        copies: StorageCopies,
        images: CustomImages,
        access: StorageAccess,
        faults: Faults,
        log: OperationLog,
    ) -> None:
        self._state, self._blobs, self._copies, self._images = state, blobs, copies, images
        self._access, self._faults, self._log = access, faults, log
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=1 << 34)
        application.router.add_route("*", "/{path:.*}", self.handle)
        return application

    async def handle(self, request: web.Request) -> web.StreamResponse:
        call = read_call(request)
        if _is_azurite(request):
            return _response(request, await self._guarded(request, call))
        fault = self._faults.take("blob", request.method, request.raw_path)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        caller = self._access.caller(call, request.headers)
        takes_effect = not fault or fault.when == "after" or not (fault.status or fault.reset)
        reply = await self._guarded(request, call) if takes_effect else Reply(200)
        status = reply.status
        if isinstance(reply, _Streamed):
            response: web.StreamResponse = reply.response
        elif fault and fault.status:
            status = fault.status
            response = web.Response(status=status, headers=fault.answer_headers(), body=fault.answer_body())
        else:
            response = _response(request, reply)
        reset = fault is not None and fault.reset
        needed = self._access.needed(call)
        self._log.record(
            service="blob",
            method=request.method,
            path=request.path,
            status=0 if reset else status,
            effect=reply.effect if reply.status < 400 else "none",
            caller=caller,
            account=call.account,
            operations=[permission.operation for permission in needed],
            role=self._access.role(needed, caller),
        )
        if reset and request.transport:
            request.transport.abort()
        return response

    async def _guarded(self, request: web.Request, call: BlobCall) -> Reply:
        await self._state.timeline.settle(self._state.clock.now())
        if code := self._access.refusal(call, request.headers):
            return refusal(code)
        if call.path is None or call.act is Act.READ:
            return await self._serve(request, call)
        async with self._only_one(call.path):
            return await self._serve(request, call)

    @asynccontextmanager
    async def _only_one(self, path: BlobPath) -> AsyncGenerator[None]:
        """Changes of one blob go one after the other."""
        lock = self._locks.setdefault(str(path), asyncio.Lock())
        async with lock:
            yield

    async def _serve(self, request: web.Request, call: BlobCall) -> Reply:
        path = call.path
        copy = await self._copies.current(path) if path else None
        if path and call.act is Act.ABORT and (copy or await self._blobs.head(path)):
            return await self._abort(copy, call)
        if copy and copy.status == "pending" and call.waits_for_copy:
            return refusal("PendingCopyOperation")
        if path and call.act is Act.COPY:
            return await self._copy(request, call, path)
        existed = await self._exists(request, call)
        reply = await self._forward(request, call)
        if reply.status < 300:
            reply.effect = effect_of(call, existed=existed)
            await self._note(call)
        if path and copy and call.act is Act.READ and not call.comp and reply.status < 300:
            self._copies.overlay(copy, reply.headers)
            if copy.status == "pending":
                # What Azurite has already copied is not there yet.
                reply.body = bytes(len(reply.body))
        return reply

    async def _abort(self, copy: Copy | None, call: BlobCall) -> Reply:
        if copy is None or copy.status != "pending":
            return refusal("NoPendingCopyOperation")
        if call.query.get("copyid") != copy.id:
            return refusal("CopyIdMismatch")
        await self._copies.abort(copy)
        reply = done(204)
        reply.effect = "update"
        return reply

    async def _copy(self, request: web.Request, call: BlobCall, path: BlobPath) -> Reply:
        url = request.headers["x-ms-copy-source"]
        source = self._copies.source_path(url)
        if source is None:
            return refusal("CannotVerifyCopySource")
        from_copy = await self._copies.current(source)
        if from_copy is not None and from_copy.status == "pending":
            return refusal("PendingCopyOperation")
        facts = await self._blobs.head(source)
        target = await self._blobs.head(path)
        if facts and target and facts.is_page_blob != target.is_page_blob:
            return refusal("InvalidBlobType")
        reply = await self._forward(request, call)
        if reply.status == 202 and facts is not None:
            await self._note(call)
            copy = self._copies.begin(path, url, source, facts, reply.headers["x-ms-copy-id"], reply.headers["ETag"])
            reply.headers["x-ms-copy-status"] = copy.status
            if copy.status == "pending":
                reply.headers["ETag"] = copy.pending_etag
            reply.effect = "copy"
        return reply

    async def _exists(self, request: web.Request, call: BlobCall) -> bool:
        """Whether a blob that is put was there before; asked only if the call itself does not tell."""
        if call.act is not Act.PUT or call.path is None or request.headers.get("If-None-Match") == "*":
            return False
        return "If-Match" in request.headers or await self._blobs.head(call.path) is not None

    async def _note(self, call: BlobCall) -> None:
        """Tell everyone who reads the blob that it changed."""
        if call.act is Act.DELETE_CONTAINER:
            self._copies.forget_container(call.account, call.container)
        elif call.path is not None and call.replaces_data:
            self._copies.forget(call.path)
            self._images.vhd_gone(call.path)
            await self._copies.source_gone(call.path)

    async def _forward(self, request: web.Request, call: BlobCall) -> Reply:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        body = request.content if request.body_exists else None
        async with self._blobs.forward(request.method, request.raw_path, headers, body) as upstream:
            answer = CIMultiDict(
                (name, value) for name, value in upstream.headers.items() if name.lower() not in _HOP_BY_HOP
            )
            if request.method == "GET" and int(answer.get("Content-Length", 0)) > _STREAMED_ABOVE:
                return await self._stream(request, call, upstream, answer)
            reply = Reply(upstream.status, answer, await upstream.read())
        if call.lists_blobs and reply.status == 200 and self._state.copies.has_part(f"{call.account}/{call.container}"):
            with_copies = "copy" in call.query.get("include", "").lower().split(",")
            part = f"{call.account}/{call.container}"
            reply.body = self._copies.overlay_listing(part, reply.body, with_copies=with_copies)
            reply.headers.pop("Content-Length", None)
        return reply

    async def _stream(
        self, request: web.Request, call: BlobCall, upstream: aiohttp.ClientResponse, headers: CIMultiDict[str]
    ) -> Reply:
        copy = self._copies.of(call.path) if call.path else None
        if copy:
            self._copies.overlay(copy, headers)
        hidden = copy is not None and copy.status == "pending"
        response = web.StreamResponse(status=upstream.status, headers=headers)
        await response.prepare(request)
        async for piece in upstream.content.iter_chunked(_PIECE):
            await response.write(bytes(len(piece)) if hidden else piece)
        await response.write_eof()
        return _Streamed(upstream.status, headers, response=response)


class _Streamed(Reply):
    """A large download that has already gone out."""

    def __init__(self, status: int, headers: CIMultiDict[str], *, response: web.StreamResponse) -> None:
        super().__init__(status, headers)
        self.response = response


def _is_azurite(request: web.Request) -> bool:
    """Azurite reads a copy's source through us, by its signature alone. The storage service's own calls are no one's."""
    return "Authorization" not in request.headers and request.headers.get("User-Agent", "").startswith("axios/")


def _response(request: web.Request, reply: Reply) -> web.StreamResponse:
    if isinstance(reply, _Streamed):
        return reply.response
    if request.method == "HEAD":
        return web.Response(status=reply.status, headers=reply.headers)
    reply.headers.pop("Content-Length", None)
    return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
