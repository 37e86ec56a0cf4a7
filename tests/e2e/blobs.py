"""Blobs as an operator reads and writes them: plain REST with a token, no SDK of the app's in between."""

import re
from collections.abc import Mapping
from urllib.parse import quote

import requests


class BlobClient:
    """`environment` holds BLOB_ENDPOINT, JOURNAL_ACCOUNT, IDENTITY_ENDPOINT and REQUESTS_CA_BUNDLE."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._endpoint = environment["BLOB_ENDPOINT"]
        self._account = environment["JOURNAL_ACCOUNT"]
        self._identity = environment["IDENTITY_ENDPOINT"]
        self._session = requests.Session()
        self._session.verify = environment["REQUESTS_CA_BUNDLE"]
        self._session.trust_env = False
        self._token = ""

    def get(self, container: str, name: str, account: str = "") -> bytes | None:
        answer = self._call("GET", container, name, account)
        return None if answer.status_code == 404 else self._checked(answer).content

    def put(self, container: str, name: str, data: bytes, account: str = "") -> None:
        headers = {"x-ms-blob-type": "BlockBlob"}
        self._checked(self._call("PUT", container, name, account, data=data, headers=headers))

    def create_container(self, container: str, account: str = "") -> None:
        self._call("PUT", container, "", account, query="?restype=container")

    def delete(self, container: str, name: str, account: str = "") -> None:
        self._call("DELETE", container, name, account)

    def names(self, container: str, account: str = "") -> list[str]:
        """The names of all blobs of a container; none when it is not there."""
        found: list[str] = []
        marker = ""
        while True:
            query = f"?restype=container&comp=list&marker={quote(marker)}"
            answer = self._call("GET", container, "", account, query=query)
            if answer.status_code == 404:
                return found
            text = self._checked(answer).content.decode("utf-8-sig")
            found += [_unescaped(name) for name in re.findall(r"<Name>(.*?)</Name>", text)]
            marker = "".join(re.findall(r"<NextMarker>(.*?)</NextMarker>", text))
            if not marker:
                return found

    def _call(
        self,
        method: str,
        container: str,
        name: str,
        account: str,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> requests.Response:
        url = f"{self._endpoint.replace('{account}', account or self._account)}/{container}"
        url += f"/{quote(name)}" if name else ""
        standard = {"Authorization": f"Bearer {self._bearer()}", "x-ms-version": "2025-01-05"}
        return self._session.request(method, url + query, data=data, headers=standard | (headers or {}), timeout=60)

    def _bearer(self) -> str:
        if not self._token:
            answer = requests.get(
                self._identity,
                params={"api-version": "2019-08-01", "resource": "https://storage.azure.com"},
                headers={"X-IDENTITY-HEADER": "local"},
                timeout=30,
            )
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
        return self._token

    @staticmethod
    def _checked(answer: requests.Response) -> requests.Response:
        assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:300]}"
        return answer


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
