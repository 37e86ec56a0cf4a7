"""Posting to a webhook: it either takes the message or the reason is told, never its address, and never for long."""

import socket
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from shared import webhook
from shared.webhook import Posted, post
from tests.webhooks import SECRET, Webhook, serving


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Webhook]:
    with serving(tmp_path) as served:
        monkeypatch.setenv("SSL_CERT_FILE", str(served.authority))
        yield served


def test_a_message_is_posted_once_as_json(there: Webhook) -> None:
    assert post(there.url, {"text": "Grüße"}) == Posted()
    assert there.got == ['{"text":"Grüße"}'.encode()]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_a_refusal_is_told_with_its_status_and_not_tried_again(there: Webhook, status: int) -> None:
    there.answer = status
    assert post(there.url, {}) == Posted("WebhookRefused", f"It answered {status}.")
    assert len(there.got) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_refusal_and_not_followed(there: Webhook, status: int) -> None:
    there.answer, there.location = status, there.url
    assert post(there.url, {}) == Posted("WebhookRefused", f"It answered {status}.")
    assert len(there.got) == 1


@pytest.mark.parametrize("pause", [0.6, 0.15], ids=["silent", "byte by byte"])
def test_a_slow_answer_is_left_to_itself(there: Webhook, monkeypatch: pytest.MonkeyPatch, pause: float) -> None:
    """Byte by byte no single read takes long; all of them together do."""
    monkeypatch.setattr(webhook, "ANSWERS_WITHIN", 0.4)
    there.pause = pause
    begun = time.monotonic()
    assert post(there.url, {}).code in ("WebhookSilent", "WebhookUnreachable")
    assert time.monotonic() - begun < 0.6


def test_a_dead_webhook_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    posted = post(f"https://127.0.0.1:{port}/?{SECRET}", {})
    assert posted == Posted("WebhookUnreachable", "It could not be reached (ConnectionRefusedError).")


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(there: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert post(there.url, {}).code == "WebhookUnreachable"
    assert there.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "example.com",
        "file:///etc/passwd",
        "https://",
        "https://[::1",
        "https://host:port/",
        "https://exämple.com/",
        "https://host/\r\nX: y",
        "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)",
        "https://host with space/?" + SECRET,
    ],
)
def test_what_is_no_https_address_is_not_posted_to_and_never_told(url: str) -> None:
    posted = post(url, {})
    assert posted.code in ("WebhookInvalid", "WebhookUnreachable")
    assert url not in posted.message
    assert SECRET not in posted.message
