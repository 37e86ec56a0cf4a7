"""ARM exchanges as Microsoft's validator (oav) reads them: a JSON object per line, as if they came from Azure."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

_AZURE = "https://management.azure.com"
_SPECIFIED = (("/providers/microsoft.compute/disks/", "2020-12-01"), ("/providers/microsoft.compute/", "2021-03-01"))


class Traffic:
    """Does nothing until it has a file."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    async def write(self, request: web.Request, response: web.Response) -> None:
        if self.file is None:
            return
        body = await request.read()
        url, query = _specified(request.path_qs)
        sent = {name: value for name, value in request.headers.items() if name.lower() not in ("authorization", "host")}
        answered = response.body if isinstance(response.body, bytes) else b""
        exchange = {
            "liveRequest": {"method": request.method, "url": url, "query": query, "headers": sent, "body": _json(body)},
            "liveResponse": {"statusCode": str(response.status), "headers": dict(response.headers), "body": _json(answered)},
        }  # fmt: skip
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(exchange) + "\n")


def _specified(path_qs: str) -> tuple[str, dict[str, str]]:
    """The URL with the api-version of the specifications at hand: Compute's clients are newer than those."""
    path, _, query_text = path_qs.partition("?")
    query = dict(parse_qsl(query_text, keep_blank_values=True))
    for provider, version in _SPECIFIED:
        if provider in path.lower():
            query["api-version"] = version
            break
    return f"{_AZURE}{path}?{urlencode(query)}", query


def _json(body: bytes) -> Any:
    return json.loads(body) if body else {}
