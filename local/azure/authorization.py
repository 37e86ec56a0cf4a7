"""Least privilege: the app may do what the roles of infra/role.json hold, where a deployment would assign them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from local.azure.permissions import Permission, account_id
from local.azure.resources import Json, section
from local.azure.state import State

ROLES = Path(__file__).resolve().parents[2] / "infra" / "role.json"
_LAB = "/providers/microsoft.devtestlab/"
_CONTAINERS = "/blobServices/default/containers/"


def read_roles(document: Json) -> dict[str, list[str]]:
    """The operations of each role; of Azure's own roles only what the app uses of them."""
    held = {name: list(role["actions"]) for name, role in document["roles"].items()}
    return held | {name: list(role["uses"]) for name, role in document["builtIn"].items() if "uses" in role}


class Authorization:
    """Roles are for `app`: the host and whoever sits at this machine may do everything."""

    def __init__(self, state: State) -> None:
        self._state = state
        roles = read_roles(json.loads(ROLES.read_text("utf-8")))
        self._roles = {role: {operation.lower() for operation in operations} for role, operations in roles.items()}
        self._spelled = {operation.lower(): operation for operations in roles.values() for operation in operations}
        self._assigned: tuple[Json, Mapping[str, frozenset[str]]] = {}, {}

    def spelled(self, needed: Iterable[Permission]) -> list[str]:
        """The names of operations as the roles spell them: those that follow from a path have the path's case."""
        return [self._spelled.get(permission.operation.lower(), permission.operation) for permission in needed]

    def role(self, permission: Permission) -> str | None:
        """The role that lets the app do this; None when none does."""
        operation, scopes = permission.operation.lower(), _with_parents(permission.scope)
        assigned = self.assign()
        for role, operations in self._roles.items():
            if operation in operations and not assigned.get(role, frozenset()).isdisjoint(scopes):
                return role
        return None

    def refused(self, caller: str, needed: Sequence[Permission]) -> Permission | None:
        """The first of these that the caller may not do."""
        if caller != "app":
            return None
        return next((permission for permission in needed if self.role(permission) is None), None)

    def assign(self) -> Mapping[str, frozenset[str]]:
        """Where each role is assigned: once for each world, as it is then; the world may say otherwise."""
        world = self._state.settings.world
        if self._assigned[0] is not world:
            scopes = _as_deployed(self._state) | section(world, "assignments")
            self._assigned = world, {role: frozenset(map(str.lower, among)) for role, among in scopes.items()}
        return self._assigned[1]


def _as_deployed(state: State) -> dict[str, list[str]]:
    """The scopes that role.json tells in words. A lab's VMs have groups of their own: hence its subscription."""
    factory, labs = state.settings.factory_lab.lower(), list(state.labs.all())
    accounts = {account.name: account_id(account) for account in state.accounts.all()}
    own = [accounts[account.name] for account in state.accounts.all() if account.system]
    stores = {lab.id: accounts[lab.storage] for lab in labs if lab.storage in accounts}
    masters = [stores[factory]] if factory in stores else []
    return {
        "observe": [f"/subscriptions/{subscription.id}" for subscription in state.subscriptions.part("")],
        "prepare": [factory.partition(_LAB)[0]],
        "capture": [factory.partition("/resourcegroups/")[0]],
        "receive": [lab.id.partition(_LAB)[0] for lab in labs],
        "Storage Blob Data Owner": own,
        "Storage Blob Data Contributor": [
            *(f"{store}{_CONTAINERS}imagefactoryvhds" for store in stores.values()),
            *(f"{master}{_CONTAINERS}imagefactory" for master in masters),
        ],
        "Storage Blob Delegator": masters,
    }


def _with_parents(scope: str) -> set[str]:
    """An ARM id and every id above it, in lower case."""
    parts = scope.lower().rstrip("/").split("/")
    return {"/".join(parts[:length]) for length in range(2, len(parts) + 1)}
