"""Microsoft's Azure CLI: installed in a virtual environment of its own, pointed at the simulator, and asked."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.azure import LocalAzure
from local.judges.installs import InstallError, install

PINNED = "azure-cli==2.91.0"
NEWEST = "azure-cli"
_CLOUD = "LocalAzure"
_AUDIENCE = "https://management.azure.com/"
_ANSWERS_WITHIN = 120.0


class CliError(Exception):
    """A command ended badly; says which, and what it told."""


def install_azure_cli(folder: Path) -> None:
    """The pinned release, or the newest where that one cannot be had; raises InstallError."""
    try:
        install(folder, PINNED, _pip(folder, PINNED))
    except InstallError as error:
        print(f"{error}; trying the newest", flush=True)
        install(folder, NEWEST, _pip(folder, NEWEST))


def _pip(folder: Path, requirement: str) -> list[list[str]]:
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    return [[sys.executable, "-m", "venv", str(folder)], [*pip, requirement]]


class AzureCli:
    """An `az` with nobody's settings but its own, in a fresh configuration folder."""

    def __init__(self, installed: Path, configuration: Path, azure: LocalAzure) -> None:
        self._installed, self._configuration, self._azure = installed, configuration, azure
        self.commands = 0
        self.version = self._version_of("azure-cli")

    def login(self) -> None:
        """Register the simulator as a cloud and log in there with a managed identity; nothing leaves this machine."""
        shutil.rmtree(self._configuration, ignore_errors=True)
        self._configuration.mkdir(parents=True)
        self._forgo_update_check()
        endpoint: str = self._azure.endpoints["arm"]
        urls = ["--endpoint-resource-manager", endpoint, "--endpoint-active-directory", endpoint]
        self.ask("cloud", "register", "-n", _CLOUD, *urls, "--endpoint-active-directory-resource-id", _AUDIENCE)
        self.ask("cloud", "set", "-n", _CLOUD)
        self.ask("login", "--identity")

    def ask(self, *words: str) -> Any:
        """The answer of a command; None when it says nothing. Raises CliError."""
        self.commands += 1
        command = [str(self._installed / "bin" / "az"), *words]
        try:
            done = subprocess.run(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_ANSWERS_WITHIN,
            )
        except subprocess.TimeoutExpired as error:
            raise CliError(f"az {' '.join(words)}: no answer within {_ANSWERS_WITHIN:.0f} s") from error
        if done.returncode:
            raise CliError(f"az {' '.join(words)}: {done.stderr.strip()[-600:]}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def _environment(self) -> dict[str, str]:
        """Only what a command needs: the user's own az settings and any proxy stay out."""
        endpoints = self._azure.endpoints
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return kept | {
            "AZURE_CONFIG_DIR": str(self._configuration),
            "AZURE_EXTENSION_DIR": str(self._configuration / "extensions"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_SURVEY_MESSAGE": "no",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "AZURE_CORE_ONLY_SHOW_ERRORS": "yes",
            "AZURE_CORE_OUTPUT": "json",
            "IDENTITY_ENDPOINT": endpoints["identity"],
            "IDENTITY_HEADER": "local",
            "REQUESTS_CA_BUNDLE": endpoints["caBundle"],
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def _forgo_update_check(self) -> None:
        """A fresh configuration folder asks the network for updates once: let it think that it has."""
        known = {
            "azure-cli": {"local": self.version},
            "core": {"local": self.version},
            "telemetry": {"local": self._version_of("azure-cli-telemetry")},
        }
        check = {"versions": known, "update_time": "2099-01-01 00:00:00.000000"}
        (self._configuration / "versionCheck.json").write_text(json.dumps(check), "utf-8")

    def _version_of(self, package: str) -> str:
        program = f"import importlib.metadata as m; print(m.version({package!r}))"
        command = [str(self._installed / "bin" / "python"), "-c", program]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
