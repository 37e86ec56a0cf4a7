"""The way from the real Azure SDKs to the simulator's own handlers: HTTP without sockets, on the laboratory's time."""

import io
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter

from local.azure.in_process import Exchange, Handler, exchange, played

ARM = "https://arm.laboratory"
STORAGE = "https://storage.laboratory"
IDENTITY = "http://identity.laboratory/msi/token"

Sleep = Callable[[float], None]


class Wire(BaseAdapter):
    """Takes the place of a session's sockets.

    `enter` is called before each call leaves; it may stand still, or raise. `is_silent` says of a connection that was closed
    whether it was so only when the client's patience had ended.
    """

    def __init__(
        self, handlers: Mapping[str, Handler], enter: Callable[[], None], sleep: Sleep, is_silent: Callable[[], bool]
    ) -> None:
        super().__init__()
        self._handlers, self._enter, self._sleep, self._is_silent = handlers, enter, sleep, is_silent

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        del args
        self._enter()
        url = urlsplit(request.url or "")
        target = f"{url.path}?{url.query}" if url.query else url.path
        body: Any = request.body or b""
        data: bytes = body.read() if hasattr(body, "read") else body.encode() if isinstance(body, str) else body
        headers = {name: _text(value) for name, value in request.headers.items()}
        answer = played(exchange(self._handlers[url.netloc], request.method or "GET", target, headers, data))
        if answer.closed:
            self._closed(options)
        return _response(request, answer)

    def _closed(self, options: Mapping[str, Any]) -> None:
        if not self._is_silent():
            raise requests.ConnectionError("Connection aborted.")
        timeout: Any = options.get("timeout")
        self._sleep(float(timeout[1] if isinstance(timeout, tuple) else timeout or 30))
        raise requests.ReadTimeout("Read timed out.")

    def close(self) -> None:
        """Nothing is open."""


class LaboratoryTransport(RequestsTransport):
    """The SDKs' own transport over the wire; its pauses are the laboratory's."""

    def __init__(self, wire: Wire, sleep: Sleep) -> None:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", wire)
        session.mount("http://", wire)
        super().__init__(session=session, session_owner=False, connection_timeout=10, read_timeout=30)
        self._sleep_until = sleep

    def sleep(self, duration: float) -> None:
        self._sleep_until(duration)


def _response(request: requests.PreparedRequest, answer: Exchange) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(answer.headers)
    response.raw = urllib3.HTTPResponse(
        io.BytesIO(answer.body),
        headers=dict(answer.headers),
        status=answer.status,
        preload_content=False,
        request_method=request.method,
    )
    response.request, response.url = request, request.url or ""
    response.reason = HTTPStatus(answer.status).phrase
    return response


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
