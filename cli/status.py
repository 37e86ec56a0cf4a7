"""image-factory status: the runs, or one of them."""

import click

from cli.app import App
from cli.ending import CommandError, Exit, exit_of
from cli.following import follow
from cli.options import output_option, with_app
from cli.printing import say, say_findings, say_json, say_table
from cli.runs import CaptureLine, PairLine, ReportLines, RunLine, RunsPage, path_of


@click.command(short_help="List the runs, or tell how one is.")
@click.argument("run_id", metavar="[RUN]", required=False)
@with_app
@click.option("--wait", is_flag=True, help="Wait for the end of the run.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many runs to list.")
@output_option
def status(app: App, run_id: str | None, wait: bool, limit: int, output: str) -> Exit:
    """List the runs, newest first, or tell how RUN is: it then exits as `run --wait`, with 0 while it works."""
    if run_id is None:
        if wait:
            raise click.UsageError("--wait needs the id of a run; `image-factory status` lists them.")
        return _listed(app, limit, output)
    answer = follow(app, run_id) if wait else app.ask("GET", path_of(run_id))
    if output == "json":
        say_json(answer.plain())
    else:
        say_run(app, answer.read(RunLine))
    return exit_of(answer.read(RunLine).state)


def _listed(app: App, limit: int, output: str) -> Exit:
    answer = app.ask("GET", "runs", {"limit": str(limit)})
    if output == "json":
        say_json(answer.plain())
    elif runs := answer.read(RunsPage).runs:
        say_table(("RUN", "STATE", "STARTED (UTC)", "TOOK", "ENDINGS"), map(_cells, runs))
    else:
        say("There was no run yet. Start one: image-factory run --wait")
    return Exit.DONE


def _cells(run: RunLine) -> tuple[str, ...]:
    begun = f"{run.started_at:%Y-%m-%d %H:%M:%S}" if run.started_at else ""
    return run.run_id, run.state, begun, _took(run), run.told


def _took(run: RunLine) -> str:
    if not run.started_at or not run.ended_at:
        return ""
    return str(run.ended_at - run.started_at).partition(".")[0]


def say_run(app: App, run: RunLine) -> None:
    """How a run is, why it is not what it should be, every pair of it, and where to read more."""
    took = f" in {_took(run)}" if _took(run) else ""
    stage = f" ({run.stage})" if run.works and run.stage else ""
    say(f"Run {run.run_id}: {run.state}{took}{stage}{': ' if run.told else ''}{run.told}")
    told = _told(app, run)
    if told.findings:
        say("")
        say_findings(told.findings)
    failed: list[CaptureLine | PairLine] = []
    if captures := [capture for capture in told.captures if capture.state == "failed"]:
        failed += captures
        say("")
        say_table(("GOLDEN VM", "IMAGE", "STATE", "WHY"), (capture.cells for capture in captures))
    if run.pairs:
        say("")
        say_table(("LAB", "IMAGE", "STATE", "WHY"), (pair.cells for pair in run.pairs))
    failed += [pair for pair in run.pairs if pair.state == "failed"]
    if advice := dict.fromkeys(row.next for row in failed if row.next):
        say("\n" + "\n".join(f"Next step: {each}" for each in advice))
    if not run.works:
        say(f"\nReport: image-factory report {run.run_id} -f html -o report.html")


def _told(app: App, run: RunLine) -> ReportLines:
    """What the report says of a run that ended and did not succeed as a whole."""
    if run.state not in ("PartiallySucceeded", "Failed"):
        return ReportLines()
    try:
        return app.ask("GET", f"{path_of(run.run_id)}/report", {"format": "json"}).read(ReportLines)
    except CommandError:
        # How the run ended is known all the same.
        return ReportLines()
