"""One contract for what keeps the blobs behind the storage front: Azurite, and the service in memory that sweeps use."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerClient, generate_blob_sas

from local.azure import LocalAzure
from local.azure.clock import Clock
from local.azure.in_process import exchange
from local.azure.memory_blobs import MemoryBlobService, MemoryBlobStore
from local.azure.operation_log import OperationLog
from local.azure.parts import Addresses, Parts
from local.azure.state import State
from local.azure.store import Store
from local.azure.tokens import STORAGE_AUDIENCE, create_token
from local.azure.vhd import vhd_blocks, vhd_length
from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import GOLDEN, MASTERS, world
from tests.resilience.wire import ARM, STORAGE, LaboratoryTransport, Wire

pytestmark = pytest.mark.slow
VHD = f"{GOLDEN}.vhd"


class Credential:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(*create_token("local", STORAGE_AUDIENCE))


@dataclass
class Service:
    """Storage accounts, whoever keeps them."""

    url: str
    more: dict[str, Any]

    def account(self, name: str) -> BlobServiceClient:
        return BlobServiceClient(f"{self.url}/{name}", credential=Credential(), retry_total=0, **self.more)

    def signed(self, blob: str, expires: timedelta = timedelta(hours=1), spoilt: bool = False) -> str:
        now = datetime.now(UTC)
        account = self.account("stfactory")
        key = account.get_user_delegation_key(now - timedelta(hours=2), now + timedelta(hours=1))
        signature = generate_blob_sas(
            "stfactory", MASTERS, blob, user_delegation_key=key, permission="r",
            start=now - timedelta(hours=2), expiry=now + expires,
        )  # fmt: skip
        signature = signature.replace("sig=", "sig=A") if spoilt else signature
        return f"{account.get_blob_client(MASTERS, blob).url}?{signature}"


@pytest.fixture(params=["azurite", "memory"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    if request.param == "azurite":
        azure: LocalAzure = request.getfixturevalue("azure")
        azure.control.behave(copySeconds=0)
        yield Service(azure.endpoints["storage"], {})
        return
    state, blobs = State(Store(tmp_path / "state.db")), MemoryBlobService()
    log = OperationLog(tmp_path / "operations.jsonl", Clock())
    parts = Parts(state, blobs, MemoryBlobStore(blobs), log, Addresses(ARM, STORAGE))

    async def read_source(url: str) -> int:
        headers = {"User-Agent": "axios/memory"}
        return (await exchange(parts.front.handle, "HEAD", url.removeprefix(STORAGE), headers, b"")).status

    blobs.read_source = read_source
    asyncio.run(parts.loader.load({**world(), "behave": {"copySeconds": 0}}))
    wire = Wire({"storage.laboratory": parts.front.handle}, lambda: None, lambda _: None, lambda: False)
    yield Service(STORAGE, {"transport": LaboratoryTransport(wire, lambda _: None)})
    log.close()


@pytest.fixture
def texts(service: Service) -> ContainerClient:
    container = service.account("sta").get_container_client("texts")
    container.create_container()
    return container


def refusal(call: Any) -> tuple[int | None, str]:
    with pytest.raises(HttpResponseError) as caught:
        call()
    return caught.value.status_code, refused_with(caught)


def test_a_blob_is_created_only_if_absent(texts):
    texts.upload_blob("a", b"one", metadata={"Run": "r1"})
    assert refusal(lambda: texts.upload_blob("a", b"two")) == (409, "BlobAlreadyExists")
    assert texts.download_blob("a").readall() == b"one"
    assert {key.lower(): value for key, value in texts.get_blob_client("a").get_blob_properties().metadata.items()} == {
        "run": "r1"
    }


def test_a_blob_is_changed_only_if_unchanged(texts):
    before = texts.upload_blob("a", b"one").get_blob_properties().etag
    unchanged: dict[str, Any] = {"overwrite": True, "etag": before, "match_condition": MatchConditions.IfNotModified}
    texts.upload_blob("a", b"two", **unchanged)
    assert texts.get_blob_client("a").get_blob_properties().etag != before
    assert refusal(lambda: texts.upload_blob("a", b"three", **unchanged)) == (412, "ConditionNotMet")
    assert refusal(lambda: texts.upload_blob("b", b"new", **unchanged)) == (412, "ConditionNotMet")
    condition: dict[str, Any] = {"etag": before, "match_condition": MatchConditions.IfNotModified}
    assert refusal(lambda: texts.delete_blob("a", **condition)) == (412, "ConditionNotMet")
    assert texts.download_blob("a").readall() == b"two"


def test_parts_of_a_blob_are_read(texts):
    texts.upload_blob("a", b"0123456789")
    texts.upload_blob("empty", b"")
    assert texts.download_blob("a", offset=3, length=4).readall() == b"3456"
    assert texts.download_blob("a", offset=0, length=99).readall() == b"0123456789"
    assert texts.download_blob("empty").readall() == b""
    assert refusal(lambda: texts.download_blob("empty", offset=0, length=9)) == (416, "InvalidRange")


def test_what_is_missing_is_told(service, texts):
    nowhere = service.account("sta").get_container_client("nowhere")
    assert not texts.get_blob_client("none").exists()
    assert not nowhere.get_blob_client("none").exists()
    assert refusal(lambda: texts.download_blob("none")) == (404, "BlobNotFound")
    assert refusal(lambda: nowhere.download_blob("none"))[0] == 404
    assert refusal(lambda: texts.delete_blob("none")) == (404, "BlobNotFound")
    assert refusal(lambda: nowhere.upload_blob("a", b"")) == (404, "ContainerNotFound")
    assert refusal(lambda: list(nowhere.list_blobs())) == (404, "ContainerNotFound")
    assert refusal(texts.create_container) == (409, "ContainerAlreadyExists")


def test_listings_tell_names_sizes_and_metadata_page_by_page(texts):
    for name in ("b/2", "a", "b/1", "c & d"):
        texts.upload_blob(name, name.encode(), metadata={"name": name})
    listed = [blob for page in texts.list_blobs(include=["metadata"], results_per_page=3).by_page() for blob in page]
    assert [(blob.name, blob.size, blob.metadata["name"]) for blob in listed] == [
        (name, len(name), name) for name in ("a", "b/1", "b/2", "c & d")
    ]
    assert [blob.name for blob in texts.list_blobs(name_starts_with="b/")] == ["b/1", "b/2"]
    known = texts.get_blob_client("a").get_blob_properties()
    assert listed[0].etag.strip('"') == known.etag.strip('"')
    texts.delete_blob("a")
    assert "a" not in [blob.name for blob in texts.list_blobs()]


def test_a_copy_holds_what_its_source_holds(service, texts):
    target = texts.get_blob_client("copy.vhd")
    target.start_copy_from_url(service.signed(VHD), metadata={"run": "r1"}, match_condition=MatchConditions.IfMissing)
    known = target.get_blob_properties()
    assert (known.copy.status, known.size, known.metadata) == ("success", vhd_length(1), {"run": "r1"})
    offset, data = next(vhd_blocks("golden", vhd_length(1)))
    assert texts.download_blob("copy.vhd", offset=offset, length=len(data) + 512).readall() == data + bytes(512)
    (listed,) = texts.list_blobs(include=["copy"])
    assert (listed.copy.id, listed.copy.status) == (known.copy.id, "success")
    again = refusal(lambda: target.start_copy_from_url(service.signed(VHD), match_condition=MatchConditions.IfMissing))
    assert again == (409, "BlobAlreadyExists")


@pytest.mark.parametrize(
    "spoiling", [{"spoilt": True}, {"expires": -timedelta(minutes=1)}], ids=["signature", "expired"]
)
def test_a_copy_whose_source_may_not_be_read_is_refused(service, texts, spoiling):
    status, _ = refusal(lambda: texts.get_blob_client("copy.vhd").start_copy_from_url(service.signed(VHD, **spoiling)))
    assert status == 403
    assert not texts.get_blob_client("copy.vhd").exists()


def test_a_copy_of_nothing_is_refused(service, texts):
    status, _ = refusal(lambda: texts.get_blob_client("copy.vhd").start_copy_from_url(service.signed("none.vhd")))
    assert status == 404
