"""image-factory as it is installed, against the factory: what it prints, what it ends with, and the pipelines that call it."""

import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from local.factory.session import REPOSITORY
from tests.e2e.conftest import Factory
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow

WIN = "Win_Server-Nov-1-2026"
RUN = re.compile(r"\d{8}T\d{6}Z-\w{4}")


@dataclass(frozen=True)
class Installed:
    """The command of a wheel made of this repository, in a folder of its own."""

    site: Path
    environment: dict[str, str]
    folder: Path

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        command = [str(self.site / "bin/image-factory"), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=250)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    install = [sys.executable, "-m", "pip", "install", *options, "--target", str(site), str(REPOSITORY)]
    subprocess.run(install, check=True, timeout=120)
    return site


@pytest.fixture
def image_factory(factory: Factory, site: Path, tmp_path: Path) -> Installed:
    return aimed_at(factory, site, tmp_path)


def aimed_at(factory: Factory, site: Path, folder: Path) -> Installed:
    outside = {name: value for name, value in os.environ.items() if name not in ("TF_BUILD", "GITHUB_ACTIONS")}
    asked = {"IMAGE_FACTORY_APP": factory.host, "IMAGE_FACTORY_KEY": os.environ.get("HOST_KEY", "")}
    return Installed(site, outside | asked | {"PYTHONPATH": str(site)}, folder)


@pytest.fixture
def given(factory: Factory) -> Callable[..., None]:
    """A factory with one golden image, lab-a that asks for it, and perhaps a lab that is not there."""

    def give(*missing: str, copy_seconds: float = 0) -> None:
        world = World().behaving(copySeconds=copy_seconds, imageSeconds=0).lab("lab-a")
        factory.give(world.golden_image("Win\\Server.json", WIN, 1))
        factory.configure({"labs.json": labs_json(*(asks(lab, "Win") for lab in ("lab-a", *missing)))})

    return give


@pytest.fixture
def running(
    factory_in_real_time: Factory, site: Path, tmp_path: Path
) -> Generator[tuple[Installed, str, subprocess.Popen[str]]]:
    """The command, a run that takes half a minute, and a command that waits for its end."""
    factory, image_factory = factory_in_real_time, aimed_at(factory_in_real_time, site, tmp_path)
    world = World().behaving(copySeconds=25, imageSeconds=0).lab("lab-a")
    factory.give(world.golden_image("Win\\Server.json", WIN, 1))
    factory.configure({"labs.json": labs_json(asks("lab-a", "Win"))})
    waiting = image_factory.begin("run", "--wait")
    assert waiting.stderr
    found = RUN.search(waiting.stderr.readline())
    assert found
    waiting.stderr.readline()
    yield image_factory, found[0], waiting
    waiting.kill()
    waiting.communicate()
    image_factory("cancel", found[0])
    image_factory("status", found[0], "--wait")
    factory.control.clear_faults()


def test_what_is_planned_is_done_and_then_there_is_nothing_to_do(
    image_factory: Installed, given: Callable[..., None]
) -> None:
    given()
    planned = image_factory("plan")
    assert planned.returncode == 2, planned.stderr
    assert f"+ deliver   {WIN}" in planned.stdout
    explained = image_factory("explain", "lab-a", "Win/Server.json")
    assert (explained.returncode, explained.stderr) == (0, "")
    assert f"lab-a / {WIN}: deliver" in explained.stdout

    plan_id = json.loads(image_factory("plan", "-o", "json").stdout)["planId"]
    done = image_factory("run", "--wait", "--plan-id", plan_id)
    assert done.returncode == 0, done.stderr
    assert "Succeeded" in done.stdout
    assert re.search(rf"lab-a +{WIN} +delivered", done.stdout)

    assert image_factory("plan").returncode == 0
    moved = image_factory("run", "--plan-id", plan_id)
    assert moved.returncode == 1
    assert "PlanMoved" in moved.stderr
    newest = RUN.search(image_factory("status").stdout)
    assert newest
    assert newest[0] in done.stdout


def test_a_run_that_succeeds_in_part_ends_with_2_and_one_that_fails_with_1(
    image_factory: Installed, given: Callable[..., None]
) -> None:
    given("nowhere")
    partly = image_factory("run", "--wait", "-o", "json")
    assert partly.returncode == 2, partly.stderr
    status = json.loads(partly.stdout)
    assert {pair["lab"]: pair["state"] for pair in status["pairs"]} == {"lab-a": "delivered", "nowhere": "failed"}
    told = image_factory("status", status["runId"])
    assert told.returncode == 2
    assert "LabNotFound" in told.stdout
    assert "Next step: " in told.stdout
    failed = image_factory("run", "--wait", "--retry-failed-of", status["runId"])
    assert failed.returncode == 1, failed.stderr


def test_what_is_not_there_ends_with_1_and_what_cannot_be_asked_with_64(
    image_factory: Installed, given: Callable[..., None]
) -> None:
    given()
    ended = image_factory("run", "--lab", "lab-b", "--image", "Wim")
    assert ended.returncode == 1
    assert "LabUnknown" in ended.stderr
    assert image_factory("run", "--image", "../Win").returncode == 64
    assert image_factory("run", "--labs", "lab-a").returncode == 64


def test_an_unknown_run_ends_with_1(image_factory: Installed) -> None:
    for command in (("status",), ("cancel",), ("report", "-f", "json")):
        ended = image_factory(*command, "20200101T000000Z-0000")
        assert ended.returncode == 1, command
        assert "Next step: " in ended.stderr


def test_a_second_run_is_refused_and_the_first_can_be_cancelled(
    running: tuple[Installed, str, subprocess.Popen[str]],
) -> None:
    image_factory, run_id, waiting = running
    refused = image_factory("run", "--wait")
    assert refused.returncode == 1
    assert run_id in refused.stderr
    working = image_factory("status", run_id)
    assert working.returncode == 0
    assert "Running" in working.stdout
    cancelled = image_factory("cancel", run_id)
    assert cancelled.returncode == 0
    assert "being cancelled" in cancelled.stdout
    out, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 1
    assert "Cancelled" in out


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_go_on(
    running: tuple[Installed, str, subprocess.Popen[str]],
) -> None:
    image_factory, run_id, waiting = running
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=30)
    assert waiting.returncode == 130
    assert f"image-factory status {run_id} --wait" in err
    assert "Traceback" not in err
    assert "Running" in image_factory("status", run_id).stdout


def test_the_report_comes_in_each_form(image_factory: Installed, given: Callable[..., None]) -> None:
    given()
    assert image_factory("run", "--wait").returncode == 0
    assert image_factory("report").stdout.startswith("# Image factory run ")
    for form in ("html", "junit", "json", "md"):
        assert image_factory("report", "-f", form, "-o", f"report.{form}").returncode == 0
    assert (image_factory.folder / "report.html").read_text().lower().startswith("<!doctype html>")
    assert json.loads((image_factory.folder / "report.json").read_text())["state"] == "Succeeded"
    root = ElementTree.parse(image_factory.folder / "report.junit").getroot()  # noqa: S314
    assert next(root.iter("testcase"), None) is not None


def test_the_installed_command_validates_without_any_app(image_factory: Installed) -> None:
    image_factory.environment.pop("IMAGE_FACTORY_APP")
    assert image_factory("validate", str(REPOSITORY / "configuration")).returncode == 0
    (image_factory.folder / "labs.json").write_text("{}")
    wrong = image_factory("validate")
    assert wrong.returncode == 1
    assert wrong.stdout.startswith("labs.json:1: error LabsMissing: ")
    assert image_factory("validate", "nowhere.json").returncode == 64


# --- The pipelines: their scripts, with the Azure CLI replaced


def script_of(pipeline: str) -> str:
    """The script that runs the factory."""
    document = yaml.safe_load((REPOSITORY / "pipelines" / pipeline).read_text("utf-8"))
    if pipeline == "azure-pipelines.yml":
        steps = [step.get("inputs", {}).get("inlineScript", "") for step in document["stages"][1]["jobs"][0]["steps"]]
    else:
        steps = [step.get("run", "") for step in document["jobs"]["deliver"]["steps"]]
    (found,) = (step for step in steps if "image-factory run" in step)
    return found


@pytest.mark.parametrize("pipeline", ["azure-pipelines.yml", "github-workflow.yml"])
@pytest.mark.parametrize(
    ("missing", "code"), [((), 0), (("nowhere",), 0), (("lab-a",), 1)], ids=["all", "part", "none"]
)
def test_a_pipelines_script_runs_publishes_and_ends_by_the_run(
    image_factory: Installed, given: Callable[..., None], pipeline: str, missing: tuple[str, ...], code: int
) -> None:
    """labs.json that names a lab twice serves neither: then nothing is delivered."""
    given(*missing)
    az = image_factory.folder / "az"
    az.write_text(f"#!/bin/sh\necho '{image_factory.environment['IMAGE_FACTORY_KEY'] or 'a-key'}'\n")
    az.chmod(0o755)
    path = f"{image_factory.folder}:{image_factory.site}/bin:{os.environ['PATH']}"
    names = {"GROUP": "rg", "RESOURCE_GROUP": "rg", "APP": "factory", "GITHUB_STEP_SUMMARY": "shown.md", "PATH": path}
    done = subprocess.run(
        ["bash", "-e", "-c", script_of(pipeline)],
        cwd=image_factory.folder,
        env=image_factory.environment | names,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == code, done.stderr
    summary = (image_factory.folder / "summary.md").read_text("utf-8")
    assert "# Image factory run " in summary
    assert ElementTree.parse(image_factory.folder / "junit.xml").getroot() is not None  # noqa: S314
    warned = "SucceededWithIssues" in done.stdout or "::warning" in done.stdout
    assert warned == (missing == ("nowhere",))
    if pipeline == "azure-pipelines.yml":
        assert f"##vso[task.uploadsummary]{image_factory.folder}/summary.md" in done.stdout
    else:
        assert (image_factory.folder / "shown.md").read_text("utf-8") == summary
