"""The app may do what the roles of infra/role.json hold, at their scopes, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute.models import GrantAccessData

from local.azure import LocalAzure
from tests.local.azure.conftest import Clients
from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import MASTERS, TWO, world

pytestmark = pytest.mark.slow


@pytest.fixture
def app(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setenv("IDENTITY_HEADER", "app")
    azure.control.clear_operations()
    return Clients(azure)


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Azure's code and words for a call that must not go through."""
    with pytest.raises(HttpResponseError) as caught:
        call()
    assert caught.value.status_code == 403
    return refused_with(caught), str(caught.value)


def calls(azure: LocalAzure) -> list[dict[str, Any]]:
    return [call for call in azure.control.operations() if call["service"] != "identity"]


def test_what_the_roles_hold_goes_through_and_the_log_says_by_which(app: Clients, azure: LocalAzure) -> None:
    list(app.labs(TWO).custom_images.list("rg-lab-b", "lab-b"))
    list(app.account("stb").get_container_client(MASTERS).list_blobs())
    images, blobs = calls(azure)
    assert (images["role"], images["operations"]) == ("receive", ["Microsoft.DevTestLab/labs/customImages/read"])
    assert blobs["role"] == "Storage Blob Data Contributor"


def test_what_no_role_holds_is_refused_in_azures_words_and_has_no_effect(app: Clients, azure: LocalAzure) -> None:
    code, words = refusal(lambda: app.compute().virtual_machines.begin_power_off("rg-busy", "busy", polling=False))
    assert code == "AuthorizationFailed"
    assert "does not have authorization to perform action 'Microsoft.Compute/virtualMachines/powerOff/action'" in words
    assert "over scope '/subscriptions/" in words
    [call] = calls(azure)
    assert (call["status"], call["effect"], "role" in call) == (403, "none", False)


def test_a_role_holds_at_its_scope_and_below_only(app: Clients, azure: LocalAzure) -> None:
    grant = GrantAccessData(access="Read", duration_in_seconds=60)
    only = {"capture": ["/subscriptions/aaaa0000-0000-0000-0000-000000000001/resourceGroups/RG-READY"]}
    azure.control.put_world(world() | {"assignments": only})
    assert app.compute().disks.get("rg-ready", "ready-os").name == "ready-os"
    assert refusal(lambda: app.compute().disks.get("rg-busy", "private"))[0] == "AuthorizationFailed"
    refused = refusal(lambda: app.compute().disks.begin_grant_access("rg-busy", "shared", grant, polling=False))
    assert refused[0] == "AuthorizationFailed"
    # Nor does a name that merely begins like the scope's.
    assert refusal(lambda: app.compute().disks.get("rg-ready-too", "other"))[0] == "AuthorizationFailed"


@pytest.mark.parametrize("container", ["other", "configuration", "imagefactory"])
def test_in_a_labs_account_only_its_own_container_is_open(app: Clients, container: str) -> None:
    blob = app.account("stb").get_container_client(container).get_blob_client("a")
    assert refusal(lambda: blob.upload_blob(b"x"))[0] == "AuthorizationPermissionMismatch"
    assert refusal(lambda: blob.download_blob())[0] == "AuthorizationPermissionMismatch"


def test_no_container_is_ever_deleted_and_a_key_is_given_for_the_factorys_account_only(app: Clients) -> None:
    container = app.account("stfactory").get_container_client(MASTERS)
    assert refusal(container.delete_container)[0] == "AuthorizationPermissionMismatch"
    assert "sig=" in app.signed("stfactory", MASTERS, "a")
    assert refusal(lambda: app.signed("stb", MASTERS, "a"))[0] == "AuthorizationPermissionMismatch"


def test_of_a_subscription_that_is_not_there_azure_says_so_first(app: Clients) -> None:
    with pytest.raises(HttpResponseError) as caught:
        list(app.labs("dddd0000-0000-0000-0000-000000000004").labs.list_by_subscription())
    assert refused_with(caught) == "SubscriptionNotFound"


def test_the_host_and_the_developer_are_not_bound(azure: LocalAzure) -> None:
    Clients(azure).compute().virtual_machines.begin_power_off("rg-busy", "busy", polling=False)
    [call] = calls(azure)
    assert (call["caller"], "role" in call) == ("local", False)
