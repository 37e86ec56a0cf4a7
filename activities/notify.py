"""Tell an operator's webhook how a run ended."""

import logging
from dataclasses import dataclass

from shared.domain.renderings.card import card_message
from shared.domain.report import RunReport
from shared.domain.runs import Run
from shared.errors import FactoryError
from shared.journal import REPORT, Journal, fence
from shared.settings import settings
from shared.webhook import Posted, post
from shared.wire import from_json

NOTICE = "notice.json"


@dataclass(frozen=True)
class Notice:
    """`run` is None for a run that never got the claim."""

    run_id: str
    run: Run | None = None


@dataclass(frozen=True)
class Notified:
    """Whether a card was sent; `code` says why one that was wanted was not taken."""

    sent: bool
    code: str = ""


def notify(notice: Notice) -> Notified:
    """Post the card of a run whose report is written, where NOTIFY_WEBHOOK is set and NOTIFY_ON wants it; never raises our errors.

    Repeat-safe: the journal notes the card before it is sent, so that there is one at most; a repeat after the run's end meets
    the fence. A webhook that does not take it leaves a line in the log and nothing else: the run is as it is.
    """
    try:
        posted = _sent(notice)
    except FactoryError as error:
        posted = Posted(error.code, error.message)
    if posted is None:
        return Notified(False)
    if posted.code:
        logging.warning("Run %s was not told to the webhook: %s: %s", notice.run_id, posted.code, posted.message)
    return Notified(not posted.code, posted.code)


def _sent(notice: Notice) -> Posted | None:
    """None when there is nothing to send, or somebody has sent it."""
    now = settings()
    if not now.notify_webhook:
        return None
    if notice.run is not None:
        fence(notice.run)
    journal = Journal(notice.run_id)
    report = from_json(journal.find(REPORT) or b"", RunReport)
    if not now.notify_on.wants(report) or not journal.write(NOTICE, {"runId": notice.run_id}):
        return None
    return post(now.notify_webhook, card_message(report, now.host))
