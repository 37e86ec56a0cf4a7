"""Where the app is, and with what one is let in."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cli.ending import CommandError, Exit

LOCAL_HOST = Path(".local/host.url")
"""Written by the local host (`make serve`, `make run`) while it answers."""


@dataclass(frozen=True)
class Address:
    """`url` is what stands before /api."""

    url: str
    is_local: bool


def find_address(given: str, folder: Path) -> Address:
    """The app that was named, else the local one of this folder or one above; raises CommandError when there is none."""
    if given:
        return _named(given)
    for parent in (folder, *folder.parents):
        if (parent / LOCAL_HOST).is_file():
            return _named((parent / LOCAL_HOST).read_text("utf-8").strip())
    raise CommandError(
        "No app is named, and no local one runs here.",
        "Name one with --app or IMAGE_FACTORY_APP (my-factory.azurewebsites.net), or start the local one: make serve",
        Exit.USAGE,
    )


def _named(text: str) -> Address:
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname
        is_local = host in ("localhost", "127.0.0.1", "::1")
        parts = urlsplit(text if "://" in text else f"{'http' if is_local else 'https'}://{text}")
        usable = bool(host) and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError as error:
        raise _no_address(text) from error
    if not usable or parts.username or parts.query or parts.fragment:
        raise _no_address(text)
    if parts.scheme == "http" and not is_local:
        message = f"{text!r} is not encrypted: anybody on the way could read the key or the token."
        raise CommandError(message, f"Write https://{parts.netloc}", Exit.USAGE)
    return Address(parts.geturl().rstrip("/").removesuffix("/api"), is_local)


def _no_address(text: str) -> CommandError:
    advice = "Write its host name (my-factory.azurewebsites.net) or its URL, without a key in it."
    return CommandError(f"{text.partition('?')[0]!r} is no address of an app.", advice, Exit.USAGE)
