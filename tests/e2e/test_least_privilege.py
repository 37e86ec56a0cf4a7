"""infra/role.json holds exactly what runs use that use everything, and nothing works by an account's key."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from local.azure import LocalAzure
from local.azure.authorization import ROLES, read_roles
from local.azure.azurite import account_key
from tests.e2e.conftest import Factory
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow

Json = dict[str, Any]
FILES = {"labs.json": labs_json(asks("lab-a", "Win"), asks("lab-b", "Win", ResourceGroup="rg-lab-b"))}


def everything() -> World:
    """A capture, an image creation that fails, labs with and without a container and a resource group."""
    return (
        World()
        .lab("lab-a")
        .lab("lab-b")
        .vm("win", "Win\\Server.json")
        .golden_image("Win\\Client.json", "Win_Client-Nov-1-2026", 1)
        .behaving(deploy={"lab-b/*": "Failed"}, copySeconds=0, imageSeconds=0)
    )


@dataclass(frozen=True)
class Used:
    """What the app's calls asked for, by the role that held it."""

    states: list[str]
    operations: dict[str, set[str]]
    refused: list[Json]
    accounts: set[str]


@pytest.fixture(scope="module")
def used(factory: Factory) -> Used:
    """The calls of a run with a failing image, and of the run that repairs it."""
    factory.give(everything())
    factory.configure(FILES)
    factory.control.clear_operations()
    states = [factory.run()["state"]]
    factory.wait_until_idle()
    factory.control.behave(deploy={"lab-b/*": "Succeeded"})
    states.append(factory.run()["state"])
    calls = [call for call in factory.operations() if call["service"] != "identity"]
    operations: dict[str, set[str]] = {}
    for call in calls:
        operations.setdefault(call.get("role", ""), set()).update(call["operations"])
    accounts = {call["account"] for call in calls if "account" in call}
    return Used(states, operations, [call for call in calls if call["status"] in (401, 403)], accounts)


def test_every_operation_is_held_by_a_role(used: Used) -> None:
    assert used.refused == []
    assert "" not in used.operations
    assert used.states == ["PartiallySucceeded", "Succeeded"]


def test_every_operation_of_every_role_is_used(used: Used) -> None:
    roles = read_roles(json.loads(ROLES.read_text("utf-8")))
    assert {role: set(operations) for role, operations in roles.items()} == used.operations


def test_a_lab_that_no_role_covers_fails_alone_and_says_which_role_is_missing(factory: Factory) -> None:
    world = everything().behaving(deploy={}).document
    group = "/subscriptions/aaaa0000-0000-0000-0000-000000000001/resourceGroups/rg-lab-a"
    factory.wait_until_idle()
    factory.control.put_world(world | {"assignments": {"receive": [group]}})
    factory.configure(FILES)
    report = factory.run()
    states = {(row["lab"], row["state"]) for row in report["pairs"]}
    assert states == {("lab-a", "delivered"), ("lab-b", "failed")}
    [row] = [row for row in report["pairs"] if row["lab"] == "lab-b" and "Server" in row["imagePath"]]
    assert row["code"] == "AuthorizationFailed"
    assert "docs/deploy.md" in row["next"]


def test_the_factory_is_keyless(used: Used, own_host: LocalAzure) -> None:
    """Every account that the runs went to refuses its own key, rightly signed: they cannot have used one."""
    environment = own_host.environment("local")
    assert used.accounts == {"stfactory", "stlaba", "stlabb", environment["JOURNAL_ACCOUNT"]}
    for account in used.accounts:
        service = BlobServiceClient(
            environment["BLOB_ENDPOINT"].replace("{account}", account),
            credential=AzureNamedKeyCredential(account, account_key(account)),
            connection_verify=environment["REQUESTS_CA_BUNDLE"],
            retry_total=0,
        )
        with pytest.raises(HttpResponseError) as caught:
            list(service.list_containers())
        assert caught.value.status_code == 403
        assert "KeyBasedAuthenticationNotPermitted" in str(caught.value)
