"""The whole simulated Azure: every table, the clock, what is due, and the behaviour that the world asks for."""

from dataclasses import dataclass, field, replace
from typing import Any

from local.azure.clock import Clock, ClockState
from local.azure.resources import (
    Account,
    ComputeVm,
    Content,
    Copy,
    CustomImage,
    Disk,
    Grant,
    Json,
    Lab,
    LabVm,
    Operation,
    Subscription,
    section,
)
from local.azure.store import Store, Table
from local.azure.timeline import Timeline


@dataclass(frozen=True)
class Settings:
    """What is stored beside the resources. `world` is the world file as it was loaded."""

    world: Json = field(default_factory=dict[str, Any])
    behave: Json = field(default_factory=dict[str, Any])
    factory_lab: str = ""
    loaded: bool = False


class State:
    """Tables are parted by what gets listed: labs by subscription, VMs and images by lab, copies by container."""

    def __init__(self, store: Store, *, authentic: bool = False) -> None:
        self.store, self.authentic = store, authentic
        self.subscriptions = Table(store, "subscription", Subscription)
        self.labs = Table(store, "lab", Lab)
        self.lab_vms = Table(store, "labVm", LabVm)
        self.images = Table(store, "image", CustomImage)
        self.compute_vms = Table(store, "computeVm", ComputeVm)
        self.disks = Table(store, "disk", Disk)
        self.grants = Table(store, "grant", Grant)
        self.operations = Table(store, "operation", Operation)
        self.accounts = Table(store, "account", Account)
        self.copies = Table(store, "copy", Copy, exact=True)
        self.contents = Table(store, "content", Content, exact=True)
        self._settings = Table(store, "settings", Settings)
        self._clock = Table(store, "clock", ClockState)
        self.clock = Clock(self._clock.get("", ""))
        self.timeline = Timeline(store)
        self.groups: dict[str, set[str]] = {}
        self.index()

    @property
    def settings(self) -> Settings:
        return self._settings.get("", "") or Settings()

    @property
    def behave(self) -> Json:
        return self.settings.behave

    def keep_settings(self, settings: Settings) -> None:
        self._settings.put("", "", settings)

    def keep_clock(self) -> None:
        self._clock.put("", "", self.clock.state)

    def merge_behave(self, more: Json) -> None:
        """Entries of an object are added or replaced, anything else is replaced."""
        merged = dict(self.behave)
        for key, value in more.items():
            known = merged.get(key)
            merged[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
        self.keep_settings(replace(self.settings, behave=merged))

    def script(self, what: str, *names: str) -> Json:
        """What `behave` says under the first of these names (without case) that it knows; a mere text is its `state`."""
        known = {name.lower(): script for name, script in section(self.behave, what).items()}
        for name in names:
            if (found := known.get(name.lower())) is not None:
                return {"state": found} if isinstance(found, str) else found
        return {}

    def index(self) -> None:
        """Learn which resource groups there are; to be called when the world has changed."""
        self.groups = {}
        found: list[tuple[str, str]] = [(lab.subscription, lab.rg) for lab in self.labs.all()]
        found += [(vm.subscription, vm.rg) for vm in self.compute_vms.all()]
        found += [(disk.subscription, disk.rg) for disk in self.disks.all()]
        found += [(account.subscription, account.rg) for account in self.accounts.all() if not account.system]
        for subscription, group in found:
            self.groups.setdefault(subscription.lower(), set()).add(group.lower())

    def clear(self) -> None:
        """Forget the world, and with it the clock."""
        with self.store.transaction():
            for table in (
                self.subscriptions, self.labs, self.lab_vms, self.images, self.compute_vms, self.disks, self.grants,
                self.operations, self.accounts, self.copies, self.contents, self._settings, self._clock,
            ):  # fmt: skip
                table.clear()
            self.timeline.clear()
        self.clock.state = Clock().state
        self.groups = {}
