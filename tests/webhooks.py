"""A webhook to post to: an https server of the tests that keeps what it got and answers as it is told."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.azure.certificates import ensure_certificates

SECRET = "sig=whoever-has-this-may-post"


class Webhook:
    """`answer` is the status; `location` goes with it; `pause` comes before it, also between the bytes of the answer."""

    def __init__(self, url: str, authority: Path) -> None:
        self.url, self.authority = url, authority
        self.answer, self.location, self.pause = 202, "", 0.0
        self.got: list[bytes] = []


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that go away too early are what is tested."""


@contextmanager
def serving(folder: Path) -> Generator[Webhook]:
    """A webhook whose authority is to be trusted by the environment variable SSL_CERT_FILE."""
    certificates = ensure_certificates(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            webhook.got.append(self.rfile.read(int(self.headers["Content-Length"])))
            for _ in range(5 if webhook.pause else 0):
                time.sleep(webhook.pause)
                self.wfile.write(b"H")
            self.send_response(webhook.answer)
            if webhook.location:
                self.send_header("Location", webhook.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    server.socket = certificates.server_context().wrap_socket(server.socket, server_side=True)
    webhook = Webhook(f"https://localhost:{server.server_port}/workflows/1?{SECRET}", certificates.authority)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
