"""The VMs of a lab and the artifacts that are applied to them, as DevTest Labs tells them (`azure-facts.md` sections 2, 6)."""

from typing import Any

from shared.azure import tags
from shared.azure.clients import devtestlabs
from shared.azure.errors import attempting
from shared.domain.encodings import well_formed
from shared.domain.golden_vms import Artifact, GoldenVm
from shared.domain.images import OsType
from shared.domain.labs import LabId
from shared.redaction import redacted

_PUBLIC_SOURCE = "github.com/azure/azure-devtestlab"
_TITLES = {OsType.WINDOWS: "sysprep", OsType.LINUX: "deprovision"}
"""Titles without marks: "Sysprep" and "de-provision" (each Artifactfile.json in Azure/azure-devtestlab)."""

_LONGEST_MESSAGE = 500
"""Characters: an artifact's log may fill pages."""

_WITH_ARTIFACTS = "properties($expand=artifacts)"


def list_vms(lab: LabId) -> list[GoldenVm]:
    """The lab's VMs with their last artifacts; what only Compute knows (power, disk) is not filled in."""
    with attempting(f"list the VMs of the lab {lab}"):
        machines = devtestlabs(lab.subscription).virtual_machines
        vms = list(machines.list(lab.resource_group, lab.name, expand=_WITH_ARTIFACTS))
    return [_vm(vm) for vm in vms]


def get_vm(lab: LabId, name: str) -> GoldenVm:
    """One of them as it is now; raises MissingError when it is gone."""
    with attempting(f"read the VM {name} of the lab {lab}"):
        machines = devtestlabs(lab.subscription).virtual_machines
        return _vm(machines.get(lab.resource_group, lab.name, name, expand=_WITH_ARTIFACTS))


def _vm(vm: Any) -> GoldenVm:
    marks = tags.by_name(vm.tags)
    return GoldenVm(
        name=vm.name or "",
        state=vm.provisioning_state or "",
        image_path=marks.get(tags.IMAGE_PATH.lower()),
        ignored=tags.IGNORE.lower() in marks,
        generalize_tag=marks.get(tags.GENERALIZE.lower()),
        image_state_tag=marks.get(tags.IMAGE_STATE.lower()),
        os_type=_os_type(vm.os_type),
        notes=well_formed(vm.notes or ""),
        compute_id=vm.compute_id or "",
        last_artifact=_artifact(vm.artifacts[-1]) if vm.artifacts else None,
    )


def _artifact(artifact: Any) -> Artifact:
    name = (artifact.artifact_id or artifact.artifact_title or "").rpartition("/")[2]
    told = (artifact.deployment_status_message, artifact.vm_extension_status_message)
    message = redacted("; ".join(text.strip().rstrip(". ") for text in told if text))[:_LONGEST_MESSAGE]
    return Artifact(name, artifact.status or "", artifact.install_time, message)


def _os_type(text: str | None) -> OsType:
    found = (text or "").lower()
    return next((kind for kind in (OsType.WINDOWS, OsType.LINUX) if kind.lower() == found), OsType.UNKNOWN)


def find_generalize_artifact(lab: LabId, os_type: OsType) -> str:
    """The id of the artifact that generalizes a VM of this system, by its title in Microsoft's public source; empty without one.

    The list of a source may be empty for days (C16).
    """
    client = devtestlabs(lab.subscription)
    with attempting(f"list the artifact sources of the lab {lab}"):
        sources = [
            source for source in client.artifact_sources.list(lab.resource_group, lab.name) if _is_public(source)
        ]
    for source in sources:
        with attempting(f"list the artifacts of {source.name} in the lab {lab}"):
            for artifact in client.artifacts.list(lab.resource_group, lab.name, source.name or ""):
                if _generalizes(artifact, os_type):
                    return artifact.id or ""
    return ""


def _is_public(source: Any) -> bool:
    uri = (source.uri or "").lower().partition("://")[2].removesuffix(".git").rstrip("/")
    return uri == _PUBLIC_SOURCE and source.status == "Enabled" and bool(source.folder_path)


def _generalizes(artifact: Any, os_type: OsType) -> bool:
    title = "".join(filter(str.isalnum, (artifact.title or "").lower()))
    return title == _TITLES.get(os_type) and (artifact.target_os_type or "").lower() == os_type.value.lower()


def begin_apply_artifact(lab: LabId, vm: str, artifact: str) -> None:
    """Start to apply an artifact and return at once; the lab VM tells how it went."""
    from azure.mgmt.devtestlabs.models import ArtifactInstallProperties

    applied = [ArtifactInstallProperties(artifact_id=artifact, parameters=[])]
    with attempting(f"apply {artifact.rpartition('/')[2]} to the VM {vm} of the lab {lab}"):
        devtestlabs(lab.subscription).virtual_machines.begin_apply_artifacts(
            lab.resource_group, lab.name, vm, artifacts=applied, polling=False
        )
