"""Post a message to an operator's webhook: https only, no redirect, one try, a few seconds, never an exception.

The webhook's address is a secret (whoever has it can post): it stands in no message and no error.
"""

import http.client
import ssl
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shared.wire import to_json

ANSWERS_WITHIN = 10.0
"""Seconds for everything together, however slowly the answer trickles in."""


@dataclass(frozen=True)
class Posted:
    """`code` and `message` say why nobody took it."""

    code: str = ""
    message: str = ""


def post(url: str, message: object) -> Posted:
    """Post once. What does not answer in time is left to itself: its thread ends with its socket, or with the process."""
    if wrong := _wrong(url):
        return Posted("WebhookInvalid", wrong)
    outcome: list[Posted] = []
    thread = threading.Thread(target=lambda: outcome.append(_posted(url, to_json(message))), daemon=True)
    thread.start()
    thread.join(ANSWERS_WITHIN)
    return outcome[0] if outcome else Posted("WebhookSilent", f"There was no answer within {ANSWERS_WITHIN:.0f} s.")


def _wrong(url: str) -> str:
    if url.startswith("@Microsoft.KeyVault("):
        return "The Key Vault reference of NOTIFY_WEBHOOK is not resolved."
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return "" if usable and url.isascii() and url.isprintable() else "NOTIFY_WEBHOOK is no https address."


def _posted(url: str, body: bytes) -> Posted:
    headers = {"Content-Type": "application/json", "User-Agent": "image-factory"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 # https, see _wrong
    try:
        opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(context=ssl.create_default_context())
        )
        with opener.open(request, timeout=ANSWERS_WITHIN):
            return Posted()
    except urllib.error.HTTPError as error:
        with error:
            return Posted("WebhookRefused", f"It answered {error.code}.")
    except (OSError, ValueError, http.client.HTTPException) as error:
        # The kind only: the text of some errors holds the address.
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return Posted("WebhookUnreachable", f"It could not be reached ({type(reason).__name__}).")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is a refusal: the message goes nowhere but where the operator wants it."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None
