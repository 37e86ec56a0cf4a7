"""`make judges`: the Azure CLI and oav against the simulator, after a run of the real app. Exit status 0 when nothing failed."""

import sys
import time
from collections.abc import Callable

from local.factory.session import STATE
from local.judges.azure_cli import AzureCli, CliError, install_azure_cli
from local.judges.cli_judge import CliJudge
from local.judges.finished_factory import FinishedFactory, finished_factory
from local.judges.installs import InstallError
from local.judges.ledger import Ledger
from local.judges.oav import install_oav, judge_traffic, specifications, validate

FOLDER = STATE / "judges"
AZURE_CLI, OAV = FOLDER / "azure-cli", FOLDER / "oav"
NO_SPECIFICATIONS = (
    "no API specifications in azure-wire/specs of SHARED_DIR (default: the folder `shared` beside this one)"
)
APP_TRAFFIC, CLI_TRAFFIC = FOLDER / "app.jsonl", FOLDER / "cli.jsonl"


def main() -> int:
    begun, ledger = time.monotonic(), Ledger()
    FOLDER.mkdir(parents=True, exist_ok=True)
    specs = specifications()
    has_cli = _installed("azure-cli", lambda: install_azure_cli(AZURE_CLI), ledger)
    has_oav = specs is not None and _installed("oav", lambda: install_oav(OAV), ledger)
    CLI_TRAFFIC.unlink(missing_ok=True)
    with finished_factory(FOLDER / "world", APP_TRAFFIC) as factory:
        state = factory.report["state"]
        ledger.judge("the app's run succeeded", state == "Succeeded", f"it is {state}")
        if has_cli:
            ask_the_cli(factory, ledger)
    if specs is None:
        ledger.skip("oav", NO_SPECIFICATIONS)
    elif has_oav:
        traffic = [file for file in (APP_TRAFFIC, CLI_TRAFFIC) if file.is_file()]
        judge_traffic(validate(OAV, specs, traffic), ledger)
    print(f"Took {time.monotonic() - begun:.0f} s.")
    print(ledger.summary)
    return 1 if ledger.failed else 0


def _installed(tool: str, install: Callable[[], None], ledger: Ledger) -> bool:
    try:
        install()
    except InstallError as error:
        return ledger.judge(f"{tool} is installed", False, str(error))
    return True


def ask_the_cli(factory: FinishedFactory, ledger: Ledger) -> None:
    """Every ARM exchange of the CLI is written down for oav, too."""
    begun = time.monotonic()
    cli = AzureCli(AZURE_CLI, FOLDER / "azure-config", factory.azure)
    factory.azure.control.record_traffic(CLI_TRAFFIC)
    try:
        cli.login()
        ledger.judge(f"azure-cli {cli.version} logs in with a managed identity", True)
        CliJudge(cli, factory, ledger).judge()
    except CliError as error:
        ledger.judge("the Azure CLI", False, str(error))
    finally:
        factory.azure.control.record_traffic(None)
    print(f"      {cli.commands} commands in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
