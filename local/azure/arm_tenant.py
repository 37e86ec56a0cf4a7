"""What lies above subscriptions, and what the Azure CLI asks of a cloud."""

from local.azure.arm_answers import Answer, ArmCall
from local.azure.arm_labs import find_subscription
from local.azure.resources import Json, Subscription
from local.azure.state import State
from local.azure.tokens import TENANT


class Tenant:
    """One tenant holds every subscription of the world."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def list_subscriptions(self, call: ArmCall) -> Answer:
        del call
        visible = [subscription for subscription in self._state.subscriptions.part("") if not subscription.denied]
        return Answer(200, {"value": [_subscription(subscription) for subscription in visible]})

    async def get_subscription(self, call: ArmCall) -> Answer:
        return Answer(200, _subscription(find_subscription(self._state, call)))

    async def list_tenants(self, call: ArmCall) -> Answer:
        del call
        return Answer(200, {"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT, "displayName": "Local Azure"}]})


def cloud_metadata(base: str) -> Json:
    """`GET /metadata/endpoints`, without which `az cloud register` does not work."""
    cloud: Json = dict.fromkeys(
        ("portal", "graph", "galleryEndpoint", "graphAudience", "resourceManager", "microsoftGraphResourceId",
         "activeDirectoryDataLake", "batch", "media", "sqlManagement"), base
    )  # fmt: skip
    cloud["name"] = "LocalAzure"
    cloud["vmImageAliasDoc"] = f"{base}/aliases.json"
    cloud["authentication"] = {
        "loginEndpoint": base,
        "audiences": ["https://management.azure.com/"],
        "tenant": "common",
        "identityProvider": "AAD",
    }
    cloud["suffixes"] = {"storage": "core.localhost", "keyVaultDns": "vault.localhost", "acrLoginServer": "azurecr.io"}
    return cloud


def _subscription(subscription: Subscription) -> Json:
    return {
        "id": f"/subscriptions/{subscription.id}",
        "subscriptionId": subscription.id,
        "tenantId": TENANT,
        "displayName": subscription.id,
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "subscriptionPolicies": {"quotaId": "Internal_2014-09-01", "spendingLimit": "Off"},
    }
