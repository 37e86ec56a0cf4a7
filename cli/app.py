"""The app as its callers see it: questions over HTTP, and errors that say what to do."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from cli.address import Address
from cli.ending import CommandError, Exit, UnansweredError, UnknownRunError
from shared.domain.findings import Finding
from shared.wire import from_json

T = TypeVar("T")

_ANSWERS_WITHIN = 230.0
"""Seconds; Azure's own front ends give up then (`azure-functions` HTTP trigger limits)."""

_LONGEST_ANSWER = 64 * 2**20


@dataclass(frozen=True)
class Problem:
    """What the app answers when something is wrong (`api.answers.Problem`)."""

    error: str
    message: str
    next: str = ""
    findings: tuple[Finding, ...] = ()
    run_id: str = ""


@dataclass(frozen=True)
class Answer:
    """`problem` is there for 409 and whatever else the app refuses with a run to look at."""

    status: int
    body: bytes
    retry_after: float | None = None

    def read(self, kind: type[T]) -> T:
        """The answer as what it must be; raises CommandError when it is something else."""
        try:
            return from_json(self.body, kind)
        except (ValueError, RecursionError) as error:
            message = f"The answer is none of the image factory that this version knows: {error}."
            raise CommandError(
                message, "Check --app; else install the image-factory of the app's own version."
            ) from None

    def plain(self) -> Any:
        try:
            return msgspec.json.decode(self.body)
        except (ValueError, RecursionError):
            raise CommandError("The answer is no JSON.", "Check --app: another service may answer there.") from None


class App:
    """One app. `token` makes an Entra token where one was asked for."""

    def __init__(self, address: Address, key: str = "", token: Callable[[], str] | None = None) -> None:
        self.address, self._key, self._token = address, key, token
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = "application/json",
        may_refuse: bool = False,
    ) -> Answer:
        """One question, answered with 200 or 202, with `may_refuse` also with 409.

        Raises UnansweredError for what time may cure, UnknownRunError, else CommandError.
        """
        url = f"{self.address.url}/api/{path}{'?' + urlencode(query) if query else ''}"
        data = json.dumps(body).encode() if body is not None else b"" if method == "POST" else None
        request = urllib.request.Request(url, data, self._headers(accept), method=method)  # noqa: S310 # see Address
        try:
            with self._opener.open(request, timeout=_ANSWERS_WITHIN) as response:
                return Answer(response.status, response.read(_LONGEST_ANSWER), _seconds(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                answer = Answer(error.code, error.read(_LONGEST_ANSWER), _seconds(error.headers))
                location = str(error.headers.get("Location", ""))
            if may_refuse and answer.status == 409 and _problem(answer):
                return answer
            raise self._refused(f"{method} {url.partition('?')[0]}", answer, location) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "Content-Type": "application/json", "User-Agent": "image-factory"}
        if self._key:
            headers["x-functions-key"] = self._key
        if self._token:
            headers["Authorization"] = f"Bearer {self._token()}"
        return headers

    def _unreachable(self, error: Exception) -> CommandError:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        told = f"{self.address.url} does not answer: {reason}."
        if isinstance(reason, ssl.SSLCertVerificationError):
            advice = "Trust its authority: SSL_CERT_FILE names a file with the certificates to trust."
            return CommandError(told, advice)
        if self.address.is_local:
            return UnansweredError(told, "Start the local factory: make serve")
        return UnansweredError(told, "Check --app, the network and whether the app runs (az functionapp show).")

    def _refused(self, question: str, answer: Answer, location: str) -> CommandError:
        status = answer.status
        if problem := _problem(answer):
            told = f"{question}: {status} {problem.error}: {problem.message}"
            code = Exit.USAGE if status == 400 else Exit.FAILED
            if problem.findings:
                return CommandError(f"{question}: {status}, nothing was done.", "", code, problem.findings)
            if problem.error == "RunNotFound":
                return UnknownRunError(told, "image-factory status lists the runs.")
            if status >= 500 or status == 429:
                return UnansweredError(told, problem.next)
            return CommandError(told, problem.next, code)
        if 300 <= status < 400:
            host = urlsplit(location).hostname or "another place"
            message = f"{question}: {status}, the answer leads to {host}; a key is not sent there."
            return CommandError(message, "Name the app's own address with --app; one behind a sign-in needs --entra.")
        if status == 401:
            held = "the key or token is not accepted" if self._key or self._token else "no key was given"
            return CommandError(f"{question}: 401, {held}.", _LET_IN)
        if status == 403:
            advice = "Check the app's access restrictions, and that it is started (az functionapp show --query state)."
            return CommandError(f"{question}: 403, the app or a gate before it lets you not in.", advice)
        if status == 404:
            advice = "Check --app; a new app answers so until it is published, one that lacks settings, too."
            return CommandError(f"{question}: 404, no image factory answers there.", advice)
        if status >= 500 or status == 429:
            return UnansweredError(
                f"{question}: {status}.", "Ask again in a moment; look at the app's log if it stays."
            )
        message = f"{question}: {status}, an answer that is none of the image factory."
        return CommandError(message, "Check --app: another service may answer there.")


_LET_IN = (
    "Give a function key with --key or IMAGE_FACTORY_KEY"
    " (az functionapp keys list -g GROUP -n APP --query functionKeys.default -o tsv),"
    " or, where the app asks for a sign-in, an Entra token with --entra."
)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: the key goes to nobody but the app."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


def _problem(answer: Answer) -> Problem | None:
    try:
        return from_json(answer.body, Problem)
    except (ValueError, RecursionError):
        return None


def _seconds(headers: Any) -> float | None:
    """Retry-After as seconds; a date there is as good as none."""
    text = str(headers.get("Retry-After", ""))
    return float(text) if text.isdigit() and text.isascii() else None
