"""What the judges need, installed once into folders of their own and never again while the stamp says the same."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

_STAMP = "installed.txt"
_TAKES_AT_MOST = 1800.0


class InstallError(Exception):
    """A tool could not be installed."""


def install(folder: Path, version: str, commands: Sequence[Sequence[str]]) -> None:
    """Make `folder` anew by these commands, unless a finished install of this version lies there already.

    Safe to interrupt: only the last step writes the stamp. Raises InstallError; the whole output is in `<folder>.log`.
    """
    stamp = folder / _STAMP
    if stamp.is_file() and stamp.read_text("utf-8") == version:
        return
    begun = time.monotonic()
    print(f"Installing {version} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        for command in commands:
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=_TAKES_AT_MOST
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise InstallError(f"{command[0]}: {error}") from error
            if done.returncode:
                raise InstallError(f"{version} could not be installed: {_last_words(log)}")
    stamp.write_text(version, "utf-8")
    megabytes = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
    print(f"Installed {version}: {megabytes:.0f} MB in {time.monotonic() - begun:.0f} s", flush=True)


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-600:]
