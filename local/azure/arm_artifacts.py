"""Microsoft.DevTestLab/labs/artifactSources: where a lab's artifacts come from, and which there are."""

from local.azure.arm_answers import Answer, ArmCall, not_found
from local.azure.arm_labs import Labs, find_lab
from local.azure.artifact_repositories import Repository, repositories
from local.azure.state import State


class ArtifactSources:
    """Read only: the world says which there are."""

    def __init__(self, state: State, labs: Labs) -> None:
        self._state, self._labs = state, labs

    async def list(self, call: ArmCall) -> Answer:
        lab = find_lab(self._state, call, "artifactSources/read")
        return self._labs.page(call, [source.body for source in repositories(lab)])

    async def get(self, call: ArmCall) -> Answer:
        return Answer(200, self._find(call).body)

    async def list_artifacts(self, call: ArmCall) -> Answer:
        return self._labs.page(call, [artifact.body() for artifact in self._find(call).artifacts])

    async def get_artifact(self, call: ArmCall) -> Answer:
        for artifact in self._find(call).artifacts:
            if artifact.name.lower() == call.name("artifact").lower():
                return Answer(200, artifact.body())
        names = f"{call.name('lab')}/{call.name('source')}/{call.name('artifact')}"
        raise not_found("Microsoft.DevTestLab/labs/artifactSources/artifacts", names, call.group)

    def _find(self, call: ArmCall) -> Repository:
        lab = find_lab(self._state, call, "artifactSources/read")
        for source in repositories(lab):
            if source.name.lower() == call.name("source").lower():
                return source
        names = f"{call.name('lab')}/{call.name('source')}"
        raise not_found("Microsoft.DevTestLab/labs/artifactSources", names, call.group)
