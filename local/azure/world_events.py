"""What the world lets happen to its VMs at its own time: `behave.events`."""

from collections.abc import Iterable
from dataclasses import replace

from local.azure.arm_answers import ArmError
from local.azure.deletions import Deletions, can_be_deleted
from local.azure.machine_power import MachinePower, display_of
from local.azure.resources import Due, Json, Status, entries
from local.azure.state import State
from local.azure.world import WorldError


def check_events(events: Iterable[Json]) -> None:
    """Raises WorldError for what is no event."""
    for event in events:
        if "at" not in event or not event.keys() & {"vm", "start", "delete"}:
            raise WorldError(f"an event needs 'at', and 'vm', 'start' or 'delete': {event}")
        if "delete" in event and not can_be_deleted(str(event["delete"])):
            raise WorldError(f"not the ARM id of something that can be deleted: {event['delete']}")


class WorldEvents:
    """An event is {`at`, and one of: `vm` with `statuses`; `start`: the ARM id of a VM; `delete`: an ARM id}."""

    def __init__(self, state: State, power: MachinePower, deletions: Deletions) -> None:
        self._state, self._power, self._deletions = state, power, deletions
        state.timeline.on("event", self._happen)

    def schedule(self, events: Iterable[Json], name: str) -> None:
        """Count them from now; `name` keeps them apart from others."""
        now = self._state.clock.now()
        for number, event in enumerate(events):
            self._state.timeline.schedule(Due(now + float(event["at"]), "event", f"{name}/{number}", event))

    async def _happen(self, due: Due) -> None:
        event = due.detail
        if "delete" in event:
            await self._deletions.delete(str(event["delete"]))
        elif "start" in event:
            self._start(str(event["start"]))
        else:
            self._show(str(event["vm"]), [str(code) for code in entries(event, "statuses")])

    def _start(self, arm_id: str) -> None:
        """A VM of a lab or of Compute. One that refuses stays as it is."""
        lab, _, name = arm_id.lower().rpartition("/virtualmachines/")
        vm = self._state.lab_vms.get(lab, name)
        machine = self._power.find(vm.compute_id if vm else arm_id)
        if machine is not None:
            try:
                self._power.start(machine)
            except ArmError:
                return

    def _show(self, name: str, codes: Iterable[str]) -> None:
        """Every Compute VM of that name shows these statuses from now on."""
        statuses = tuple(Status(code, display_of(code)) for code in codes)
        for machine in list(self._state.compute_vms.all()):
            if machine.name.lower() == name.lower():
                self._power.keep(replace(machine, statuses=statuses))
