"""An app that answers what a test says, and the command as it is called."""

import json
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Generator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cli.__main__ import main

RUN = "20261123T020509Z-3fa2"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class AppDouble:
    """Answers by method and path, one after the other, the last one again and again; what nobody said is 404 without a body."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self._answers: defaultdict[str, list[tuple[int, bytes, dict[str, str]]]] = defaultdict(list)

    def says(self, question: str, body: Any = None, status: int = 200, **headers: str) -> None:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers[question].append((status, data, named))

    def answer(self, asked: Asked) -> tuple[int, bytes, dict[str, str]]:
        self.asked.append(asked)
        answers = self._answers[f"{asked.method} {asked.path.partition('?')[0].removeprefix('/api/')}"]
        if not answers:
            return 404, b"", {}
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Generator[AppDouble]:
    """The app that a command asks when none is named."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, data, headers = double.answer(Asked(self.command, self.path, dict(self.headers), body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double = AppDouble(f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("IMAGE_FACTORY_APP", double.url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield double
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command with these arguments, outside of any pipeline."""
    for name in ("TF_BUILD", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["image-factory", *arguments])
        code = main()
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return called
