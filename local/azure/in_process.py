"""Requests to the simulator's own handlers without a socket: the same handlers, the same HTTP, a thousandth of the time."""

import asyncio
import atexit
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from aiohttp import StreamReader, web
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

T = TypeVar("T")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Exchange(NamedTuple):
    """What came back. `closed`: the connection was closed instead of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    closed: bool


class _Transport:
    closed = False

    def abort(self) -> None:
        self.closed = True


class _Protocol:
    """What a request asks of its connection."""

    ssl_context = peername = sockname = None
    _reading_paused = False

    def __init__(self) -> None:
        self.transport = _Transport()

    def pause_reading(self) -> None:
        """All that is to be read is there already."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """All that is to be read is there already."""


_LOOP = asyncio.new_event_loop()
"""Never runs: a stream reader wants one."""

atexit.register(_LOOP.close)


async def exchange(handler: Handler, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Exchange:
    """Let a handler answer one request; `target` is the path with its query, as it stands on the request line."""
    sent = CIMultiDictProxy(CIMultiDict(headers))
    message = RawRequestMessage(
        method, target, HttpVersion11, sent, (), False, None, False, False, URL(target, encoded=True)
    )
    protocol: Any = _Protocol()
    payload: StreamReader = EMPTY_PAYLOAD
    if body:
        payload = StreamReader(protocol, 2**16, loop=_LOOP)
        payload.feed_data(body)
        payload.feed_eof()
    request = web.Request(message, payload, protocol, cast(Any, None), cast(Any, None), _LOOP, client_max_size=1 << 34)
    response = await handler(request)
    content = response.body if isinstance(response, web.Response) else None
    told = dict(response.headers)
    data = content if isinstance(content, bytes) else b""
    if method != "HEAD":
        told.setdefault("Content-Length", str(len(data)))
    return Exchange(response.status, told, data, protocol.transport.closed)


def played(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never really waits, without an event loop; raises RuntimeError if it does wait."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("the simulator waits for something that nobody brings about")
