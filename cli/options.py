"""Options that several commands have."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli.address import find_address
from cli.app import App
from cli.ending import Exit
from cli.entra import token_for

Command = Callable[..., Exit]

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people or programs.",
)


def with_app(command: Command) -> Command:
    """Give the command the app that is asked: `app`."""

    @click.option("--app", "address", envvar="IMAGE_FACTORY_APP", default="", show_envvar=True, help=_APP)
    @click.option("--key", envvar="IMAGE_FACTORY_KEY", default="", show_envvar=True, help="A function key of the app.")
    @click.option("--entra", envvar="IMAGE_FACTORY_ENTRA", default="", metavar="SCOPE", show_envvar=True, help=_ENTRA)
    @functools.wraps(command)
    def wrapped(address: str, key: str, entra: str, **others: Any) -> Exit:
        found = find_address(address, Path.cwd())
        return command(app=App(found, key.strip(), token_for(entra) if entra else None), **others)

    return wrapped


_APP = "Host name or URL of the app. [default: the local one of this folder]"
_ENTRA = "Ask with an Entra token for SCOPE (api://<client id>/.default)."


def with_selection(command: Command) -> Command:
    """Give the command the parameters of a run: `parameters`, as POST /api/runs takes them."""

    @click.option("--lab", "labs", multiple=True, help="Only this lab: LabName or SubscriptionId/LabName. Repeatable.")
    @click.option(
        "--image", "images", multiple=True, help="Only this path of GoldenImages, file or folder. Repeatable."
    )
    @click.option(
        "--stage", "stages", multiple=True, type=click.Choice(["capture", "distribute"]), help="Only this stage."
    )
    @click.option("--retry-failed-of", "retryFailedOf", metavar="RUN", help="Only the pairs that failed in that run.")
    @click.option("--max-concurrent-copies", "maxConcurrentCopies", type=click.IntRange(1, 100), help="Copies at once.")
    @functools.wraps(command)
    def wrapped(**given: Any) -> Exit:
        names = ("labs", "images", "stages", "retryFailedOf", "maxConcurrentCopies")
        asked = {name: given.pop(name) for name in names}
        return command(parameters={name: value for name, value in asked.items() if value}, **given)

    return wrapped
