"""One simulator for all tests of this folder; every test begins with a fresh world."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.devtestlabs import DevTestLabsClient
from azure.storage.blob import BlobServiceClient, generate_blob_sas

from local.azure import LocalAzure
from tests.local.azure.worlds import ONE, world


@dataclass
class Clients:
    """The real SDKs against the simulator, as the developer: the app's roles hold less (see test_authorization.py)."""

    azure: LocalAzure

    def __post_init__(self) -> None:
        self.credential = ManagedIdentityCredential()

    def _arm(self) -> dict[str, Any]:
        return {
            "base_url": os.environ["ARM_ENDPOINT"],
            "credential_scopes": [os.environ["ARM_AUDIENCE"] + "/.default"],
            "retry_total": 0,
        }

    def labs(self, subscription: str = ONE) -> DevTestLabsClient:
        return DevTestLabsClient(self.credential, subscription, **self._arm())

    def compute(self, subscription: str = ONE) -> ComputeManagementClient:
        return ComputeManagementClient(self.credential, subscription, **self._arm())

    def account(self, name: str, credential: Any = None) -> BlobServiceClient:
        url = os.environ["BLOB_ENDPOINT"].format(account=name)
        return BlobServiceClient(url, credential=credential or self.credential, retry_total=0)

    def signed(self, account: str, container: str, blob: str) -> str:
        """The blob's URL with a user-delegation signature."""
        now = datetime.now(UTC)
        service = self.account(account)
        key = service.get_user_delegation_key(now - timedelta(minutes=5), now + timedelta(hours=1))
        signature = generate_blob_sas(
            account, container, blob, user_delegation_key=key, permission="r",
            start=now - timedelta(minutes=5), expiry=now + timedelta(hours=1),
        )  # fmt: skip
        return f"{service.get_blob_client(container, blob).url}?{signature}"


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    with LocalAzure(tmp_path_factory.mktemp("azure"), world()) as azure:
        yield azure


@pytest.fixture
def azure(simulator: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> LocalAzure:
    """A simulator with the world of these tests, which the process's environment leads to."""
    simulator.control.clear_faults()
    simulator.control.put_world(world())
    simulator.control.clear_operations()
    for name, value in simulator.environment("local").items():
        monkeypatch.setenv(name, value)
    return simulator


@pytest.fixture
def clients(azure: LocalAzure) -> Clients:
    return Clients(azure)
