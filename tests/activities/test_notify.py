"""Telling a webhook how a run ended: at most once, only by the run itself, and without a trace of the webhook's address."""

import json
import logging
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.notify import Notice, Notified, notify
from activities.report import Closing, Refusal, write_report
from local.azure import Control
from shared.domain.runs import Run
from shared.journal import Journal
from tests.activities.conftest import RUN, forget, lose_claim, started
from tests.e2e.worlds import World
from tests.webhooks import SECRET, Webhook, serving

pytestmark = pytest.mark.slow

ENDED = datetime(2026, 11, 23, 3, tzinfo=UTC)


@pytest.fixture
def webhook(given: Callable[[World], Control], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Webhook]:
    """One that the app is told to post to."""
    given(World())
    with serving(tmp_path) as served:
        monkeypatch.setenv("SSL_CERT_FILE", str(served.authority))
        monkeypatch.setenv("NOTIFY_WEBHOOK", served.url)
        forget()
        yield served


def ended(refusal: Refusal | None = None) -> Run:
    run = started()
    write_report(Closing(run.id, ENDED, run, refusal))
    return run


def test_the_card_of_an_ended_run_is_posted_once_however_often_the_activity_runs(webhook: Webhook) -> None:
    run = ended()
    assert notify(Notice(run.id, run)) == Notified(True)
    assert notify(Notice(run.id, run)) == Notified(False)
    (message,) = webhook.got
    assert RUN in json.loads(message)["attachments"][0]["content"]["body"][1]["inlines"][0]["text"]


def test_nothing_is_posted_and_nothing_noted_where_no_webhook_is_set(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_WEBHOOK")
    forget()
    run = ended()
    assert notify(Notice(run.id, run)) == Notified(False)
    assert webhook.got == []
    assert not Journal(run.id).has("notice.json")


def test_only_what_the_operator_wants_is_posted(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_ON", "failure")
    forget()
    run = ended()
    assert notify(Notice(run.id, run)) == Notified(False)
    assert webhook.got == []


def test_a_run_that_lost_its_claim_tells_nothing(webhook: Webhook) -> None:
    run = ended()
    lose_claim(run)
    assert notify(Notice(run.id, run)) == Notified(False, "Fenced")
    assert webhook.got == []


def test_a_run_that_never_got_the_claim_is_told_of(webhook: Webhook) -> None:
    write_report(Closing(RUN, ENDED, None, Refusal("ClaimedByOtherApp", "Theirs.", "Wait.")))
    assert notify(Notice(RUN)) == Notified(True)
    assert b"ClaimedByOtherApp" in webhook.got[0]


def test_a_webhook_that_refuses_leaves_a_line_in_the_log_without_its_address(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.answer = 500
    run = ended()
    with caplog.at_level(logging.DEBUG):
        assert notify(Notice(run.id, run)) == Notified(False, "WebhookRefused")
    assert "WebhookRefused: It answered 500." in caplog.text
    assert SECRET not in caplog.text
    assert notify(Notice(run.id, run)) == Notified(False)
    assert len(webhook.got) == 1


@pytest.mark.usefixtures("webhook")
def test_the_journal_does_not_hold_the_address() -> None:
    run = ended()
    notify(Notice(run.id, run))
    journal = Journal(run.id)
    blobs = [journal.container.get(blob.name).data for blob in journal.container.list(journal.path(""))]
    assert len(blobs) >= 3
    assert not any(SECRET.encode() in data or b"/workflows/" in data for data in blobs)
