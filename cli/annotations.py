"""Findings as Azure Pipelines and GitHub Actions show them at their file and line."""

from collections.abc import Mapping

from shared.domain.findings import Finding


def annotation(environment: Mapping[str, str], file: str, finding: Finding) -> str | None:
    """The logging command of the pipeline that the environment tells of; None outside of one."""
    text = f"{finding.code}: {' '.join(filter(None, (finding.message, finding.next)))}"
    if environment.get("TF_BUILD"):
        line = f"linenumber={finding.line};" if finding.line else ""
        named = f"type={finding.severity};sourcepath={_in_azure(file)};{line}code={_in_azure(finding.code)}"
        return f"##vso[task.logissue {named};]{_in_azure(text)}"
    if environment.get("GITHUB_ACTIONS"):
        line = f",line={finding.line}" if finding.line else ""
        named = f"file={_in_github(file, ':,')}{line},title={_in_github(finding.code, ':,')}"
        return f"::{finding.severity} {named}::{_in_github(text)}"
    return None


def _in_azure(text: str) -> str:
    """As azure-pipelines-task-lib writes it: the agent unescapes message and properties alike."""
    return _replaced(text, {"%": "%AZP25", "\r": "%0D", "\n": "%0A", "]": "%5D", ";": "%3B"})


def _in_github(text: str, also: str = "") -> str:
    """As @actions/core writes it; in properties `:` and `,` as well."""
    marks = {"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"}
    return _replaced(text, {mark: marks[mark] for mark in "%\r\n" + also})


def _replaced(text: str, marks: Mapping[str, str]) -> str:
    return "".join(marks.get(character, character) for character in text)
