"""ARM as the SDKs see it: labs, VMs, disks and their grants."""

from datetime import UTC, datetime

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.mgmt.compute.models import GrantAccessData

from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import FACTORY, ONE, TWO

pytestmark = pytest.mark.slow
READ = GrantAccessData(access="Read", duration_in_seconds=3600)


def test_a_lab_tells_its_storage_account_even_in_another_group(clients):
    lab = clients.labs(TWO).labs.get("rg-lab-b", "LAB-B")
    assert lab.id == f"/subscriptions/{TWO}/resourcegroups/rg-lab-b/providers/microsoft.devtestlab/labs/lab-b"
    assert lab.artifacts_storage_account.endswith(
        "/resourcegroups/rg-shared/providers/microsoft.storage/storageaccounts/stb"
    )
    assert (lab.name, lab.location, lab.provisioning_state) == ("lab-b", "northeurope", "Succeeded")


def test_labs_are_listed_in_pages_filtered_and_without_those_that_are_denied(clients, azure):
    azure.control.behave(pageSize=1)
    labs = clients.labs().labs
    assert [lab.name for lab in labs.list_by_subscription()] == ["factory", "Lab-A"]
    assert [lab.name for lab in labs.list_by_resource_group("rg-lab-a")] == ["Lab-A"]
    assert [lab.name for lab in labs.list_by_subscription(filter="name eq 'LAB-A'")] == ["Lab-A"]


@pytest.mark.parametrize(
    ("group", "name", "code"),
    [("rg-factory", "nolab", "ResourceNotFound"), ("rg-none", "factory", "ResourceGroupNotFound")],
)
def test_what_is_not_there_is_not_found(clients, group, name, code):
    with pytest.raises(ResourceNotFoundError) as caught:
        clients.labs().labs.get(group, name)
    assert refused_with(caught) == code


def test_an_unknown_subscription_is_not_found_and_a_denied_one_forbidden(clients):
    with pytest.raises(ResourceNotFoundError) as unknown:
        list(clients.labs("dddd0000-0000-0000-0000-000000000004").labs.list_by_subscription())
    assert refused_with(unknown) == "SubscriptionNotFound"
    with pytest.raises(HttpResponseError) as denied:
        list(clients.labs("cccc0000-0000-0000-0000-000000000003").labs.list_by_subscription())
    assert (denied.value.status_code, refused_with(denied)) == (403, "AuthorizationFailed")


def test_a_denied_lab_is_forbidden_with_all_below_it(clients):
    for call in (
        lambda: clients.labs().labs.get("rg-closed", "closed"),
        lambda: list(clients.labs().custom_images.list("rg-closed", "closed")),
    ):
        with pytest.raises(HttpResponseError) as denied:
            call()
        assert denied.value.status_code == 403


def test_artifacts_come_only_when_they_are_asked_for(clients):
    machines = clients.labs().virtual_machines
    plain = {vm.name: vm for vm in machines.list("rg-factory", "factory")}
    assert sorted(plain) == ["busy", "lost", "ready"]
    assert plain["ready"].artifacts is None
    expanded = {
        vm.name: vm for vm in machines.list("rg-factory", "factory", expand="properties($expand=artifacts,computeVm)")
    }
    artifact = expanded["ready"].artifacts[0]
    assert artifact.artifact_id.endswith("/artifactsources/public repo/artifacts/windows-sysprep")
    assert (artifact.status, artifact.install_time) == ("Succeeded", datetime(2026, 11, 1, 12, tzinfo=UTC))
    assert expanded["ready"].compute_vm.os_disk_id.endswith("/disks/ready-os")
    assert (expanded["ready"].notes, expanded["busy"].notes) == ("Golden Image: ready", None)
    assert (expanded["ready"].tags, expanded["busy"].tags) == ({"ImagePath": "Win2016\\Datacenter.json"}, None)


def test_a_lab_vm_without_a_compute_vm_is_a_dead_end(clients):
    with pytest.raises(ResourceNotFoundError):
        clients.compute().virtual_machines.get("rg-lost", "lost")


def test_the_instance_view_tells_power_and_generalized(clients):
    machines = clients.compute().virtual_machines

    def codes(group, name):
        return [status.code for status in machines.instance_view(group, name).statuses]

    assert codes("rg-ready", "ready") == ["ProvisioningState/succeeded", "PowerState/deallocated"]
    machines.begin_deallocate("rg-busy", "busy").result()
    machines.generalize("rg-busy", "busy")
    assert codes("rg-busy", "busy") == ["ProvisioningState/succeeded", "PowerState/deallocated", "OSState/generalized"]
    assert (
        machines.get("rg-busy", "busy", expand="instanceView").instance_view.statuses[1].display_status
        == "VM deallocated"
    )


def test_deallocating_changes_the_owner_time_of_the_disk(clients):
    compute = clients.compute()
    before = compute.disks.get("rg-busy", "busy-os")
    assert before.disk_state == "Attached"
    compute.virtual_machines.begin_deallocate("rg-busy", "busy").result()
    after = compute.disks.get("rg-busy", "busy-os")
    assert after.disk_state == "Reserved"
    assert after.last_ownership_update_time > before.last_ownership_update_time


def test_a_disk_was_released_ten_minutes_after_the_last_artifact(clients):
    disk = clients.compute().disks.get("rg-ready", "ready-os")
    assert disk.last_ownership_update_time == datetime(2026, 11, 1, 12, 10, tzinfo=UTC)
    assert disk.disk_size_bytes == 1024**3


def test_a_grant_shows_and_its_end_too(clients, azure):
    disks = clients.compute().disks
    url = disks.begin_grant_access("rg-ready", "ready-os", READ).result().access_sas
    assert "/abcd?sv=2018-03-28&sr=b&si=" in url
    assert disks.get("rg-ready", "ready-os").disk_state == "ActiveSAS"
    with pytest.raises(ResourceExistsError):
        disks.begin_grant_access("rg-ready", "ready-os", READ).result()
    disks.begin_revoke_access("rg-ready", "ready-os").result()
    assert disks.get("rg-ready", "ready-os").disk_state == "Reserved"
    effects = [entry["effect"] for entry in azure.control.operations() if entry["effect"] != "none"]
    assert effects == ["grant", "revoke"]


@pytest.mark.parametrize(
    ("group", "disk", "status", "code"),
    [
        ("rg-busy", "busy-os", 409, "Conflict"),
        ("rg-busy", "shared", 409, "Conflict"),
        ("rg-busy", "private", 403, "DiskAccessDenied"),
        ("rg-ready", "none", 404, "ResourceNotFound"),
    ],
)
def test_a_grant_is_refused(clients, group, disk, status, code):
    with pytest.raises(HttpResponseError) as caught:
        clients.compute().disks.begin_grant_access(group, disk, READ).result()
    assert (caught.value.status_code, refused_with(caught)) == (status, code)


def test_a_grant_can_be_made_to_fail_and_must_not_be_too_long(clients, azure):
    azure.control.behave(grantFail=["ready-os"])
    with pytest.raises(ResourceExistsError):
        clients.compute().disks.begin_grant_access("rg-ready", "ready-os", READ).result()
    azure.control.behave(grantFail=[])
    long = GrantAccessData(access="Read", duration_in_seconds=61 * 24 * 3600)
    with pytest.raises(HttpResponseError) as caught:
        clients.compute().disks.begin_grant_access("rg-ready", "ready-os", long).result()
    assert caught.value.status_code == 400


def test_without_a_token_nothing_is_answered(azure):
    import requests

    response = requests.get(
        f"{azure.endpoints['arm']}{FACTORY}?api-version=2018-09-15", verify=azure.endpoints["caBundle"], timeout=10
    )
    assert (response.status_code, response.json()["error"]["code"]) == (401, "AuthenticationFailed")


@pytest.mark.usefixtures("azure")
def test_an_unknown_caller_gets_no_token(monkeypatch):
    monkeypatch.setenv("IDENTITY_HEADER", "stranger")
    from azure.identity import ManagedIdentityCredential

    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential().get_token("https://management.azure.com/.default")


def test_events_change_a_vm_when_their_time_comes(clients, azure):
    machines = clients.compute().virtual_machines
    azure.control.set_speed(0)
    azure.control.behave(
        events=[{"at": 100, "vm": "busy", "statuses": ["ProvisioningState/succeeded", "PowerState/deallocated"]}]
    )
    azure.control.advance(99)
    assert machines.instance_view("rg-busy", "busy").statuses[1].code == "PowerState/running"
    azure.control.advance(1)
    assert machines.instance_view("rg-busy", "busy").statuses[1].code == "PowerState/deallocated"


def test_the_log_tells_who_called_what(clients, azure):
    clients.labs().labs.get("rg-factory", "factory")
    entry = azure.control.operations()[-1]
    assert {key: entry[key] for key in ("caller", "service", "subscription", "method", "status", "effect")} == {
        "caller": "local",
        "service": "arm",
        "subscription": ONE,
        "method": "GET",
        "status": 200,
        "effect": "none",
    }
    assert entry["path"].endswith("/labs/factory")
