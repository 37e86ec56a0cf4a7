"""Asking the app: whatever goes wrong says place, cause and next step, and ends with the right exit code."""

import socket
import threading

import pytest

from cli.address import Address
from cli.app import App
from cli.entra import token_for
from tests.cli.conftest import RUN, AppDouble, Call

ENDED = {"runId": RUN, "state": "Succeeded", "counts": {}}
WRONG = {
    "error": "RequestInvalid",
    "message": "Nothing was done.",
    "next": "Correct it.",
    "findings": [
        {
            "severity": "error",
            "code": "LabUnknown",
            "message": "No lab.",
            "next": "Write it right.",
            "path": "$.labs[0]",
        }
    ],
}


def refusal(app: AppDouble, call: Call, code: int, body: object = None, status: int = 200, **headers: str) -> str:
    """What is said about the answer to `status RUN`; it names place, cause and next step."""
    app.says(f"GET runs/{RUN}", body, status, **headers)
    ended = call("status", RUN)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(f"Error: GET {app.url}/api/runs/{RUN}: {status}")
    assert "\nNext step: " in ended.err
    return ended.err


def test_an_unknown_run_is_told_in_the_apps_words(app: AppDouble, call: Call) -> None:
    problem = {"error": "RunNotFound", "message": f'There is no run "{RUN}".', "next": "GET /api/runs"}
    assert f'RunNotFound: There is no run "{RUN}".' in refusal(app, call, 1, problem, 404)


@pytest.mark.parametrize(("status", "code"), [(400, 64), (404, 1)])
def test_everything_that_is_wrong_in_a_request_is_told(app: AppDouble, call: Call, status: int, code: int) -> None:
    """Wrong usage is what the API does not allow; what it allows and cannot find may be right tomorrow."""
    app.says("POST runs", WRONG, status)
    ended = call("run", "--lab", "nope")
    assert ended.code == code
    assert "error $.labs[0]: LabUnknown: No lab." in ended.err
    assert "Write it right." in ended.err


def test_without_a_key_one_is_asked_for(app: AppDouble, call: Call) -> None:
    said = refusal(app, call, 1, status=401)
    assert "no key was given" in said
    assert "IMAGE_FACTORY_KEY" in said
    assert "--entra" in said


def test_a_key_that_is_not_accepted_is_told_without_the_key(
    app: AppDouble, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_FACTORY_KEY", "c2VjcmV0\n")
    said = refusal(app, call, 1, status=401)
    assert "not accepted" in said
    assert "c2VjcmV0" not in said
    assert app.asked[0].headers["X-Functions-Key"] == "c2VjcmV0"


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "access restrictions"), (404, "no image factory answers there"), (405, "none of the image factory")],
)
def test_an_answer_of_somebody_else_is_told_as_such(app: AppDouble, call: Call, status: int, words: str) -> None:
    assert words in refusal(app, call, 1, b"<html>Error</html>", status)


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"[]", b'"text"', b"{}", b"", b"\xff", b"[" * 100_000])
def test_an_answer_that_is_not_of_our_app_is_told_as_such(app: AppDouble, call: Call, body: bytes) -> None:
    app.says(f"GET runs/{RUN}", body)
    for output in ("table", "json"):
        ended = call("status", RUN, "-o", output)
        assert ended.code == 1
        assert "Next step: " in ended.err
        assert "--app" in ended.err


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere(
    app: AppDouble, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_FACTORY_KEY", "c2VjcmV0")
    assert "login.example.com" in refusal(app, call, 1, status=302, Location="https://login.example.com/?x=y")
    assert len(app.asked) == 1


def test_trouble_of_the_app_is_told_with_what_it_says(app: AppDouble, call: Call) -> None:
    problem = {"error": "SettingInvalid", "message": "FACTORY_LAB_ID is not set.", "next": "Correct the app setting."}
    assert "SettingInvalid: FACTORY_LAB_ID is not set." in refusal(app, call, 1, problem, 503)


def test_an_app_that_does_not_answer_is_told_with_its_address(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    ended = call("status", "--app", url)
    assert ended.code == 1
    assert f"{url} does not answer: " in ended.err
    assert "make serve" in ended.err


def test_a_host_that_speaks_no_http_is_told_as_such(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"

        def greet() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
            connection.close()

        threading.Thread(target=greet, daemon=True).start()
        ended = call("status", "--app", url)
    assert ended.code == 1
    assert "does not answer" in ended.err


def test_a_token_is_sent_where_one_was_asked_for(app: AppDouble) -> None:
    app.says(f"GET runs/{RUN}", ENDED)
    App(Address(app.url, True), token=lambda: "header.payload.signature").ask("GET", f"runs/{RUN}")
    assert app.asked[0].headers["Authorization"] == "Bearer header.payload.signature"
    assert "X-Functions-Key" not in app.asked[0].headers


def test_a_source_of_tokens_asks_for_nothing_before_it_is_used() -> None:
    assert callable(token_for("api://factory/.default"))


@pytest.mark.parametrize("run_id", ["../runs", "a?b#c", "a/b", "ä ö"])
def test_whatever_is_typed_as_a_run_is_asked_for_as_one(app: AppDouble, call: Call, run_id: str) -> None:
    call("status", run_id)
    path = app.asked[0].path.removeprefix("/api/runs/")
    assert "/" not in path
    assert "?" not in path
