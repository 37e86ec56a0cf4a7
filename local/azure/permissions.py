"""Which operation of Azure's access control a call asks for, and at which scope."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.azure.resources import Account
from local.azure.storage_calls import Act, BlobCall

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
_PROVIDERS = re.compile("/providers/", re.IGNORECASE)
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices"


@dataclass(frozen=True)
class Permission:
    """An operation such as `Microsoft.DevTestLab/labs/read`, and the ARM id of what it is asked for."""

    operation: str
    scope: str


def arm_permissions(method: str, path: str, query: Mapping[str, str]) -> list[Permission]:
    """What a call to ARM needs: the names follow from its path, types and names in turn.

    A VM's instance view that comes with the VM is taken for a read of both: no document says that it is free.
    """
    scope = path.rstrip("/")
    _, *below = _PROVIDERS.split(scope, maxsplit=1)
    if not below:
        return [Permission("Microsoft.Resources/subscriptions/read", scope)]
    provider, *parts = below[0].split("/")
    types = [provider, *parts[::2]]
    if method == "POST":
        return [Permission("/".join([*types, "action"]), scope.rpartition("/")[0])]
    needed = [Permission("/".join([*types, _VERBS.get(method, "write")]), scope)]
    if "instanceview" in query.get("$expand", "").lower():
        needed.append(Permission("/".join([*types, "instanceView", "read"]), scope))
    return needed


def account_id(account: Account) -> str:
    group = f"/subscriptions/{account.subscription}/resourceGroups/{account.rg}"
    return f"{group}/providers/Microsoft.Storage/storageAccounts/{account.name}"


def blob_permission(call: BlobCall, account: Account) -> Permission:
    """What a call to blob storage needs; data in a container is asked for at the container."""
    scope = account_id(account)
    if call.container:
        scope += f"/blobServices/default/containers/{call.container}"
    match call.act:
        case Act.KEY:
            operation = f"{_BLOBS}/generateUserDelegationKey/action"
        case Act.READ if call.path or call.lists_blobs:
            operation = f"{_BLOBS}/containers/blobs/read"
        case Act.READ:
            operation = f"{_BLOBS}/containers/read"
        case Act.CONTAINER:
            operation = f"{_BLOBS}/containers/write"
        case Act.DELETE_CONTAINER:
            operation = f"{_BLOBS}/containers/delete"
        case Act.DELETE:
            operation = f"{_BLOBS}/containers/blobs/delete"
        case _:
            operation = f"{_BLOBS}/containers/blobs/write"
    return Permission(operation, scope)
