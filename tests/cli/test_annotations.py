"""Logging commands: what the agents read back is what was said, in one line."""

from hypothesis import given
from hypothesis import strategies as st

from cli.annotations import annotation
from shared.domain.findings import Finding, Severity

AZURE = {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]", "%AZP25": "%"}
GITHUB = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}


def unescaped(text: str, marks: dict[str, str]) -> str:
    """As the agent and the runner do it: one mark after the other, the percent sign last."""
    for mark, character in marks.items():
        text = text.replace(mark, character)
    return text


def named(properties: list[str]) -> dict[str, str]:
    parts = (each.partition("=") for each in properties if each)
    return {name: value for name, _, value in parts}


@given(st.text(), st.text(), st.integers(1, 9999) | st.none())
def test_azure_pipelines_reads_back_what_was_said(file: str, message: str, line: int | None) -> None:
    command = annotation({"TF_BUILD": "True"}, file, Finding(Severity.WARNING, "Code", message, "Do.", "$", line)) or ""
    assert "\n" not in command
    assert "\r" not in command
    head, _, data = command.removeprefix("##vso[task.logissue ").partition("]")
    properties = named(head.split(";"))
    assert unescaped(properties["sourcepath"], AZURE) == file
    assert properties.get("linenumber") == (str(line) if line else None)
    assert (properties["type"], properties["code"]) == ("warning", "Code")
    assert unescaped(data, AZURE) == (f"Code: {message} Do." if message else "Code: Do.")


@given(st.text(), st.text(), st.integers(1, 9999) | st.none())
def test_github_reads_back_what_was_said(file: str, message: str, line: int | None) -> None:
    command = (
        annotation({"GITHUB_ACTIONS": "true"}, file, Finding(Severity.ERROR, "Code", message, "", "$", line)) or ""
    )
    assert "\n" not in command
    assert "\r" not in command
    head, _, data = command.removeprefix("::error ").partition("::")
    properties = named(head.split(","))
    assert unescaped(properties["file"], GITHUB) == file
    assert properties.get("line") == (str(line) if line else None)
    assert unescaped(data, GITHUB) == f"Code: {message}"


def test_outside_of_a_pipeline_there_is_none() -> None:
    assert annotation({}, "labs.json", Finding(Severity.ERROR, "Code", "Message.")) is None
