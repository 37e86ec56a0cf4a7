"""infra/role.json holds exactly what runs use that use everything, and nothing works by an account's key."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from local.azure import LocalAzure
from local.azure.authorization import ROLES, read_roles
from local.azure.azurite import account_key
from tests.e2e.conftest import Factory, hosting
from tests.e2e.worlds import SUBSCRIPTION, World, asks, labs_json

pytestmark = pytest.mark.slow

Json = dict[str, Any]
FILES = {"labs.json": labs_json(asks("lab-a", "Win"), asks("lab-b", "Win", ResourceGroup="rg-lab-b"))}

GENERALIZES: dict[str, Any] = {"artifacts": {"*": {"seconds": 1, "shutdown": 0, "deallocate": None}}}
"""The guest has shut down, and it is for the factory to deallocate its VM."""


LAB_A, LAB_B = (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-lab-{name}" for name in "ab")


def everything() -> World:
    """A capture, a VM to be generalized, an image creation that fails, labs with and without container and resource group.

    No role for custom images in the factory lab: that takes `GENERALIZE_FALLBACK=custom-image`.
    """
    return (
        World()
        .lab("lab-a")
        .lab("lab-b")
        .vm("win", "Win\\Server.json")
        .vm("running", "Win\\Next.json", power="VM running", artifact=None, tags={"FactoryGeneralize": "yes"})
        .golden_image("Win\\Client.json", "Win_Client-Nov-1-2026", 1)
        .behaving(deploy={"lab-b/*": "Failed"}, copySeconds=0, imageSeconds=0, **GENERALIZES)
        .assigned(receive=[LAB_A, LAB_B])
    )


@dataclass(frozen=True)
class Used:
    """What the app's calls asked for, by the role that held it."""

    states: list[str]
    operations: dict[str, set[str]]
    refused: list[Json]
    accounts: set[str]


@contextmanager
def working_in(azure: LocalAzure, world: World, folder: Path) -> Generator[Factory, None, None]:
    """A factory in virtual time: what it generalizes takes minutes."""
    with hosting(azure, folder) as factory:
        factory.give(world)
        factory.configure(FILES)
        factory.control.clear_operations()
        yield factory


@pytest.fixture(scope="module")
def used(azure: LocalAzure | None, tmp_path_factory: pytest.TempPathFactory) -> Used:
    """The calls of a run with a failing image, and of the run that repairs it."""
    if azure is None:
        pytest.skip("this test needs the local Azure for itself")
    with working_in(azure, everything(), tmp_path_factory.mktemp("host")) as factory:
        return used_in_two_runs(factory)


def used_in_two_runs(factory: Factory) -> Used:
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


def test_a_lab_that_no_role_covers_fails_alone_and_says_which_role_is_missing(
    own_host: LocalAzure, tmp_path: Path
) -> None:
    with working_in(own_host, everything().assigned(receive=[LAB_A]), tmp_path) as factory:
        report = factory.run()
    assert {(row["lab"], row["state"]) for row in report["pairs"]} == {("lab-a", "delivered"), ("lab-b", "failed")}
    for row in report["pairs"]:
        if row["lab"] == "lab-b":
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
