"""infra/role.json is what docs/deploy.md tells to assign, and gives no more than single operations."""

import json
import re
from pathlib import Path

import pytest

from local.azure.authorization import ROLES, read_roles

DOCUMENT = json.loads(ROLES.read_text("utf-8"))
DEPLOY = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text("utf-8")
OPERATIONS = [(role, operation) for role, operations in read_roles(DOCUMENT).items() for operation in operations]


def test_the_page_on_deployment_names_every_role_and_no_other() -> None:
    _, _, section = DEPLOY.partition("## Roles of the identity")
    rows = re.findall(r"^\| ([A-Za-z, ]+) \| ", section.partition("\n## ")[0], re.MULTILINE)
    named = {name.strip() for row in rows for name in row.split(",")} - {"Role", "Custom role"}
    assert named == {*DOCUMENT["roles"], *DOCUMENT["builtIn"]}


@pytest.mark.parametrize("role", DOCUMENT["roles"])
def test_a_custom_role_has_the_scope_that_the_page_tells(role: str) -> None:
    assert f"| {role} | {DOCUMENT['roles'][role]['scope']} |" in DEPLOY


@pytest.mark.parametrize(("role", "operation"), OPERATIONS)
def test_an_operation_is_a_single_one(role: str, operation: str) -> None:
    assert re.fullmatch(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+)+/(read|write|delete|action)", operation), role


def test_no_role_reads_keys_or_gives_rights() -> None:
    """The app is keyless, and nobody becomes more than he is through it."""
    forbidden = re.compile("listkeys|Microsoft.Authorization|regeneratekey|generateuploaduri", re.IGNORECASE)
    assert [operation for _, operation in OPERATIONS if forbidden.search(operation)] == []


def test_every_operation_says_what_it_is_for() -> None:
    reasons = [
        role.get("actions") or role.get("uses", {}) for key in ("roles", "builtIn") for role in DOCUMENT[key].values()
    ]
    assert all(reason.strip() for texts in reasons for reason in texts.values())
