"""image-factory plan: what a run would do now."""

from typing import Any

import click

from cli.app import App
from cli.ending import Exit
from cli.options import output_option, with_app, with_selection
from cli.printing import say, say_json
from shared.domain.findings import Severity
from shared.domain.run_plan import Effect, RunPlan, as_text


@click.command(short_help="Tell what a run would do.")
@with_app
@with_selection
@output_option
def plan(app: App, parameters: dict[str, Any], output: str) -> Exit:
    """Tell what a run would do, and do nothing.

    It exits with 2 when there is something to capture or to deliver, 1 when all that would come of it is a failure, or labs.json is
    wrong, 0 when everything is where it should be.
    """
    answer = app.ask("POST", "runs", body={**parameters, "dryRun": True})
    found = answer.read(RunPlan)
    if output == "json":
        say_json(answer.plain())
    else:
        say(as_text(found))
    return _exit_of(found)


def _exit_of(plan: RunPlan) -> Exit:
    effects = {each.effect for each in (*plan.captures, *plan.pairs)}
    if not plan.usable:
        return Exit.FAILED
    if effects & {Effect.CAPTURE, Effect.DELIVER}:
        return Exit.PARTIAL
    is_wrong = any(finding.severity is Severity.ERROR for finding in plan.findings)
    return Exit.FAILED if is_wrong or Effect.FAIL in effects else Exit.DONE
