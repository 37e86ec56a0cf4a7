"""What is imported when the app starts: the heavy SDKs are not, they would double a cold start."""

import subprocess
import sys

from tests.contracts.app_source import ROOT

HEAVY = ("azure.identity", "azure.mgmt", "azure.storage.blob", "cryptography", "local")


def imported_by(module: str) -> set[str]:
    """In a process of its own: what the tests have imported does not count."""
    program = f"import sys, {module}; print('\\n'.join(sys.modules))"
    arguments = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_starting_the_app_imports_no_heavy_sdk_and_nothing_of_the_local_world() -> None:
    modules = imported_by("function_app")
    assert "activities.delivery" in modules
    heavy = {name for name in modules for prefix in HEAVY if name == prefix or name.startswith(f"{prefix}.")}
    assert heavy == set()


def test_the_domain_needs_the_standard_library_only() -> None:
    modules = imported_by("shared.domain.report, shared.domain.manifest")
    foreign = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"shared", "__main__"}
    assert {name for name in foreign if name in ("azure", "msgspec", "aiohttp", "dateutil")} == set()
