"""How every request is answered: JSON, or text where that is asked for, and one shape for everything that goes wrong."""

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

import azure.functions as func

from shared.domain.findings import Finding
from shared.domain.report import RunReport
from shared.errors import FactoryError, TransientError
from shared.redaction import redacted
from shared.report_forms import Form
from shared.requests import RequestError
from shared.wire import to_json, to_plain, without_blanks

RETRY_AFTER = 10
"""Seconds after which it is worth asking again."""


@dataclass(frozen=True)
class Answer:
    """`text` is the same as `body` for people, sent to who prefers text/plain; a `form` is what was asked for."""

    body: object
    status: int = 200
    location: str = ""
    text: str = ""
    form: Form | None = None


@dataclass(frozen=True)
class Problem:
    """What went wrong: a code of docs/codes.md, what was attempted and found, what to do next.

    `findings` tell everything that is wrong in a request; `run_id` and `status` name the run that is in the way.
    """

    error: str
    message: str
    next: str = ""
    findings: tuple[Finding, ...] = ()
    run_id: str = ""
    status: str = ""


STATUS_CODES = {
    "RequestInvalid": 400,
    "SelectionNotFound": 404,
    "RunNotFound": 404,
    "ReportMissing": 404,
    "NotAcceptable": 406,
    "PlanMoved": 409,
}
"""What the caller can mend. Everything else is the deployment's or Azure's trouble: settings, rights, outages."""


async def answered(work: Awaitable[Answer], headers: Mapping[str, str]) -> func.HttpResponse:
    """The response to a request whose headers these are; never raises."""
    try:
        return _response(await work, headers)
    except FactoryError as error:
        return _response(refusal(error), headers)
    except Exception as error:
        logging.exception("A request failed.")
        told = redacted(f"{type(error).__name__}: {error}")[:_LONGEST]
        return _response(Answer(Problem("Bug", told, "Report the message."), 500), headers)


_LONGEST = 1000


def refusal(error: FactoryError) -> Answer:
    findings = error.findings if isinstance(error, RequestError) else ()
    advice = error.next_step or ("Ask again in a moment." if isinstance(error, TransientError) else "")
    problem = Problem(error.code, redacted(error.message), advice, findings)
    return Answer(problem, STATUS_CODES.get(error.code, 503))


def _response(answer: Answer, headers: Mapping[str, str]) -> func.HttpResponse:
    sent = {"Location": answer.location} if answer.location else {}
    if answer.status in (202, 503):
        sent["Retry-After"] = str(RETRY_AFTER)
    if answer.text and prefers_text(_header(headers, "accept")):
        return func.HttpResponse(
            answer.text, status_code=answer.status, mimetype="text/plain", charset="utf-8", headers=sent
        )
    if answer.form is not None and isinstance(answer.body, RunReport):
        form = answer.form
        return func.HttpResponse(form.render(answer.body), mimetype=form.media_types[0], headers=sent | form.headers)
    body = to_json(without_blanks(to_plain(answer.body)))
    return func.HttpResponse(body, status_code=answer.status, mimetype="application/json", headers=sent)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def prefers_text(accept: str) -> bool:
    """Does an Accept header rank text/plain above application/json? JSON is sent to who does not care."""
    ranks = {"text/plain": 0.0, "application/json": 0.0}
    given = dict.fromkeys(ranks, -1)
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        rank = _rank(parameters)
        for name in ranks:
            precise = (kind == "*/*", kind == f"{name.partition('/')[0]}/*", kind == name)
            if any(precise) and precise.index(True) >= given[name]:
                given[name], ranks[name] = precise.index(True), rank
    return ranks["text/plain"] > ranks["application/json"]


def _rank(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
