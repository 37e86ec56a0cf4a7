"""`make judges`: the Azure CLI and oav against the simulator, after a run of the real app. Exit status 0 when nothing failed."""

import sys
import time

from local.factory.session import STATE
from local.judges.azure_cli import AzureCli, CliError, install_azure_cli
from local.judges.cli_judge import CliJudge
from local.judges.finished_factory import FinishedFactory, finished_factory
from local.judges.installs import InstallError
from local.judges.ledger import Ledger
from local.judges.oav import install_oav, judge_traffic, specifications, validate

FOLDER = STATE / "judges"
AZURE_CLI, OAV = FOLDER / "azure-cli", FOLDER / "oav"
APP_TRAFFIC, CLI_TRAFFIC = FOLDER / "app.jsonl", FOLDER / "cli.jsonl"


def main() -> int:
    begun, ledger = time.monotonic(), Ledger()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with finished_factory(FOLDER / "world", APP_TRAFFIC) as factory:
        state = factory.report["state"]
        ledger.judge("the app's run succeeded", state == "Succeeded", f"it is {state}")
        ask_the_cli(factory, ledger)
    validate_traffic(ledger)
    print(f"Took {time.monotonic() - begun:.0f} s.")
    print(ledger.summary)
    return 1 if ledger.failed else 0


def ask_the_cli(factory: FinishedFactory, ledger: Ledger) -> None:
    """Every ARM exchange of the CLI is written down for oav, too."""
    CLI_TRAFFIC.unlink(missing_ok=True)
    try:
        install_azure_cli(AZURE_CLI)
        factory.azure.control.record_traffic(CLI_TRAFFIC)
        cli = AzureCli(AZURE_CLI, FOLDER / "azure-config", factory.azure)
        begun = time.monotonic()
        cli.login()
        ledger.judge(f"azure-cli {cli.version} logs in with a managed identity", True)
        CliJudge(cli, factory, ledger).judge()
        print(f"      {cli.commands} commands in {time.monotonic() - begun:.0f} s")
    except (InstallError, CliError) as error:
        ledger.judge("the Azure CLI", False, str(error))
    finally:
        factory.azure.control.record_traffic(None)


def validate_traffic(ledger: Ledger) -> None:
    """The traffic of the app and of the CLI, where the specifications are at hand."""
    specs = specifications()
    if specs is None:
        ledger.skip(
            "oav",
            "no API specifications in azure-wire/specs of SHARED_DIR (default: the folder `shared` beside the repository)",
        )
        return
    try:
        install_oav(OAV)
        traffic = [file for file in (APP_TRAFFIC, CLI_TRAFFIC) if file.is_file()]
        judge_traffic(validate(OAV, specs, traffic), ledger)
    except (InstallError, RuntimeError) as error:
        ledger.judge("oav", False, str(error))


if __name__ == "__main__":
    sys.exit(main())
