"""image-factory report: what came of a run, in the form that is asked for."""

from pathlib import Path

import click

from cli.app import App
from cli.ending import CommandError, Exit
from cli.options import with_app
from cli.printing import say, say_json
from cli.runs import RunsPage, path_of

FORMATS = {"md": "markdown", "html": "html", "json": "json", "junit": "junit"}
"""The command's words, and the API's."""


def _no_form(_context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    """`-o` is for a form in the other commands, for a file here: a file called `json` is not what was meant."""
    if file is not None and str(file) in FORMATS:
        raise click.BadParameter(f"it names a file; -f names a form: did you mean -f {file}?")
    return file


@click.command(short_help="Get the report of a run.")
@click.argument("run_id", metavar="[RUN]", required=False)
@with_app
@click.option(
    "-f", "--format", "form", type=click.Choice([*FORMATS]), default="md", show_default=True, help="Its form."
)
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_no_form,
    help="Write it to this file.",
)
def report(app: App, run_id: str | None, form: str, file: Path | None) -> Exit:
    """Get the report of RUN, of the newest run without one."""
    run_id = run_id or _newest(app)
    answer = app.ask("GET", f"{path_of(run_id)}/report", {"format": FORMATS[form]}, accept="*/*")
    if answer.status == 202:
        raise CommandError(f"Run {run_id} still works; its report is written at its end.", _wait_for(run_id))
    if file is None:
        if form == "json":
            say_json(answer.plain())
        else:
            say(answer.body.decode("utf-8", "replace").rstrip("\n"))
        return Exit.DONE
    try:
        file.write_bytes(answer.body)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.", "Name another file with -o.") from None
    say(f"{file}: the report of run {run_id}", to_stderr=True)
    return Exit.DONE


def _wait_for(run_id: str) -> str:
    return f"Wait for it: image-factory status {run_id} --wait"


def _newest(app: App) -> str:
    runs = app.ask("GET", "runs", {"limit": "1"}).read(RunsPage).runs
    if not runs:
        raise CommandError("There was no run yet.", "Start one: image-factory run --wait")
    return runs[0].run_id
