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
    def is_specified(self) -> bool:
        """Subscriptions, tenants and the like are ARM's own: no specification at hand has them."""
        return "/providers/microsoft." in self.call.lower()


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
    """An operation is a line: it passes when each of its exchanges has no finding but those that are allowed."""
    specified = [exchange for exchange in exchanges if exchange.is_specified]
    ledger.judge("oav saw traffic of DevTest Labs and of Compute", _sees_both(specified), f"{len(specified)} exchanges")
    for operation in sorted({exchange.operation or exchange.call for exchange in specified}):
        mine = [exchange for exchange in specified if (exchange.operation or exchange.call) == operation]
        findings = Counter(finding for exchange in mine for finding in exchange.findings)
        real = [finding for finding in findings if not allowance(finding)]
        what = f"oav {operation}: {len(mine)} exchanges ({_origins(mine)})"
        allowed = sum(count for finding, count in findings.items() if allowance(finding))
        what += f", {allowed} allowed findings" if allowed else ""
        ledger.judge(what, not real, "; ".join(f"{finding} ({findings[finding]}x)" for finding in real))
    _tell_allowed(finding for exchange in specified for finding in exchange.findings)
    print(f"      {len(exchanges) - len(specified)} exchanges are ARM's own (no specification at hand)")


def _tell_allowed(findings: Iterable[Finding]) -> None:
    reasons = Counter(allowed.reason for finding in findings if (allowed := allowance(finding)))
    for reason, count in reasons.most_common():
        print(f"      {count} allowed: {reason}")


def _sees_both(exchanges: Sequence[Exchange]) -> bool:
    providers = {
        provider
        for exchange in exchanges
        for provider in ("devtestlab", "compute")
        if provider in exchange.call.lower()
    }
    return len(providers) == 2


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
