"""`python -m local.azure --state DIR [--world FILE[#case-id]] [--authentic] [--traffic FILE]`"""

import argparse
import asyncio
import sys
from pathlib import Path

from local.azure.simulator import Options, run
from local.azure.world import WorldError
from local.azure.world_file import SAMPLE, read_world_file


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.azure", description="Azure on 127.0.0.1, for development.")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="what must outlive the process")
    parser.add_argument("--world", default=str(SAMPLE), metavar="FILE[#case-id]", help="to begin with (docs/world.md)")
    parser.add_argument("--authentic", action="store_true", help="send no hints to poll faster")
    parser.add_argument("--traffic", type=Path, metavar="FILE", help="write ARM exchanges for oav")
    arguments = parser.parse_args()
    try:
        world = read_world_file(arguments.world)
    except WorldError as error:
        print(f"python -m local.azure: {error}", file=sys.stderr)
        return 2
    asyncio.run(run(Options(arguments.state.resolve(), world, arguments.authentic, arguments.traffic)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
