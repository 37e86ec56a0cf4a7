"""The Azure clients: made on first use, kept per subscription or account, never sleeping long."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from azure.core.pipeline.policies import RetryPolicy

from shared.settings import MOST_LANES, settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.compute import ComputeManagementClient
    from azure.mgmt.devtestlabs import DevTestLabsClient
    from azure.storage.blob import BlobServiceClient

LONGEST_SLEEP = 10
"""Seconds. An activity stays well under a minute: longer waits belong to the orchestrator's timers."""


class BriefRetry(RetryPolicy[Any, Any]):
    """Retry once, and not at all when Azure asks for a longer pause: that crosses the seam as a TransientError."""

    def __init__(self) -> None:
        super().__init__(retry_total=1, retry_connect=1, retry_read=1, retry_status=1, retry_backoff_max=LONGEST_SLEEP)

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        return (self.get_retry_after(response) or 0) <= LONGEST_SLEEP and super().is_retry(settings, response)


@lru_cache(maxsize=1)
def credential() -> "TokenCredential":
    """The app's identity; in Azure nothing but the managed identity is tried (`design.md` section 6)."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    if settings().has_managed_identity:
        return ManagedIdentityCredential(client_id=settings().client_id)
    return DefaultAzureCredential(managed_identity_client_id=settings().client_id)


@lru_cache(maxsize=1)
def _transport() -> Any:
    """One pool of connections for all clients: as many to a host as activities run at once, for as many hosts as lanes."""
    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_connections=MOST_LANES, pool_maxsize=32))
    return RequestsTransport(session=session, session_owner=False, connection_timeout=10, read_timeout=30)


def _arm() -> dict[str, Any]:
    return {
        "base_url": settings().arm_endpoint,
        "credential_scopes": [f"{settings().arm_audience}/.default"],
        "retry_policy": BriefRetry(),
        "transport": _transport(),
        "polling_interval": 2,
    }


@lru_cache
def devtestlabs(subscription: str) -> "DevTestLabsClient":
    from azure.mgmt.devtestlabs import DevTestLabsClient

    return DevTestLabsClient(credential(), subscription, **_arm())


@lru_cache
def compute(subscription: str) -> "ComputeManagementClient":
    from azure.mgmt.compute import ComputeManagementClient

    return ComputeManagementClient(credential(), subscription, **_arm())


@lru_cache(maxsize=512)
def blob_service(account: str) -> "BlobServiceClient":
    from azure.storage.blob import BlobServiceClient, ExponentialRetry

    return BlobServiceClient(
        settings().blob_url(account),
        credential=credential(),
        retry_policy=ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=1, random_jitter_range=1),
        transport=_transport(),
    )
