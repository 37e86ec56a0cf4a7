"""`python -m tests.resilience soak | slice | replay CASE | list`: see docs/reliability.md."""

import argparse
import subprocess
import sys
from datetime import date

from tests.resilience import soak
from tests.resilience.cases import EXPERIMENTS
from tests.resilience.timeline import told


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.resilience", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    soaking = commands.add_parser("soak", help="every sweep, and so many random cases")
    soaking.add_argument("--seeds", type=int, default=100)
    soaking.add_argument("--first-seed", type=int, default=0)
    soaking.add_argument("--only", default="", help="these experiments, such as E1,E3")
    soaking.add_argument("--every", type=int, default=1, help="only every n-th case")
    slicing = commands.add_parser("slice", help="some of everything, other cases for each commit")
    slicing.add_argument("--seconds", type=float, default=100)
    slicing.add_argument("--name", default="", help="the slice of this commit (default: HEAD)")
    replaying = commands.add_parser("replay", help="one case, as a timeline")
    replaying.add_argument("case", help="as it is printed when it fails, such as 'E5 4711'")
    commands.add_parser("list", help="the experiments")
    arguments = parser.parse_args()
    if arguments.command == "list":
        for experiment in EXPERIMENTS.values():
            print(f"{experiment.name:>4}  {experiment.what}")
        return 0
    if arguments.command == "replay":
        return replay(arguments.case)
    if arguments.command == "slice":
        name = arguments.name or commit()
        print(f"Resilience, the slice of {name[:12]}:", flush=True)
        return 1 if soak.measured(soak.slice_of(name), arguments.seconds).failed else 0
    only = set(filter(None, arguments.only.split(",")))
    cases = soak.everything(arguments.seeds, arguments.first_seed)
    chosen = [case for case in cases if not only or case.partition(" ")[0] in only][:: arguments.every]
    return 1 if soak.measured(chosen).failed else 0


def commit() -> str:
    """What is checked out; the day, where there is no repository."""
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return git.stdout.strip() or f"{date.today():%Y-%m-%d}"  # noqa: DTZ011


def replay(case: str) -> int:
    """Play one case again and tell it."""
    verdict = soak.played(case)
    for line in told(soak.laboratory()):
        print(line)
    for violation in verdict.violations:
        print(f"VIOLATED {violation}")
    print(f"{case}: {'failed' if verdict.violations else 'passed'}, {verdict.injected} injected faults")
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
