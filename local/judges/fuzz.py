"""`make fuzz`: schemathesis against the API on the embedded host, by the description that the API gives of itself.

Exit status 0 when it finds nothing: no answer that is not described, nothing wrong accepted, nothing right refused, no crash.
"""

import shutil
import subprocess
import sys

from local.azure import LocalAzure
from local.factory.configuration import folder_files, upload
from local.factory.session import REPOSITORY, STATE, container, find_world, load_case, settings
from local.host import LocalHost
from local.judges.finished_factory import SAMPLE
from local.judges.installs import install

PINNED = "schemathesis==4.32.5"
FOLDER = STATE / "fuzz"
_ENDS_WITHIN = 1800.0


def main() -> int:
    tool, world = FOLDER / "schemathesis", FOLDER / "world"
    pip = [str(tool / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PINNED]
    install(tool, PINNED, [[sys.executable, "-m", "venv", str(tool)], pip])
    shutil.rmtree(world, ignore_errors=True)
    world.mkdir(parents=True)
    with LocalAzure(world / "azure", load_case(*find_world(SAMPLE))) as azure:
        upload(container(azure, "configuration"), folder_files(REPOSITORY / "configuration"))
        environment = settings(azure) | {"CONFIGURATION_TRIGGER": "EventGrid"}
        with LocalHost(REPOSITORY, world / "hub.db", environment) as host:
            api = f"{host.url}/api"
            program = [str(tool / "bin/schemathesis"), "run", f"{api}/openapi.json", "--url", api]
            options = ["--request-timeout", "90", "--max-examples", "50", *sys.argv[1:]]
            return subprocess.run([*program, *options], cwd=world, timeout=_ENDS_WITHIN).returncode


if __name__ == "__main__":
    sys.exit(main())
