"""Every setting that the app reads stands in the README and in docs/deploy.md."""

import ast
import re

import pytest

from tests.contracts.app_source import ROOT, called_name, first_text, nodes

OF_THE_PLATFORM = {"IDENTITY_ENDPOINT"}
"""Set by Azure and not by an operator."""

README, DEPLOY = ROOT / "README.md", ROOT / "docs/deploy.md"


def settings_read() -> set[str]:
    """By shared/settings.py, at import, by the triggers, by host.json."""
    names: set[str] = set()
    for node in nodes([ROOT / "shared/settings.py"]):
        match node:
            case ast.Call() if called_name(node) in ("text", "number", "choice", "duration", "lab"):
                names |= {first_text(node) or ""}
            case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In()]) if name.isupper():
                names.add(name)
            case _:
                pass
    for node in nodes([ROOT / "function_app.py"]):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ"))):
                names |= {first_text(node) or ""}
            case ast.keyword(arg="connection", value=ast.Constant(value=str(name))):
                names.add(f"{name}__blobServiceUri")
            case ast.Constant(value=str(text)):
                names |= set(re.findall(r"%(\w+)%", text))
            case _:
                pass
    names |= set(re.findall(r"%(\w+)%", (ROOT / "host.json").read_text(encoding="utf-8")))
    return names - {""} - OF_THE_PLATFORM


def test_what_the_app_reads_is_found() -> None:
    assert settings_read() >= {
        "FACTORY_LAB_ID",
        "MAX_CONCURRENT_COPIES",
        "COPY_DEADLINE",
        "AZURE_CLIENT_ID",
        "CONFIGURATION_TRIGGER",
        "CONFIGURATION_CONTAINER",
        "FACTORY_SCHEDULE",
        "TASK_HUB",
        "ConfigurationStorage__blobServiceUri",
        "WEBSITE_HOSTNAME",
    }


@pytest.mark.skipif(not README.exists(), reason="there is no README.md yet")
def test_every_setting_stands_in_the_readmes_table() -> None:
    section = README.read_text(encoding="utf-8").partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = "\n".join(line for line in section.splitlines() if line.startswith("|"))
    assert sorted(name for name in settings_read() if f"`{name}`" not in rows) == []


def test_every_setting_stands_in_the_page_on_deploying() -> None:
    page = DEPLOY.read_text(encoding="utf-8")
    assert sorted(name for name in settings_read() if f"`{name}`" not in page) == []


def test_the_page_on_deploying_names_no_setting_of_the_app_that_nobody_reads() -> None:
    """Those of the platform are told apart by their table."""
    section = DEPLOY.read_text(encoding="utf-8").partition("\n## Settings of the factory\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([A-Z][A-Z_]+[A-Z])`", section))
    assert told - settings_read() == set()
    assert len(told) > 10
