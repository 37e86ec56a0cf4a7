"""The command `image-factory`, and how it ends."""

import io
import os
import sys

import click

from cli.cancel import cancel
from cli.ending import CommandError, Exit
from cli.explain import explain
from cli.following import InterruptedWaitError, going_on
from cli.plan import plan
from cli.printing import say, say_findings
from cli.report import report
from cli.run import run
from cli.status import status
from cli.validate import validate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="image-factory")
def image_factory() -> None:
    """Golden images for every DevTest lab that asks for them.

    Exit codes: 0 done, 1 failed, 2 changes (plan) or success in part (run, status), 64 wrong usage, 130 interrupted.
    """


for command in (validate, plan, explain, run, status, report, cancel):
    image_factory.add_command(command)


def main() -> int:
    """Run the command that the arguments name; its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return int(image_factory.main(prog_name="image-factory", standalone_mode=False) or Exit.DONE)
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except click.Abort:
        return Exit.INTERRUPTED
    except InterruptedWaitError as error:
        say(f"\nRun {error.run_id} goes on. {going_on(error.run_id)}", to_stderr=True)
        return Exit.INTERRUPTED
    except CommandError as error:
        say(f"Error: {error.message}", to_stderr=True)
        say_findings(error.findings, to_stderr=True)
        if error.next_step:
            say(f"Next step: {error.next_step}", to_stderr=True)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read along has enough (`| head`); the interpreter must not fail on it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED


if __name__ == "__main__":
    sys.exit(main())
