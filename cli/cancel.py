"""image-factory cancel: have a run end before its work is done."""

import click

from cli.app import App
from cli.ending import Exit
from cli.options import output_option, with_app
from cli.printing import say, say_json
from cli.runs import RunLine, path_of


@click.command(short_help="End a run before its work is done.")
@click.argument("run_id", metavar="RUN")
@with_app
@output_option
def cancel(app: App, run_id: str, output: str) -> Exit:
    """Cancel RUN: it begins nothing more, takes back what it began and ends with a report."""
    answer = app.ask("POST", f"{path_of(run_id)}/cancel")
    run = answer.read(RunLine)
    if output == "json":
        say_json(answer.plain())
    elif run.works:
        say(f"Run {run.run_id} is being cancelled. Wait for its end: image-factory status {run.run_id} --wait")
    else:
        say(f"Run {run.run_id} has ended already: {run.state}. Nothing was done.")
    return Exit.DONE
