"""Microsoft.DevTestLab/labs: the labs, and what all that lies in them is listed with."""

import re
from urllib.parse import quote, urlencode

from local.azure.arm_answers import (
    Answer,
    ArmCall,
    bad_request,
    forbidden,
    group_not_found,
    not_found,
    subscription_not_found,
)
from local.azure.resources import Account, Json, Lab, Subscription, storage_id
from local.azure.state import State
from local.azure.tokens import object_id
from local.azure.vhd import seeded_uuid

_PAGE_SIZE = 100
_NAME_FILTER = re.compile(r"name\s+eq\s+'(?P<name>(?:[^']|'')*)'", re.IGNORECASE)


def find_subscription(state: State, call: ArmCall) -> Subscription:
    """The subscription of a call; raises as ARM does when there is none or the caller may not see it."""
    subscription = state.subscriptions.get("", call.subscription)
    if subscription is None:
        raise subscription_not_found(call.subscription)
    if subscription.denied:
        scope = f"/subscriptions/{call.subscription}"
        raise forbidden(call.caller, object_id(call.caller), "Microsoft.Resources/subscriptions/read", scope)
    return subscription


def find_group(state: State, call: ArmCall) -> None:
    find_subscription(state, call)
    if call.group.lower() not in state.groups.get(call.subscription.lower(), set()):
        raise group_not_found(call.group)


def find_lab(state: State, call: ArmCall, action: str = "read") -> Lab:
    """The lab of a call; a lab that is denied answers 403 for itself and all below it."""
    find_group(state, call)
    lab = state.labs.get(call.subscription, f"{call.group}/{call.name('lab')}")
    if lab is None:
        raise not_found("Microsoft.DevTestLab/labs", call.name("lab"), call.group)
    if lab.denied:
        scope = call.path.removesuffix("/")
        raise forbidden(call.caller, object_id(call.caller), f"Microsoft.DevTestLab/labs/{action}", scope)
    return lab


def find_account(state: State, name: str) -> Account | None:
    account = state.accounts.get("", name)
    return None if account is None or account.system else account


class Labs:
    """Labs by subscription. They are only read."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def list_by_subscription(self, call: ArmCall) -> Answer:
        find_subscription(self._state, call)
        labs = [lab for lab in self._state.labs.part(call.subscription) if not lab.denied]
        return self.page(call, [self._body(lab) for lab in labs])

    async def list_by_group(self, call: ArmCall) -> Answer:
        find_group(self._state, call)
        labs = self._state.labs.part(call.subscription)
        mine = [lab for lab in labs if not lab.denied and lab.rg.lower() == call.group.lower()]
        return self.page(call, [self._body(lab) for lab in mine])

    async def get(self, call: ArmCall) -> Answer:
        return Answer(200, self._body(find_lab(self._state, call)))

    def page(self, call: ArmCall, items: list[Json]) -> Answer:
        """One page of a list, filtered; the next begins where the token says."""
        items = _filtered(items, call.query.get("$filter"))
        size = int(self._state.behave.get("pageSize") or _PAGE_SIZE)
        start = int(call.query.get("$skiptoken") or 0)
        top = call.query.get("$top")
        body: Json = {"value": items[start : start + min(size, int(top or size))]}
        following = start + len(body["value"])
        if following < len(items) and top is None:
            query = {**call.query, "$skiptoken": str(following)}
            body["nextLink"] = f"{call.base}{quote(call.path)}?{urlencode(query)}"
        return Answer(200, body)

    def _body(self, lab: Lab) -> Json:
        account = self._state.accounts.get("", lab.storage)
        owner = account or Account(lab.storage, lab.storage, lab.subscription, lab.rg)
        storage = storage_id(owner.subscription, owner.rg, owner.name)
        vault = (
            f"/subscriptions/{lab.subscription}/resourcegroups/{lab.rg}/providers/microsoft.keyvault/vaults/{lab.name}"
        )
        body: Json = {
            "properties": {
                "defaultStorageAccount": storage,
                "defaultPremiumStorageAccount": storage,
                "artifactsStorageAccount": storage,
                "premiumDataDiskStorageAccount": storage,
                "vaultName": vault.lower(),
                "labStorageType": "Premium",
                "mandatoryArtifactsResourceIdsLinux": [],
                "mandatoryArtifactsResourceIdsWindows": [],
                "createdDate": "2024-08-28T09:37:50.2853801+00:00",
                "premiumDataDisks": "Disabled",
                "environmentPermission": "Reader",
                "announcement": {"title": "", "markdown": "", "enabled": "Disabled", "expired": False},
                "support": {"enabled": "Disabled", "markdown": ""},
                "provisioningState": "Succeeded",
                "uniqueIdentifier": seeded_uuid(lab.id),
            },
            "location": lab.location,
            "id": lab.id,
            "name": lab.name,
            "type": "Microsoft.DevTestLab/labs",
        }
        return body if lab.tags is None else {**body, "tags": lab.tags}


def _filtered(items: list[Json], expression: str | None) -> list[Json]:
    if not expression:
        return items
    if match := _NAME_FILTER.fullmatch(expression.strip()):
        wanted = match["name"].replace("''", "'").lower()
        return [item for item in items if item["name"].lower() == wanted]
    if expression.strip().lower() == "properties/allowclaim":
        return [item for item in items if item["properties"].get("allowClaim")]
    raise bad_request("InvalidFilter", f"The filter '{expression}' is not supported.")
