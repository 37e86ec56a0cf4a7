"""What is installed is pinned with hashes, the same for the app and for its development."""

import re

import pytest

from tests.contracts.app_source import ROOT

PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?P<marker> ; [^\\]+?)?(?P<hashes>( +--hash=sha256:[0-9a-f]{64})*) *"
)


def requirements(file: str) -> list[re.Match[str]]:
    """Each requirement of a lock file, one that is not pinned is an AssertionError."""
    lines = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    found = [(line, PIN.fullmatch(line)) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert [line for line, match in found if match is None] == []
    return [match for _, match in found if match is not None]


def pins(file: str) -> dict[tuple[str, str], str]:
    """(package, marker) to version."""
    return {(each["name"].lower(), each["marker"] or ""): each["version"] for each in requirements(file)}


def given(file: str) -> set[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[=<>\[; ]", line)[0].lower() for line in lines if line and not line.startswith(("#", "-"))}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_and_has_hashes(file: str) -> None:
    assert len(requirements(file)) > 10
    assert [each["name"] for each in requirements(file) if not each["hashes"]] == []


def test_development_has_the_very_versions_that_are_deployed() -> None:
    deployed, developed = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {pin: version for pin, version in deployed.items() if developed.get(pin) != version} == {}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_what_is_asked_for_is_locked(name: str) -> None:
    assert given(f"{name}.in")
    assert given(f"{name}.in") - {package for package, _ in pins(f"{name}.txt")} == set()


def test_a_version_that_is_asked_for_is_the_one_that_is_locked() -> None:
    asked = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.in").read_text(encoding="utf-8"), re.M)
    assert asked
    assert {(name, version) for (name, _), version in pins("requirements.txt").items()} >= set(asked)


def test_nothing_for_development_is_deployed() -> None:
    only_dev = given("requirements-dev.in") - {"cryptography", "requests", "aiohttp"}
    assert only_dev & {package for package, _ in pins("requirements.txt")} == set()
