"""The artifact repositories of a lab, and what they hold: the public one, as far as it generalizes VMs, and those of the world."""

from collections.abc import Iterable
from dataclasses import dataclass

from local.azure.resources import Json, Lab, entries

_PUBLIC = "public repo"
_GENERALIZING = {"windows-sysprep": ("Sysprep", "Windows"), "linux-deprovision": ("de-provision", "Linux")}
"""Title and targetOsType in Artifacts/<name>/Artifactfile.json of github.com/Azure/azure-devtestlab."""


@dataclass(frozen=True)
class Artifact:
    """`system` is the only one it can be applied to; empty: any."""

    id: str
    name: str
    title: str
    system: str = ""

    def fits(self, os_type: str) -> bool:
        return self.system.lower() in ("", os_type.lower())

    def body(self) -> Json:
        properties: Json = {
            "title": self.title,
            "description": f"{self.title} the virtual machine.",
            "publisher": "Microsoft",
            "filePath": f"Artifacts/{self.name}",
            "targetOsType": self.system,
            "parameters": {},
            "createdDate": "2024-08-28T09:37:50.2853801+00:00",
        }
        kind = "Microsoft.DevTestLab/labs/artifactSources/artifacts"
        return {"properties": properties, "id": self.id, "name": self.name, "type": kind}


@dataclass(frozen=True)
class Repository:
    """An artifact source; `body` is how ARM shows it."""

    name: str
    body: Json
    artifacts: tuple[Artifact, ...] = ()


def repositories(lab: Lab) -> list[Repository]:
    """Those of a lab, the public ones first, if it has them."""
    public = [] if lab.artifacts == "none" else [_public(lab), _environments(lab)]
    return [*public, *(_given(lab, source) for source in lab.artifact_sources)]


def find_artifact(lab: Lab, artifact_id: str) -> Artifact | None:
    """The artifact of this ARM id among those of the lab, without case."""
    known: Iterable[Artifact] = (artifact for source in repositories(lab) for artifact in source.artifacts)
    return next((artifact for artifact in known if artifact.id.lower() == artifact_id.lower()), None)


def is_generalizing(artifact_id: str) -> bool:
    """Whether DevTest Labs waits for the guest to shut down after it and then deallocates the VM (`postDeployActions`)."""
    return artifact_id.rpartition("/")[2].lower() in _GENERALIZING


def _public(lab: Lab) -> Repository:
    """Recorded in devtestlab/test_lab_retrieve_commands.json."""
    body = _source(lab, "Public Repo", displayName="Public Artifact Repo", folderPath="/Artifacts")
    named = [] if lab.artifacts == "empty" else [(name, *told) for name, told in _GENERALIZING.items()]
    artifacts = (_artifact(lab, _PUBLIC, name, title, system) for name, title, system in named)
    return Repository("Public Repo", body, tuple(artifacts))


def _environments(lab: Lab) -> Repository:
    name, shown = "Public Environment Repo", {"armTemplateFolderPath": "/Environments", "status": "Disabled"}
    return Repository(name, _source(lab, name, displayName=name, **shown))


def _given(lab: Lab, given: Json) -> Repository:
    name = str(given["name"])
    body = _source(
        lab, name,
        displayName=given.get("displayName") or name,
        uri=given.get("uri") or f"https://github.com/example/{name.replace(' ', '-')}.git",
        status=given.get("status") or "Enabled",
        folderPath="/Artifacts",
    )  # fmt: skip
    artifacts = (
        _artifact(lab, name, told["name"], told.get("title") or told["name"], told.get("targetOsType") or "")
        for told in entries(given, "artifacts")
    )
    return Repository(name, body, tuple(artifacts))


def _source(lab: Lab, name: str, **properties: str) -> Json:
    common = {
        "uri": "https://github.com/Azure/azure-devtestlab.git",
        "sourceType": "GitHub",
        "branchRef": "master",
        "status": "Enabled",
        "provisioningState": "Succeeded",
        "uniqueIdentifier": "00000000-0000-0000-0000-000000000000",
    }
    return {
        "properties": {**common, **properties},
        "id": f"{lab.id}/artifactsources/{name.lower()}",
        "name": name,
        "type": "Microsoft.DevTestLab/labs/artifactSources",
    }


def _artifact(lab: Lab, source: str, name: str, title: str, system: str) -> Artifact:
    return Artifact(f"{lab.id}/artifactsources/{source}/artifacts/{name}".lower(), name, title, system)
