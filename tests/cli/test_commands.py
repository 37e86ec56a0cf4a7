"""What each command asks, prints and ends with."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import following
from tests.cli.conftest import RUN, AppDouble, Call

OTHER = "20261123T020000Z-0000"


def run(state: str = "Running", run_id: str = RUN, **more: Any) -> dict[str, Any]:
    return {"runId": run_id, "state": state, "startedAt": "2026-11-23T02:05:09Z", "counts": {}, **more}


def pair(state: str, **more: str) -> dict[str, str]:
    return {"lab": "lab-a", "imagePath": "Win\\x.json", "image": "Win_x", "state": state, **more}


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting takes no time, and is noted."""
    slept: list[float] = []
    monkeypatch.setattr(following.time, "sleep", slept.append)
    return slept


def body_of(app: AppDouble, place: int = 0) -> Any:
    return json.loads(app.asked[place].body)


# --- run


def test_a_run_is_started_with_what_was_asked_and_not_waited_for(app: AppDouble, call: Call) -> None:
    app.says("POST runs", {"runId": RUN, "status": f"/api/runs/{RUN}"}, 202)
    asked = ("--lab", "lab-a", "--lab", "lab-b", "--image", "Win", "--stage", "distribute", "--retry-failed-of", OTHER)
    ended = call("run", *asked, "--max-concurrent-copies", "3", "--plan-id", "0" * 64)
    assert ended.code == 0
    assert body_of(app) == {
        "labs": ["lab-a", "lab-b"],
        "images": ["Win"],
        "stages": ["distribute"],
        "retryFailedOf": OTHER,
        "maxConcurrentCopies": 3,
        "planId": "0" * 64,
    }
    assert f"image-factory status {RUN} --wait" in ended.out


@pytest.mark.parametrize(
    ("state", "code"),
    [("Succeeded", 0), ("PartiallySucceeded", 2), ("Failed", 1), ("Cancelled", 1), ("Interrupted", 1), ("Dreaming", 1)],
)
def test_waiting_ends_with_the_exit_code_of_the_runs_state(
    app: AppDouble, call: Call, sleeps: list[float], state: str, code: int
) -> None:
    app.says("POST runs", {"runId": RUN}, 202)
    app.says(f"GET runs/{RUN}", run(), 202, Retry_After="7")
    app.says(f"GET runs/{RUN}", run(state, stage="ended"))
    assert call("run", "--wait").code == code
    assert call("status", RUN).code == code
    assert sleeps == [7.0]


def test_the_pauses_are_those_that_the_app_asks_for_within_bounds(
    app: AppDouble, call: Call, sleeps: list[float]
) -> None:
    for asked_for in ("0", "30", "99999", "soon", ""):
        app.says(f"GET runs/{RUN}", run(), 202, **({"Retry_After": asked_for} if asked_for else {}))
    app.says(f"GET runs/{RUN}", run("Succeeded"))
    assert call("status", RUN, "--wait").code == 0
    assert sleeps == [10.0, 30.0, 60.0, 10.0, 10.0]


def test_without_a_terminal_each_change_is_a_line_and_stdout_holds_the_result_only(
    app: AppDouble, call: Call, sleeps: list[float]
) -> None:
    app.says("POST runs", {"runId": RUN}, 202)
    working = run(stage="deliveries", planned={"captures": 2, "deliveries": 3})
    working["counts"] = {"capturesEnded": 2, "failed": 1}
    working["pairs"] = [pair("working"), pair("queued"), pair("failed")]
    for _ in range(3):
        app.says(f"GET runs/{RUN}", working, 202)
    app.says(f"GET runs/{RUN}", run("Succeeded", stage="ended", counts={"delivered": 3}))
    ended = call("run", "--wait", "-o", "json")
    assert json.loads(ended.out)["state"] == "Succeeded"
    assert ended.err.splitlines() == [
        f"Run {RUN} started.",
        f"{RUN}  Running    deliveries     2/2 captures, 1/3 deliveries, 1 failed",
        f"{RUN}  Succeeded  ended          3 delivered",
    ]
    assert len(sleeps) == 3


def test_a_run_that_works_already_is_named_and_not_disturbed(app: AppDouble, call: Call) -> None:
    app.says(
        "POST runs", {"error": "RunWorking", "message": f"Run {OTHER} works.", "next": "Wait.", "runId": OTHER}, 409
    )
    ended = call("run", "--wait")
    assert ended.code == 1
    assert f"image-factory status {OTHER} --wait" in ended.err
    assert "image-factory run --queue" in ended.err


def test_who_queues_waits_for_every_run_before_its_own(app: AppDouble, call: Call, sleeps: list[float]) -> None:
    refused = {"error": "RunWorking", "message": "One at a time.", "runId": OTHER}
    app.says("POST runs", refused, 409)
    app.says("POST runs", refused, 409)
    app.says("POST runs", {"runId": RUN}, 202)
    app.says(f"GET runs/{OTHER}", run("Failed", OTHER))
    app.says(f"GET runs/{RUN}", run("Succeeded"))
    assert call("run", "--queue", "--wait").code == 0
    assert [asked.path for asked in app.asked if asked.method == "POST"] == ["/api/runs"] * 3
    assert sleeps == [1.0, 1.0]


def test_a_plan_that_has_moved_is_a_failure_with_its_next_step(app: AppDouble, call: Call) -> None:
    app.says("POST runs", {"error": "PlanMoved", "message": "It moved.", "next": "Plan again."}, 409)
    ended = call("run", "--plan-id", "0" * 64)
    assert (ended.code, ended.err) == (1, "Error: PlanMoved: It moved.\nNext step: Plan again.\n")


def test_ctrl_c_while_waiting_says_how_to_go_on(app: AppDouble, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(following.time, "sleep", interrupt)
    app.says("POST runs", {"runId": RUN}, 202)
    app.says(f"GET runs/{RUN}", run(), 202)
    ended = call("run", "--wait")
    assert ended.code == 130
    assert f"Run {RUN} goes on." in ended.err
    assert f"image-factory status {RUN} --wait" in ended.err
    assert f"image-factory cancel {RUN}" in ended.err


def test_an_app_that_is_away_for_a_while_is_waited_for(app: AppDouble, call: Call, sleeps: list[float]) -> None:
    """A deployment, a cold start, throttling: the run goes on all the same."""
    for status in (503, 500, 429, 502):
        app.says(f"GET runs/{RUN}", b"", status)
    app.says(f"GET runs/{RUN}", run("Succeeded"))
    assert call("status", RUN, "--wait").code == 0
    assert len(sleeps) == 4


def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a minute later."""
    minutes: Iterator[int] = itertools.count()
    monkeypatch.setattr(following.time, "monotonic", lambda: 60.0 * next(minutes))


@pytest.mark.usefixtures("sleeps")
def test_an_app_that_stays_away_is_given_up_and_the_run_is_not(
    app: AppDouble, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(monkeypatch)
    app.says(f"GET runs/{RUN}", b"", 503)
    ended = call("status", RUN, "--wait")
    assert ended.code == 1
    assert "The run goes on without this command." in ended.err
    assert f"image-factory status {RUN} --wait" in ended.err


@pytest.mark.usefixtures("sleeps")
def test_a_start_that_was_accepted_and_dropped_is_not_waited_for_for_ever(
    app: AppDouble, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(monkeypatch)
    app.says("POST runs", {"runId": RUN}, 202)
    app.says(f"GET runs/{RUN}", {"error": "RunNotFound", "message": "No such run."}, 404)
    assert call("run", "--wait").code == 1


# --- status


def test_the_runs_are_listed_newest_first(app: AppDouble, call: Call) -> None:
    ended_at = "2026-11-23T03:05:10.5Z"
    app.says("GET runs", {"runs": [run(), run("Failed", OTHER, endedAt=ended_at, counts={"failed": 2})]})
    ended = call("status", "--limit", "2")
    assert ended.code == 0
    assert app.asked[0].path == "/api/runs?limit=2"
    assert [line.split() for line in ended.out.splitlines()[1:]] == [
        [RUN, "Running", "2026-11-23", "02:05:09"],
        [OTHER, "Failed", "2026-11-23", "02:05:09", "1:00:01", "2", "failed"],
    ]


def test_one_run_is_told_with_its_pairs_and_what_to_do_about_those_that_failed(app: AppDouble, call: Call) -> None:
    failed = pair("failed", code="CopyFailed", message="It broke.", next="Run again.")
    app.says(
        f"GET runs/{RUN}", run("PartiallySucceeded", counts={"failed": 2}, pairs=[pair("present"), failed, failed])
    )
    ended = call("status", RUN)
    assert ended.code == 2
    assert "lab-a  Win_x  failed   CopyFailed: It broke." in ended.out
    assert ended.out.count("Next step: Run again.") == 1


def test_a_run_that_did_not_succeed_tells_its_findings_and_the_golden_vms_that_failed(
    app: AppDouble, call: Call
) -> None:
    app.says(f"GET runs/{RUN}", run("Failed", counts={"capturesFailed": 1}))
    app.says(
        f"GET runs/{RUN}/report",
        {
            "findings": [{"severity": "error", "code": "LastGoodUsed", "message": "It is broken.", "next": "Mend it."}],
            "captures": [
                {
                    "vm": "vm-1",
                    "state": "failed",
                    "code": "DataDisks",
                    "message": "It has two.",
                    "next": "Detach them.",
                },
                {"vm": "vm-2", "state": "captured"},
            ],
        },
    )
    ended = call("status", RUN)
    assert ended.code == 1
    assert "1 failed to be captured" in ended.out
    assert "error LastGoodUsed: It is broken." in ended.out
    assert "Mend it." in ended.out
    assert "failed  DataDisks: It has two." in ended.out
    assert "Next step: Detach them." in ended.out
    assert "vm-2" not in ended.out


def test_a_run_that_works_is_no_failure(app: AppDouble, call: Call) -> None:
    app.says(f"GET runs/{RUN}", run(cancelling=True), 202)
    ended = call("status", RUN)
    assert ended.code == 0
    assert "being cancelled" in ended.out


def test_waiting_needs_a_run(call: Call) -> None:
    assert call("status", "--wait", "--app", "localhost:1").code == 64


# --- plan, explain, cancel, report


def plan(*effects: str, usable: bool = True) -> dict[str, Any]:
    pairs = [{"lab": "lab-a", "effect": effect, "image": "Win_x"} for effect in effects if effect != "capture"]
    captures = [{"vm": "vm", "effect": "capture", "image": "Win_x"}] if "capture" in effects else []
    return {
        "planId": "a" * 64,
        "usable": usable,
        "configuration": {},
        "counts": dict.fromkeys(("deliver", "capture", "present", "skip", "fail"), 0),
        "bytes": 0,
        "minutes": 0,
        "captures": captures,
        "pairs": pairs,
    }


@pytest.mark.parametrize(
    ("effects", "code"),
    [
        ((), 0),
        (("present", "skip"), 0),
        (("deliver", "present"), 2),
        (("capture",), 2),
        (("deliver", "fail"), 2),
        (("present", "fail"), 1),
    ],
)
def test_a_plan_ends_by_what_is_to_be_done(app: AppDouble, call: Call, effects: tuple[str, ...], code: int) -> None:
    app.says("POST runs", plan(*effects))
    ended = call("plan", "--lab", "lab-a")
    assert ended.code == code
    assert f"planId: {'a' * 64}" in ended.out
    assert body_of(app) == {"labs": ["lab-a"], "dryRun": True}
    assert json.loads(call("plan", "-o", "json").out)["planId"] == "a" * 64


def test_a_plan_of_a_wrong_configuration_is_a_failure_where_nothing_is_to_be_done(app: AppDouble, call: Call) -> None:
    finding = {"severity": "error", "code": "LastGoodUsed", "message": "It is broken."}
    app.says("POST runs", plan("present") | {"findings": [finding]})
    assert call("plan").code == 1


def test_a_plan_that_nothing_can_come_of_is_a_failure(app: AppDouble, call: Call) -> None:
    app.says("POST runs", plan("deliver", usable=False))
    assert call("plan").code == 1


def test_an_explanation_is_printed_for_people_and_programs(app: AppDouble, call: Call) -> None:
    rule = {"rule": "entry", "found": "The entry Win takes it.", "holds": True}
    found = {"lab": "lab-a", "imagePath": "Win\\x.json", "verdict": "deliver", "trace": [rule]}
    app.says("GET explain", {"explanations": [found]})
    ended = call("explain", "lab-a", "Win/x & y")
    assert ended.code == 0
    assert "The entry Win takes it." in ended.out
    assert app.asked[0].path == "/api/explain?lab=lab-a&image=Win%2Fx+%26+y"
    assert json.loads(call("explain", "lab-a", "Win", "-o", "json").out) == {"explanations": [found]}


def test_cancelling_says_how_to_wait_for_the_end(app: AppDouble, call: Call) -> None:
    app.says(f"POST runs/{RUN}/cancel", run(cancelling=True), 202)
    app.says(f"POST runs/{RUN}/cancel", run("Succeeded"))
    assert f"image-factory status {RUN} --wait" in call("cancel", RUN).out
    ended = call("cancel", RUN)
    assert (ended.code, ended.out) == (0, f"Run {RUN} has ended already: Succeeded. Nothing was done.\n")


@pytest.mark.parametrize(
    ("form", "asked"), [("md", "markdown"), ("html", "html"), ("json", "json"), ("junit", "junit")]
)
def test_a_report_is_written_as_the_app_sends_it(
    app: AppDouble, call: Call, tmp_path: Path, form: str, asked: str
) -> None:
    data = b"\xef\xbb\xbf\r\n## Gr\xc3\xbc\xc3\x9fe\t\x00"
    app.says(f"GET runs/{RUN}/report", data)
    ended = call("report", RUN, "-f", form, "-o", str(tmp_path / "report"))
    assert (ended.code, ended.out) == (0, "")
    assert (tmp_path / "report").read_bytes() == data
    assert app.asked[0].path == f"/api/runs/{RUN}/report?format={asked}"


def test_the_newest_report_is_printed_when_no_run_is_named(app: AppDouble, call: Call) -> None:
    app.says("GET runs", {"runs": [run("Succeeded")]})
    app.says(f"GET runs/{RUN}/report", b"# Run\n\n## Captures\n")
    assert call("report").out == "# Run\n\n## Captures\n"


def test_there_is_no_report_of_a_run_that_works(app: AppDouble, call: Call) -> None:
    app.says(f"GET runs/{RUN}/report", run(), 202)
    ended = call("report", RUN)
    assert ended.code == 1
    assert f"image-factory status {RUN} --wait" in ended.err


def test_a_report_that_cannot_be_written_is_told_with_its_file(app: AppDouble, call: Call, tmp_path: Path) -> None:
    app.says(f"GET runs/{RUN}/report", b"# Run")
    ended = call("report", RUN, "-o", str(tmp_path / "nowhere/report.md"))
    assert ended.code == 1
    assert "nowhere/report.md cannot be written: No such file or directory." in ended.err


# --- usage


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("deliver",),
        ("run", "--what"),
        ("plan", "--stage", "build"),
        ("cancel",),
        ("report", "-f", "pdf"),
        ("report", "-o", "json"),
        ("explain", "x"),
    ],
)
def test_wrong_usage_ends_with_64(call: Call, arguments: tuple[str, ...]) -> None:
    ended = call(*arguments)
    assert ended.code == 64
    assert "Usage: image-factory" in ended.err


@pytest.mark.parametrize("command", ["validate", "plan", "explain", "run", "status", "report", "cancel"])
def test_every_command_has_help(call: Call, command: str) -> None:
    ended = call(command, "--help")
    assert ended.code == 0
    assert "Usage: image-factory" in ended.out
