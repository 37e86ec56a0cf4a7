"""image-factory validate: check labs.json with the app's own reader, without the app."""

import difflib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import click

from cli.annotations import annotation
from cli.ending import CommandError, Exit
from cli.options import output_option
from cli.printing import say, say_json
from shared.configuration import MAX_BYTES, Configuration, read_configuration, two_configurations
from shared.domain.findings import Finding, Severity
from shared.wire import to_plain, without_blanks

LABS = ("labs.json", "Labs.json")
GOLDEN_IMAGES = "GoldenImages"


@dataclass(frozen=True)
class Checked:
    """What the app would make of a file; `unchecked` says why its entries were not held against GoldenImages."""

    file: Path
    configuration: Configuration
    unchecked: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.configuration.findings

    @property
    def good(self) -> bool:
        return self.configuration.usable and all(found.severity is not Severity.ERROR for found in self.findings)

    @property
    def set_aside(self) -> int:
        """The labs that get nothing, those without a readable name as well."""
        served = {lab.path for lab in self.configuration.labs}
        errors = (found.path for found in self.findings if found.severity is Severity.ERROR)
        return len({lab[0] for path in errors if (lab := _OF_A_LAB.match(path))} - served)

    def place(self, finding: Finding) -> str:
        """The file that a finding is about: labs.json, or the one beside it that it names."""
        return str(self.file if finding.path.startswith("$") else self.file.parent / finding.path)


_OF_A_LAB = re.compile(r"\$\.[^.\[]+(\[\d+\])?")


@click.command(short_help="Check labs.json, without any app.")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@output_option
def validate(path: Path, output: str) -> Exit:
    """Check labs.json as the app will read it; PATH is the file or its folder.

    Nothing is asked of any app. Entries are held against the folder GoldenImages beside the file, where there is one. In Azure
    Pipelines and GitHub Actions findings are shown at their lines.
    """
    checked = check(path)
    if output == "json":
        said = {"file": str(checked.file), "usable": checked.configuration.usable, "good": checked.good}
        said["entriesChecked"] = not checked.unchecked
        say_json({**said, "findings": [without_blanks(to_plain(found)) for found in checked.findings]})
    else:
        for found in checked.findings:
            _say(checked.place(found), found)
        say(_sum(checked))
    return Exit.DONE if checked.good else Exit.FAILED


def check(path: Path) -> Checked:
    """Read a labs.json, or the one of a folder; raises CommandError where there is none to read."""
    try:
        file = (
            path if not path.is_dir() else next((path / name for name in LABS if name in _names(path)), path / LABS[0])
        )
        folder = file.parent
        if not file.exists():
            raise _missing(file, path)
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        known = definitions(folder / GOLDEN_IMAGES) if GOLDEN_IMAGES in _names(folder) else None
        configuration = read_configuration(data, known)
        if set(LABS) <= _names(folder):
            found = (*configuration.findings, two_configurations(*LABS))
            configuration = replace(configuration, findings=found)
        return Checked(file, configuration, _why_unchecked(folder) if known is None else "")
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror}."
        raise CommandError(message, "Check the path and your rights to it.", Exit.USAGE) from None


def _names(folder: Path) -> set[str]:
    """As they are written: the app's names have case, whatever this machine thinks of it."""
    return {path.name for path in folder.iterdir()}


def _missing(file: Path, asked: Path) -> CommandError:
    """There is no such file; what is nearly called so is named."""
    advice = "Name the file, or the folder that it lies in: image-factory validate configuration"
    if not file.parent.is_dir():
        return CommandError(f"There is no folder {file.parent.resolve()}.", advice, Exit.USAGE)
    lower = {name.lower(): name for name in sorted(_names(file.parent))}
    if near := difflib.get_close_matches(file.name.lower(), lower, n=1, cutoff=0.8):
        found = lower[near[0]]
        what = f"rename it to {file.name}" if file.name in LABS else "name that"
        advice = f"Found {found}: {what}."
    message = f"There is no {LABS[0]} in {asked.resolve()}." if asked.is_dir() else f"There is no {asked.resolve()}."
    return CommandError(message, advice, Exit.USAGE)


def _why_unchecked(folder: Path) -> str:
    names = _names(folder)
    if GOLDEN_IMAGES in names:
        return f"{GOLDEN_IMAGES} is empty"
    near = next((name for name in sorted(names) if name.lower() == GOLDEN_IMAGES.lower()), None)
    return f"no {GOLDEN_IMAGES} beside the file" + (f", but {near}: rename it" if near else "")


def definitions(folder: Path) -> tuple[str, ...] | None:
    """The golden image definitions as the app lists them once they are uploaded; None when there is nothing to upload."""
    files = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    return tuple(name for name in files if name.lower().endswith(".json")) if files else None


def _say(file: str, found: Finding) -> None:
    place = f"{file}:{found.line}" if found.line else file
    say(f"{place}: {found.severity} {found.code}: {found.message}")
    at = f"at {found.path}: " if found.path.startswith("$.") else ""
    say(f"    {at}{found.next}")
    if command := annotation(os.environ, file, found):
        click.echo(command)


def _sum(checked: Checked) -> str:
    errors = sum(found.severity is Severity.ERROR for found in checked.findings)
    warnings = len(checked.findings) - errors
    told = [
        f"{count} {word}{'s' * (count != 1)}" for count, word in ((errors, "error"), (warnings, "warning")) if count
    ]
    if not checked.configuration.usable:
        return f"{checked.file} cannot be used: {', '.join(told)}."
    labs = len(checked.configuration.labs)
    aside = f"{checked.set_aside} set aside" if checked.set_aside else ""
    said = filter(None, [f"{labs} lab{'s' * (labs != 1)} served", aside, *(told or ["no finding"])])
    unchecked = f" The entries were not checked: {checked.unchecked}." if checked.unchecked else ""
    return f"{checked.file}: {', '.join(said)}.{unchecked}"
