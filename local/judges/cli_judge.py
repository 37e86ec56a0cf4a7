"""The Azure CLI reads what the app made, and does a few things itself; the simulator's world must agree with every answer."""

from collections.abc import Callable
from typing import Any, TypeVar

import requests

from local.azure.resources import Json
from local.judges import cli_facts as facts
from local.judges.azure_cli import AzureCli, CliError
from local.judges.cli_facts import WorldLab, WorldVm
from local.judges.finished_factory import FinishedFactory
from local.judges.ledger import Ledger

_FOOTER = 512
_GIB = 1024**3
Facts = TypeVar("Facts")


class CliJudge:
    """One session of a logged-in CLI. First everything is read, then some of it is changed."""

    def __init__(self, cli: AzureCli, factory: FinishedFactory, ledger: Ledger) -> None:
        self._cli, self._factory, self._ledger = cli, factory, ledger
        world = factory.azure.control.world()
        factory_lab: str = world["factoryLab"]
        self._labs = facts.world_labs(world)
        self._home = next(lab for lab in self._labs if lab.id == factory_lab.lower())
        self._targets = [lab for lab in self._labs if lab is not self._home]
        self._vms = facts.world_vms(world)
        self._subscriptions = facts.world_subscriptions(world)

    def judge(self) -> None:
        self._read_labs()
        self._read_golden_vms()
        self._read_custom_images()
        self._read_disks()
        self._lend_a_disk()
        self._stop_and_generalize()
        self._make_and_delete_an_image()

    def _read_labs(self) -> None:
        self._answers(["account", "list"], _ids, self._subscriptions)
        for lab in self._labs:
            words = ["lab", "get", "--subscription", lab.subscription, "-g", lab.rg, "--name", lab.name]
            self._answers(words, facts.told_lab, lab.facts)

    def _read_golden_vms(self) -> None:
        lab = self._home
        self._answers(["lab", "vm", "list", *lab.within, "--all"], _each(facts.told_vm), facts.by_name(lab.vms))
        for vm in lab.vms:
            self._answers(["lab", "vm", "show", *lab.within, "--name", vm["name"]], facts.told_vm, vm)
        for vm in self._vms:
            words = ["vm", "get-instance-view", *vm.within, "-n", vm.name]
            self._answers(words, facts.told_statuses, vm.statuses)

    def _read_custom_images(self) -> None:
        """Against the world, and against the app's own report: what it says is in a lab, the CLI finds sound there."""
        for lab in self._targets:
            images = facts.by_name(lab.images)
            seen = self._answers(["lab", "custom-image", "list", *lab.within], _each(facts.told_image), images)
            for name, image in images.items():
                words = ["lab", "custom-image", "show", *lab.within, "--name", name]
                self._answers(words, facts.told_image, image)
            reported = self._reported(lab)
            sound = [name for name in reported if seen and seen.get(name, {}).get("state") == "Succeeded"]
            self._ledger.compare(f"what the app reports of {lab.name} is there", sound, reported, "the report")

    def _reported(self, lab: WorldLab) -> list[str]:
        pairs = [pair for pair in self._factory.report["pairs"] if pair["state"] in ("delivered", "present")]
        here = (lab.subscription, lab.name)
        return sorted({pair["image"] for pair in pairs if (pair["subscriptionId"], pair["lab"]) == here})

    def _read_disks(self) -> None:
        for vm in self._captured():
            words = ["disk", "show", *vm.within, "-n", vm.disk["name"]]
            self._answers(words, facts.told_disk, vm.disk)

    def _captured(self) -> list[WorldVm]:
        """The VMs whose disks the app has just exported and released."""
        names = {capture["vm"] for capture in self._factory.report["captures"] if capture["state"] == "captured"}
        return [vm for vm in self._vms if vm.name in names]

    def _lend_a_disk(self) -> None:
        """Grant, read by the signed URL, revoke: each shows in the world and in what the URL answers."""
        if not (captured := self._captured()):
            self._ledger.skip("az disk grant-access", "the app captured nothing")
            return
        vm = captured[0]
        disk, length = [*vm.within, "-n", vm.disk["name"]], int(vm.disk["sizeGb"] * _GIB) + _FOOTER
        given = self._does(["disk", "grant-access", *disk, "--duration-in-seconds", "600", "--access-level", "Read"])
        if given is None:
            return
        url: str = given["accessSAS"]
        self._ledger.compare(f"the world lends {vm.disk['name']}", self._vm_now(vm).disk["state"], "ActiveSAS")
        self._answers(["disk", "show", *disk], facts.told_disk, vm.disk | {"state": "ActiveSAS"})
        self._ledger.compare("the signed URL gives the whole VHD", self._head(url), (200, length))
        self._does(["disk", "revoke-access", *disk])
        self._ledger.compare(f"the world has {vm.disk['name']} back", self._vm_now(vm).disk, vm.disk)
        self._ledger.judge("the signed URL is worth nothing any more", self._head(url)[0] == 403)

    def _head(self, url: str) -> tuple[int, int]:
        answer = requests.head(url, verify=self._factory.azure.endpoints["caBundle"], timeout=30)
        return answer.status_code, int(answer.headers.get("Content-Length", 0))

    def _stop_and_generalize(self) -> None:
        running = next((vm for vm in self._vms if "PowerState/running" in vm.statuses), None)
        if running is None:
            self._ledger.skip("az vm deallocate", "no VM of the world is running")
            return
        words = [*running.within, "-n", running.name]
        self._does(["vm", "deallocate", *words])
        self._does(["vm", "generalize", *words])
        changed = self._vm_now(running).statuses
        wanted = {"PowerState/deallocated": "VM deallocated", "OSState/generalized": "VM generalized"}
        self._ledger.judge(
            f"the world stopped and generalized {running.name}", wanted.items() <= changed.items(), str(changed)
        )

    def _make_and_delete_an_image(self) -> None:
        lab, name = self._home, "made-by-the-cli"
        source = ["--source-vm-id", f"{lab.id}/virtualmachines/{lab.vms[0]['name']}"]
        system = ["--os-type", "Linux", "--os-state", "DeprovisionApplied"]
        self._does(["lab", "custom-image", "create", *lab.within, "--name", name, *system, *source])
        self._ledger.compare(f"the world has {name}", self._image_states().get(name), "Succeeded")
        self._does(["lab", "custom-image", "delete", *lab.within, "--name", name, "--yes"])
        self._ledger.compare(f"the world has no {name} any more", self._image_states().get(name), None)

    def _image_states(self) -> Json:
        labs = facts.world_labs(self._factory.azure.control.world())
        return {image["name"]: image["state"] for lab in labs for image in lab.images if lab.id == self._home.id}

    def _vm_now(self, vm: WorldVm) -> WorldVm:
        return next(now for now in facts.world_vms(self._factory.azure.control.world()) if now.id == vm.id)

    def _answers(self, words: list[str], told: Callable[[Any], Facts], expected: Facts) -> Facts | None:
        """Ask, reduce the answer to the facts, compare with the world's; answers what was seen."""
        try:
            seen = told(self._cli.ask(*words))
        except CliError as error:
            self._ledger.judge(_short(words), False, str(error))
            return None
        self._ledger.compare(_short(words), seen, expected)
        return seen

    def _does(self, words: list[str]) -> Any:
        """A command whose effect is looked at afterwards; None when it failed or says nothing."""
        try:
            answer = self._cli.ask(*words)
        except CliError as error:
            self._ledger.judge(_short(words), False, str(error))
            return None
        self._ledger.judge(_short(words), True)
        return answer


def _each(told: Callable[[Json], Json]) -> Callable[[list[Json]], Json]:
    return lambda answers: facts.by_name([told(answer) for answer in answers])


def _ids(accounts: list[Json]) -> list[str]:
    return sorted(account["id"] for account in accounts)


def _short(words: list[str]) -> str:
    """The command as one would say it, without the subscription."""
    at = words.index("--subscription") if "--subscription" in words else None
    kept = words if at is None else words[:at] + words[at + 2 :]
    return " ".join(["az", *kept])[:140]
