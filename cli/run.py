"""image-factory run: start a run, and wait for its end."""

from dataclasses import dataclass
from typing import Any

import click

from cli.app import Answer, App, Problem
from cli.ending import CommandError, Exit, exit_of
from cli.following import follow, going_on, wait_for_turn
from cli.options import output_option, with_app, with_selection
from cli.printing import say, say_json
from cli.runs import RunLine
from cli.status import say_run


@dataclass(frozen=True)
class StartedRun:
    run_id: str


@click.command(short_help="Start a run; with --wait, follow it to its end.")
@with_app
@with_selection
@click.option("--plan-id", metavar="ID", help="Only if a plan would be the same now: the planId that `plan` printed.")
@click.option("--wait", is_flag=True, help="Wait for the end of the run, and exit by it.")
@click.option("--queue", is_flag=True, help="Where a run works already, wait for its end first.")
@output_option
def run(app: App, parameters: dict[str, Any], plan_id: str | None, wait: bool, queue: bool, output: str) -> Exit:
    """Start a run: capture what is ready, deliver what is missing.

    With --wait it exits with 0 when the run succeeded, 2 when it succeeded in part, else 1.
    """
    body = parameters | ({"planId": plan_id} if plan_id else {})

    def begin() -> Answer:
        return app.ask("POST", "runs", body=body, may_refuse=True)

    answer = wait_for_turn(begin, app, lambda refused: refused.read(Problem).run_id) if queue else begin()
    if answer.status == 409:
        raise _refused(answer.read(Problem))
    run_id = answer.read(StartedRun).run_id
    if not wait:
        say_json(answer.plain()) if output == "json" else say(f"Run {run_id} started. {going_on(run_id)}")
        return Exit.DONE
    say(f"Run {run_id} started.", to_stderr=True)
    ended = follow(app, run_id)
    if output == "json":
        say_json(ended.plain())
    else:
        say_run(app, ended.read(RunLine))
    return exit_of(ended.read(RunLine).state)


def _refused(problem: Problem) -> CommandError:
    advice = problem.next
    if problem.run_id:
        advice = f"{going_on(problem.run_id)}. Or wait for your turn: image-factory run --queue"
    return CommandError(f"{problem.error}: {problem.message}", advice)
