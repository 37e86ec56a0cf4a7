"""The host asks for tokens under a name of its own, so that its polling is told apart from the app's calls."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from local.host.host_credential import HostCredential

asked: list[tuple[str | None, dict[str, list[str]]]] = []


class Identity(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked.append((self.headers["X-IDENTITY-HEADER"], parse_qs(urlsplit(self.path).query)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"access_token": "t", "expires_on": "17"}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    asked.clear()
    with HTTPServer(("127.0.0.1", 0), Identity) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "app")
        yield
        server.shutdown()


def test_the_host_has_a_header_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOST_IDENTITY_HEADER", "host")
    token = HostCredential("an-id").get_token("https://storage.azure.com/.default")
    assert (token.token, token.expires_on) == ("t", 17)
    query = {"api-version": ["2019-08-01"], "resource": ["https://storage.azure.com"], "client_id": ["an-id"]}
    assert asked == [("host", query)]


def test_without_one_it_uses_the_environments():
    HostCredential().get_token("https://storage.azure.com/.default")
    assert asked[0][0] == "app"
