"""How requests are answered: one shape for everything that goes wrong, text for who prefers it, nothing secret."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from api.answers import Answer, answered, prefers_text
from shared.domain.findings import Finding, Severity
from shared.errors import ConfigurationError, MissingError, RejectedError, TransientError
from shared.requests import RequestError

FINDING = Finding(Severity.ERROR, "ParameterUnknown", '"x" is not a parameter.', "There are others.", "$.x")


@dataclass(frozen=True)
class Body:
    run_id: str
    nothing: str = ""


def respond(work: Answer | Exception, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    async def working() -> Answer:
        if isinstance(work, Exception):
            raise work
        return work

    return asyncio.run(answered(working(), headers or {}))


def body(response: func.HttpResponse) -> dict[str, Any]:
    assert response.mimetype == "application/json"
    return json.loads(response.get_body())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RequestError([FINDING]), 400),
        (RequestError([FINDING], "SelectionNotFound"), 404),
        (MissingError("RunNotFound", "There is no run.", "Start one."), 404),
        (RejectedError("PlanMoved", "It has moved.", "Plan again."), 409),
        (RejectedError("AuthorizationFailed", "No access.", "Give the role."), 503),
        (ConfigurationError("SettingInvalid", "X is not set.", "Correct it."), 503),
        (TransientError("TooManyRequests", "Slow down.", timedelta(seconds=3)), 503),
        (ZeroDivisionError("a bug"), 500),
    ],
)
def test_everything_that_goes_wrong_has_one_shape(error: Exception, status: int) -> None:
    response = respond(error)
    assert response.status_code == status
    told = body(response)
    assert set(told) == {"error", "message", "next", "findings"}
    assert told["error"]
    assert told["message"]
    assert told["next"]
    assert ("Retry-After" in response.headers) == (status == 503)


def test_all_findings_of_a_wrong_request_are_told() -> None:
    response = respond(RequestError([FINDING] * 30))
    assert len(body(response)["findings"]) == 30
    assert body(response)["findings"][0] == {
        "severity": "error",
        "code": "ParameterUnknown",
        "message": '"x" is not a parameter.',
        "next": "There are others.",
        "path": "$.x",
    }
    assert "And 20 more." in body(response)["message"]


@pytest.mark.parametrize("kind", [RuntimeError, lambda text: RejectedError("Http403", text)])
def test_no_secret_is_told_whoever_put_it_into_a_message(kind: Any) -> None:
    told = respond(kind("no answer from https://st.blob.core.windows.net/c/b?sv=1&sig=c2VjcmV0")).get_body()
    assert b"c2VjcmV0" not in told


def test_what_has_no_value_is_left_out_and_keys_are_in_camel_case() -> None:
    response = respond(Answer(Body("20261123T020509Z-3fa2"), 202, "/api/runs/20261123T020509Z-3fa2"))
    assert body(response) == {"runId": "20261123T020509Z-3fa2"}
    assert response.headers["Location"] == "/api/runs/20261123T020509Z-3fa2"
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize("name", ["Accept", "accept"])
def test_text_is_sent_to_who_prefers_it_where_there_is_one(name: str) -> None:
    answer = Answer(Body("x"), text="ä plan\n")
    response = respond(answer, {name: "text/plain"})
    assert (response.mimetype, response.get_body().decode()) == ("text/plain", "ä plan\n")
    assert body(respond(answer)) == {"runId": "x"}
    assert body(respond(Answer(Body("x")), {name: "text/plain"})) == {"runId": "x"}


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/plain", True),
        ("text/*", True),
        ("text/plain, */*;q=0.1", True),
        ("text/plain;q=0.5, application/json", False),
        ("text/plain, application/json;q=0.9", True),
        ("application/json, text/plain", False),
        ("TEXT/PLAIN; charset=utf-8", True),
        ("text/html", False),
        ("text/plain;q=nonsense", False),
        ("text/plain;q=0, */*", False),
        (";;,,=", False),
    ],
)
def test_the_header_accept_is_read_with_its_ranks(accept: str, text: bool) -> None:
    assert prefers_text(accept) is text
