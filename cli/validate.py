"""image-factory validate: check labs.json with the app's own reader, without the app."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from cli.annotations import annotation
from cli.ending import CommandError, Exit
from cli.options import output_option
from cli.printing import say, say_json
from shared.configuration import MAX_BYTES, Configuration, read_configuration
from shared.domain.findings import Finding, Severity
from shared.wire import to_plain, without_blanks

LABS = ("labs.json", "Labs.json")
GOLDEN_IMAGES = "GoldenImages"


@dataclass(frozen=True)
class Checked:
    """What the app would make of a file."""

    file: Path
    configuration: Configuration

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.configuration.findings

    @property
    def good(self) -> bool:
        return self.configuration.usable and all(found.severity is not Severity.ERROR for found in self.findings)

    def place(self, finding: Finding) -> str:
        """The file that a finding is about: labs.json, or the definition that it names."""
        named = finding.path.startswith(f"{GOLDEN_IMAGES}/")
        return str(self.file.parent / finding.path if named else self.file)


@click.command(short_help="Check labs.json, without any app.")
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@output_option
def validate(path: Path, output: str) -> Exit:
    """Check labs.json as the app will read it; PATH is the file or its folder.

    Nothing is asked of any app. Entries are held against the folder GoldenImages beside the file, where there is one. In Azure
    Pipelines and GitHub Actions findings are shown at their lines.
    """
    checked = check(path)
    if output == "json":
        said = {"file": str(checked.file), "usable": checked.configuration.usable, "good": checked.good}
        say_json({**said, "findings": [without_blanks(to_plain(found)) for found in checked.findings]})
    else:
        for found in checked.findings:
            _say(checked.place(found), found)
        say(_sum(checked))
    return Exit.DONE if checked.good else Exit.FAILED


def check(path: Path) -> Checked:
    """Read a labs.json, or the one of a folder; raises CommandError where there is none to read."""
    file = path if not path.is_dir() else next((path / name for name in LABS if (path / name).is_file()), None)
    if file is None:
        raise CommandError(
            f"There is no labs.json in {path.resolve()}.",
            "Name the file, or the folder that it lies in: image-factory validate configuration",
            Exit.USAGE,
        )
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        return Checked(file, read_configuration(data, definitions(file.parent / GOLDEN_IMAGES)))
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}."
        raise CommandError(message, "Check the path and your rights to it.", Exit.USAGE) from None


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
    served = f"{labs} lab{'s' * (labs != 1)} served"
    aside = len(checked.configuration.set_aside)
    return (
        f"{checked.file}: {', '.join([served, *([f'{aside} set aside'] if aside else []), *(told or ['no finding'])])}."
    )
