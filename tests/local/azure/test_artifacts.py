"""Artifacts: where a lab has them from, how they are applied, and the shutdown that follows those that generalize."""

from datetime import UTC, datetime

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.devtestlabs.models import ArtifactInstallProperties

from local.azure import LocalAzure
from tests.local.azure.conftest import Clients
from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import FACTORY, world

pytestmark = pytest.mark.slow
LAB = ("rg-factory", "factory")
VM = (*LAB, "busy")
DEPROVISION = f"{FACTORY}/artifactSources/public repo/artifacts/linux-deprovision"
SYSPREP = f"{FACTORY}/artifactSources/public repo/artifacts/windows-sysprep"


def applied(*ids):
    return [ArtifactInstallProperties(artifact_id=name, parameters=[]) for name in ids]


def lab_world(**lab):
    given = world()
    given["subscriptions"][0]["labs"][0] |= lab
    return given


@pytest.fixture
def vms(clients, azure):
    azure.control.set_speed(0)
    return clients.labs().virtual_machines


def begin(vms, *ids):
    vms.begin_apply_artifacts(*VM, applied(*ids), polling=False)


def shown(vms):
    return vms.get(*VM, expand="properties($expand=artifacts,computeVm)")


def power(clients):
    return clients.compute().virtual_machines.instance_view("rg-busy", "busy").statuses[-1].code


def test_a_lab_has_the_public_repository_and_its_artifacts(clients):
    labs = clients.labs()
    source = labs.artifact_sources.get(*LAB, "Public Repo")
    assert (source.display_name, source.status) == ("Public Artifact Repo", "Enabled")
    found = {artifact.name: artifact for artifact in labs.artifacts.list(*LAB, "public repo")}
    told = {name: (artifact.title, artifact.target_os_type) for name, artifact in found.items()}
    assert told == {"windows-sysprep": ("Sysprep", "Windows"), "linux-deprovision": ("de-provision", "Linux")}
    assert found["linux-deprovision"].id == DEPROVISION.lower()
    assert labs.artifacts.get(*LAB, "Public Repo", "LINUX-deprovision").title == "de-provision"


def test_the_public_repository_may_be_empty_or_absent(clients, azure):
    azure.control.put_world(lab_world(artifacts="empty"))
    labs = clients.labs()
    assert [source.name for source in labs.artifact_sources.list(*LAB)] == ["Public Repo", "Public Environment Repo"]
    assert list(labs.artifacts.list(*LAB, "public repo")) == []
    azure.control.put_world(lab_world(artifacts="none"))
    assert list(labs.artifact_sources.list(*LAB)) == []
    with pytest.raises(ResourceNotFoundError):
        labs.artifact_sources.get(*LAB, "public repo")
    assert azure.control.world()["subscriptions"][0]["labs"][1]["artifacts"] == "none"


def test_a_lab_may_have_further_repositories(clients, azure):
    source = {"name": "Own", "displayName": "Our Artifacts", "uri": "https://example.com/own.git", "status": "Disabled"}
    source |= {"artifacts": [{"name": "windows-sysprep", "title": "Sysprep of ours"}]}
    azure.control.put_world(lab_world(artifactSources=[source]))
    azure.control.put_world(azure.control.world())
    labs = clients.labs()
    own = list(labs.artifact_sources.list(*LAB))[-1]
    assert (own.name, own.display_name, own.uri, own.status) == (
        "Own",
        "Our Artifacts",
        "https://example.com/own.git",
        "Disabled",
    )
    assert [artifact.title for artifact in labs.artifacts.list(*LAB, "own")] == ["Sysprep of ours"]


def test_an_artifact_reports_before_its_work_is_done(clients, azure, vms):
    before = clients.compute().disks.get("rg-busy", "busy-os").last_ownership_update_time
    begun = datetime.fromisoformat(azure.control.clock()["now"])
    begin(vms, DEPROVISION)
    installing = shown(vms)
    assert (installing.provisioning_state, installing.artifact_deployment_status.deployment_status) == (
        "ApplyingArtifacts",
        "Installing",
    )
    (artifact,) = installing.artifacts
    assert (artifact.artifact_title, artifact.status, artifact.install_time) == ("de-provision", "Pending", begun)
    azure.control.advance(5)
    reported = shown(vms)
    assert (reported.provisioning_state, reported.artifacts[0].status) == ("Succeeded", "Succeeded")
    status = reported.artifact_deployment_status
    assert (status.deployment_status, status.artifacts_applied, status.total_artifacts) == ("Succeeded", 1, 1)
    assert (power(clients), reported.last_known_power_state) == ("PowerState/running", "Running")
    azure.control.advance(5)
    assert (power(clients), shown(vms).last_known_power_state) == ("PowerState/stopped", "Stopped")
    azure.control.advance(5)
    assert power(clients) == "PowerState/deallocated"
    disk = clients.compute().disks.get("rg-busy", "busy-os")
    assert disk.disk_state == "Reserved"
    assert before < disk.last_ownership_update_time == datetime.fromtimestamp(begun.timestamp() + 15, UTC)


def test_a_clock_that_jumps_takes_every_step_at_its_time(clients, azure, vms):
    begun = azure.control.clock()["seconds"]
    begin(vms, DEPROVISION)
    azure.control.advance(3600)
    assert power(clients) == "PowerState/deallocated"
    owned = clients.compute().disks.get("rg-busy", "busy-os").last_ownership_update_time
    assert owned == datetime.fromtimestamp(begun + 15, UTC)


@pytest.mark.parametrize(
    ("script", "after"),
    [
        ({"shutdown": None}, "PowerState/running"),
        ({"deallocate": None}, "PowerState/stopped"),
        ({"status": "Failed", "message": "exit code 1"}, "PowerState/running"),
        ({"status": "Skipped"}, "PowerState/running"),
        ({"seconds": 1, "shutdown": 2, "deallocate": 3}, "PowerState/deallocated"),
    ],
)
def test_the_world_says_what_becomes_of_an_artifact(clients, azure, vms, script, after):
    azure.control.behave(artifacts={"busy": script, "*": {"seconds": 1000}})
    begin(vms, DEPROVISION)
    azure.control.advance(999)
    (artifact,) = shown(vms).artifacts
    assert artifact.status == script.get("status", "Succeeded")
    assert artifact.deployment_status_message == script.get("message")
    assert power(clients) == after


def test_an_artifact_may_never_report(azure, vms):
    azure.control.behave(artifacts={"busy": {"seconds": None}})
    begin(vms, DEPROVISION)
    azure.control.advance(1_000_000)
    assert (shown(vms).provisioning_state, shown(vms).artifacts[0].status) == ("ApplyingArtifacts", "Pending")


def test_after_an_artifact_that_failed_the_others_are_skipped(azure, vms):
    azure.control.put_world(lab_world(artifactSources=[{"name": "own", "artifacts": [{"name": "linux-any"}]}]))
    azure.control.behave(artifacts={"*": "Failed"})
    begin(vms, f"{FACTORY}/artifactsources/own/artifacts/linux-any", DEPROVISION)
    azure.control.advance(100)
    vm = shown(vms)
    assert [artifact.status for artifact in vm.artifacts] == ["Failed", "Skipped"]
    assert (vm.artifact_deployment_status.deployment_status, vm.provisioning_state) == ("Failed", "Succeeded")


def test_an_artifact_fails_when_its_vm_stops_under_it(clients, azure, vms):
    begin(vms, DEPROVISION)
    clients.compute().virtual_machines.begin_deallocate("rg-busy", "busy", polling=False)
    azure.control.advance(60)
    (artifact,) = shown(vms).artifacts
    assert (artifact.status, power(clients)) == ("Failed", "PowerState/deallocated")


def test_a_vm_that_is_stopped_from_outside_goes_no_further_by_itself(clients, azure, vms):
    azure.control.behave(artifacts={"busy": {"shutdown": 100}})
    begin(vms, DEPROVISION)
    azure.control.advance(6)
    clients.compute().virtual_machines.begin_deallocate("rg-busy", "busy", polling=False)
    azure.control.advance(1)
    clients.compute().virtual_machines.begin_start("rg-busy", "busy", polling=False)
    azure.control.advance(1000)
    assert power(clients) == "PowerState/running"


def test_the_operation_ends_with_the_report(azure, clients):
    azure.control.behave(artifacts={"busy": {"seconds": 0.5, "shutdown": None, "status": "Failed"}})
    # That an artifact failed is told by the VM, not by the operation.
    assert clients.labs().virtual_machines.begin_apply_artifacts(*VM, applied(DEPROVISION)).result() is None
    effects = [entry["effect"] for entry in azure.control.operations() if entry["path"].endswith("/applyArtifacts")]
    assert effects == ["update"]


def test_a_vm_takes_one_application_at_a_time(azure, vms):
    begin(vms, DEPROVISION)
    for seconds in (1, 5):
        azure.control.advance(seconds)
        with pytest.raises(ResourceExistsError) as caught:
            begin(vms, DEPROVISION)
        assert refused_with(caught) == "OperationInProgress"
    with pytest.raises(ResourceExistsError):
        vms.begin_apply_artifacts(*LAB, "ready", applied(SYSPREP), polling=False)


@pytest.mark.parametrize(
    ("vm", "artifact", "status", "code"),
    [
        ("busy", SYSPREP, 400, "InvalidArtifact"),
        ("busy", DEPROVISION.replace("linux-deprovision", "none"), 404, "ArtifactNotFound"),
        ("busy", DEPROVISION.replace("public repo", "own"), 404, "ArtifactNotFound"),
        ("ready", SYSPREP, 409, "VirtualMachineNotRunning"),
        ("lost", SYSPREP, 409, "VirtualMachineNotRunning"),
        ("none", SYSPREP, 404, "ResourceNotFound"),
    ],
)
def test_an_application_is_refused(vms, vm, artifact, status, code):
    with pytest.raises(HttpResponseError) as caught:
        vms.begin_apply_artifacts(*LAB, vm, applied(artifact), polling=False)
    assert (caught.value.status_code, refused_with(caught)) == (status, code)


def test_an_application_survives_a_kill_and_goes_on_in_a_snapshot(tmp_path, monkeypatch):
    with LocalAzure(tmp_path, world()) as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        azure.control.set_speed(0)
        clients = Clients(azure)
        vms = clients.labs().virtual_machines
        begin(vms, DEPROVISION)
        azure.kill()
        azure.start()
        azure.control.advance(5)
        assert [artifact.status for artifact in shown(vms).artifacts or ()] == ["Succeeded"]
        stopping = azure.control.world()
        azure.kill()
        azure.start()
        azure.control.advance(5)
        assert power(clients) == "PowerState/stopped"
        azure.control.put_world(stopping)
        azure.control.set_speed(0)
        assert power(clients) == "PowerState/running"
        azure.control.advance(10)
        assert power(clients) == "PowerState/deallocated"


def test_an_application_that_is_under_way_in_a_world_goes_on(azure, vms):
    begin(vms, DEPROVISION)
    azure.control.advance(2)
    applying = azure.control.world()
    (vm,) = [vm for vm in applying["subscriptions"][0]["vms"] if vm["name"] == "busy"]
    assert (vm["state"], vm["seconds"]) == ("ApplyingArtifacts", pytest.approx(3))
    azure.control.put_world(applying)
    assert shown(vms).provisioning_state == "ApplyingArtifacts"
    azure.control.advance(4)
    assert (shown(vms).provisioning_state, shown(vms).artifacts[0].status) == ("Succeeded", "Succeeded")
