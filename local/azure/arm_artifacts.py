"""Microsoft.DevTestLab/labs/artifactSources: the public repository that every lab has, as far as it generalizes VMs."""

from local.azure.arm_answers import Answer, ArmCall, not_found
from local.azure.arm_labs import Labs, find_lab
from local.azure.resources import Json, Lab
from local.azure.state import State

_PUBLIC_REPO = "public repo"
_ARTIFACTS = {
    "windows-sysprep": ("Sysprep", "Windows"),
    "linux-deprovision": ("Linux Deprovision", "Linux"),
}


class ArtifactSources:
    """Read only, and the same in every lab."""

    def __init__(self, state: State, labs: Labs) -> None:
        self._state, self._labs = state, labs

    async def list(self, call: ArmCall) -> Answer:
        lab = find_lab(self._state, call, "artifactSources/read")
        return self._labs.page(call, [_source(lab), _environment_source(lab)])

    async def get(self, call: ArmCall) -> Answer:
        return Answer(200, _source(self._source_lab(call)))

    async def list_artifacts(self, call: ArmCall) -> Answer:
        lab = self._source_lab(call)
        return self._labs.page(call, [_artifact(lab, name) for name in _ARTIFACTS])

    async def get_artifact(self, call: ArmCall) -> Answer:
        lab = self._source_lab(call)
        if call.name("artifact").lower() not in _ARTIFACTS:
            names = f"{call.name('lab')}/{call.name('source')}/{call.name('artifact')}"
            raise not_found("Microsoft.DevTestLab/labs/artifactSources/artifacts", names, call.group)
        return Answer(200, _artifact(lab, call.name("artifact").lower()))

    def _source_lab(self, call: ArmCall) -> Lab:
        lab = find_lab(self._state, call, "artifactSources/read")
        if call.name("source").lower() != _PUBLIC_REPO:
            names = f"{call.name('lab')}/{call.name('source')}"
            raise not_found("Microsoft.DevTestLab/labs/artifactSources", names, call.group)
        return lab


def _source(lab: Lab) -> Json:
    """Recorded in devtestlab/test_lab_retrieve_commands.json."""
    return {
        "properties": {
            "displayName": "Public Artifact Repo",
            "uri": "https://github.com/Azure/azure-devtestlab.git",
            "sourceType": "GitHub",
            "folderPath": "/Artifacts",
            "branchRef": "master",
            "status": "Enabled",
            "provisioningState": "Succeeded",
            "uniqueIdentifier": "00000000-0000-0000-0000-000000000000",
        },
        "id": f"{lab.id}/artifactsources/{_PUBLIC_REPO}",
        "name": "Public Repo",
        "type": "Microsoft.DevTestLab/labs/artifactSources",
    }


def _environment_source(lab: Lab) -> Json:
    source = _source(lab)
    properties = {key: value for key, value in source["properties"].items() if key != "folderPath"}
    properties |= {"displayName": "Public Environment Repo", "armTemplateFolderPath": "/Environments"}
    properties["status"] = "Disabled"
    identity = {"id": f"{lab.id}/artifactsources/public environment repo", "name": "Public Environment Repo"}
    return {**source, "properties": properties, **identity}


def _artifact(lab: Lab, name: str) -> Json:
    title, system = _ARTIFACTS[name]
    return {
        "properties": {
            "title": title,
            "description": f"{title} the virtual machine.",
            "publisher": "Microsoft",
            "filePath": f"Artifacts/{name}",
            "targetOsType": system,
            "parameters": {},
            "createdDate": "2024-08-28T09:37:50.2853801+00:00",
        },
        "id": f"{lab.id}/artifactsources/{_PUBLIC_REPO}/artifacts/{name}",
        "name": name,
        "type": "Microsoft.DevTestLab/labs/artifactSources/artifacts",
    }
