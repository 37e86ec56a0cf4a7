"""Look at a golden VM: what Compute says of it, its disk's export, our generalize stage."""

from dataclasses import replace

from activities.grants import is_recorded
from shared.azure.virtual_machines import with_compute
from shared.domain.golden_vms import GeneralizeStage, GoldenVm
from shared.domain.outcomes import Outcome
from shared.errors import PermanentError
from shared.journal import CONTENDED, contended, journal_container
from shared.settings import settings
from shared.wire import from_json, to_json


def looked_at(account: str, vm: GoldenVm) -> GoldenVm:
    """A VM of the factory lab, whose account this is, with everything that decides about it.

    What cannot be asked becomes its `problem`.
    """
    try:
        vm = with_compute(vm)
    except PermanentError as error:
        return replace(vm, problem=Outcome.failed(error))
    if vm.disk is None:
        return vm
    exported = vm.traits.is_exported and not is_recorded(account, vm.disk)
    return replace(vm, traits=replace(vm.traits, exported_by_other=exported), stage=find_stage(vm.vm_id))


# --- Our generalize stage of a VM: one record for each VM, because a later run goes by it as well


def find_stage(vm_id: str) -> GeneralizeStage | None:
    found = journal_container().find(_name(vm_id))
    stage = from_json(found.data, GeneralizeStage) if found else None
    return stage if stage is not None and stage.factory == settings().factory else None


def record_stage(stage: GeneralizeStage) -> None:
    """Record what is about to be done to a VM, or how far it is; other runs and repeats go by it."""
    container, name, data = journal_container(), _name(stage.vm_id), to_json(stage, indent=2)
    for _ in range(CONTENDED):
        found = container.find(name)
        if container.replace(name, data, found.etag) if found else container.create(name, data):
            return
    raise contended("The record of a generalize stage")


def _name(vm_id: str) -> str:
    return f"generalized/{vm_id.lower()}.json"
