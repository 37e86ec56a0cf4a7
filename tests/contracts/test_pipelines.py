"""The pipelines and the documents call the command line as it is."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cli.__main__ import image_factory
from tests.contracts.app_source import ROOT

PIPELINES = sorted((ROOT / "pipelines").glob("*.yml"))
SCRIPTS = ("bash", "script", "inlineScript", "run")
BETWEEN_COMMANDS = re.compile(r"\n|&&|\|\||[;|&]|>")


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def mappings(value: Any) -> Iterator[dict[Any, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from mappings(each)


def scripts(path: Path) -> list[str]:
    return [each[key] for each in mappings(loaded(path)) for key in SCRIPTS if isinstance(each.get(key), str)]


def calls(text: str) -> list[list[str]]:
    """The arguments of every `image-factory` that begins a command."""
    commands = BETWEEN_COMMANDS.split(text.replace("\\\n", " "))
    words = [shlex.split(command, comments=True) for command in commands if "image-factory " in command]
    return [arguments for first, *arguments in filter(None, words) if first == "image-factory"]


def check(arguments: list[str]) -> None:
    """Raises click.UsageError for a command, an option or a value that there is not; runs nothing."""
    with image_factory.make_context("image-factory", list(arguments)) as context:
        name, command, rest = image_factory.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        command.make_context(name, rest, parent=context)


def documented() -> list[list[str]]:
    """What stands in a block of a document, or in backticks within a line."""
    found: list[list[str]] = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        lines = re.findall(r"^    (image-factory [^\n]*)", text, re.M) + re.findall(r"`(image-factory [^`]*)`", text)
        found += [arguments for line in lines for arguments in calls(line)]
    return found


def test_there_are_two_pipelines_that_validate_run_and_report() -> None:
    assert [path.name for path in PIPELINES] == ["azure-pipelines.yml", "github-workflow.yml"]
    for path in PIPELINES:
        assert {arguments[0] for script in scripts(path) for arguments in calls(script)} == {
            "validate",
            "run",
            "report",
        }


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_a_pipeline_calls_only_what_the_command_line_has(path: Path) -> None:
    for script in scripts(path):
        for arguments in calls(script):
            check(arguments)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_every_script_is_one_that_bash_reads(path: Path) -> None:
    assert len(scripts(path)) >= 4
    for script in scripts(path):
        read = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_what_a_pipeline_takes_from_others_has_a_version(path: Path) -> None:
    """A tag may be moved; a name without any is whatever is newest."""
    taken = [each[key] for each in mappings(loaded(path)) for key in ("uses", "task") if key in each]
    assert taken
    assert [name for name in taken if not re.search(r"@(v?\d+|[0-9a-f]{40})$", name)] == []


def test_the_documents_call_only_what_the_command_line_has() -> None:
    assert len(documented()) >= 8
    for arguments in documented():
        check(arguments)


@pytest.mark.parametrize("line", ["vaildate x", "run --weit", "report -f pdf", "plan --stage deliver", "cancel"])
def test_a_call_that_is_wrong_would_be_seen(line: str) -> None:
    with pytest.raises(click.UsageError):
        check(shlex.split(line))
