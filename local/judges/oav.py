"""Microsoft's validator of ARM traffic (oav): installed, run over recorded traffic, its findings judged."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.factory.session import REPOSITORY
from local.judges.installs import install
from local.judges.ledger import Ledger
from local.judges.oav_allowances import Finding, allowance

PINNED = "oav@4.0.3"
PROVIDERS = ("DevTestLab", "Compute")
_SCRIPT = Path(__file__).with_name("oav_live.js")
_ENDS_WITHIN = 600.0


@dataclass(frozen=True)
class Exchange:
    """One exchange with what the validator found; `operation` is None where no specification knows it."""

    file: str
    operation: str | None
    call: str
    findings: tuple[Finding, ...]

    @property
    def provider(self) -> str | None:
        """Whose exchange it is; None for ARM's own (subscriptions, say), of which no specification is at hand."""
        return next((name for name in PROVIDERS if f"/providers/microsoft.{name}/".lower() in self.call.lower()), None)

    @property
    def shown(self) -> str:
        return f"{self.provider} {self.operation or self.call}"


def install_oav(folder: Path) -> None:
    """Raises InstallError."""
    npm = shutil.which("npm") or "npm"
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error"]
    install(folder, PINNED, [[npm, "install", "--prefix", str(folder), *quiet, PINNED]])


def specifications() -> Path | None:
    """Where the API specifications are, if they are at hand."""
    shared = Path(os.environ.get("SHARED_DIR", REPOSITORY.parent / "shared"))
    folder = shared / "azure-wire" / "specs"
    return folder if (folder / "specification").is_dir() else None


def validate(installed: Path, specs: Path, traffic: Sequence[Path]) -> list[Exchange]:
    """Every recorded exchange with its findings; raises RuntimeError when the validator itself fails."""
    command = ["node", str(_SCRIPT), str(installed), str(specs), *map(str, traffic)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ENDS_WITHIN)
    if done.returncode:
        raise RuntimeError(f"oav failed: {done.stderr.strip()[-1000:]}")
    return [_exchange(json.loads(line)) for line in done.stdout.splitlines()]


def judge_traffic(exchanges: Sequence[Exchange], ledger: Ledger) -> None:
    """An operation is a line: it passes when none of its exchanges has a finding but those that are allowed."""
    for provider in PROVIDERS:
        count = sum(exchange.provider == provider for exchange in exchanges)
        ledger.judge(f"oav {provider}: {count} exchanges recorded", count > 0)
    for operation in sorted({exchange.shown for exchange in exchanges if exchange.provider}):
        _judge_operation(operation, [exchange for exchange in exchanges if exchange.shown == operation], ledger)
    _tell_allowed(finding for exchange in exchanges for finding in exchange.findings)
    others = sum(exchange.provider is None for exchange in exchanges)
    print(f"      {others} not validated: ARM's own calls, no specification at hand")


def _judge_operation(operation: str, exchanges: Sequence[Exchange], ledger: Ledger) -> None:
    findings = Counter(finding for exchange in exchanges for finding in exchange.findings)
    real = [finding for finding in findings if not allowance(finding)]
    allowed = findings.total() - sum(findings[finding] for finding in real)
    told = f", {allowed} allowed findings" if allowed else ""
    why = "; ".join(f"{finding} ({findings[finding]}x)" for finding in real)
    ledger.judge(f"oav {operation}: {len(exchanges)} exchanges ({_origins(exchanges)}){told}", not real, why)


def _tell_allowed(findings: Iterable[Finding]) -> None:
    reasons = Counter(allowed.reason for finding in findings if (allowed := allowance(finding)))
    for reason, count in reasons.most_common():
        print(f"      {count} allowed: {reason}")


def _origins(exchanges: Sequence[Exchange]) -> str:
    counts = Counter(Path(exchange.file).stem for exchange in exchanges)
    return ", ".join(f"{count} of {name}" for name, count in sorted(counts.items()))


def _exchange(told: dict[str, Any]) -> Exchange:
    url: str = told["url"]
    findings = tuple(
        Finding(url.partition("?")[0], told["status"], entry["side"], entry["code"], entry["at"], entry["message"])
        for entry in told["findings"]
    )
    return Exchange(told["file"], told["operation"], f"{told['method']} {url.partition('?')[0]}", findings)
