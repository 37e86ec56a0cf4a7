"""Blob storage as the SDK sees it: who may, what copies do, what listings tell."""

import time

import pytest
from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
)
from azure.mgmt.compute.models import GrantAccessData
from azure.storage.blob import BlobServiceClient, generate_account_sas

from local.azure.azurite import account_key
from local.azure.vhd import seeded_digest, vhd_length
from tests.local.azure.refusals import refused_with
from tests.local.azure.worlds import GOLDEN, MASTERS

pytestmark = pytest.mark.slow
VHD = f"{GOLDEN}.vhd"


def copy_status(blob):
    return blob.get_blob_properties().copy.status


@pytest.fixture
def golden(clients):
    return clients.signed("stfactory", MASTERS, VHD)


@pytest.fixture
def target(clients):
    return clients.account("sta").get_blob_client(MASTERS, "copy.vhd")


def test_a_copy_is_pending_for_a_while_and_then_complete(azure, golden, target):
    azure.control.set_speed(0)
    started = target.start_copy_from_url(golden, metadata={"run": "r1"})
    assert started["copy_status"] == "pending"
    azure.control.advance(0.2)
    pending = target.get_blob_properties()
    assert (pending.copy.status, pending.copy.completion_time, pending.size) == ("pending", None, vhd_length(1))
    done, total = map(int, pending.copy.progress.split("/"))
    assert 0.4 < done / total < 0.6
    assert pending.etag == started["etag"]
    azure.control.advance(0.2)
    complete = target.get_blob_properties()
    assert (complete.copy.status, complete.copy.id) == ("success", started["copy_id"])
    assert complete.copy.progress == f"{total}/{total}"
    assert complete.metadata == {"run": "r1"}
    assert complete.etag != pending.etag
    assert azure.control.digest(target.url) == {"digest": seeded_digest("golden", total), "length": total}


def test_a_pending_copy_lets_nobody_write_or_delete(azure, golden, target):
    azure.control.behave(copySeconds=60)
    target.start_copy_from_url(golden)
    for call in (
        lambda: target.start_copy_from_url(golden),
        lambda: target.upload_blob(b"x", overwrite=True),
        lambda: target.set_blob_metadata({"a": "b"}),
        target.delete_blob,
    ):
        with pytest.raises(ResourceExistsError) as caught:
            call()
        assert refused_with(caught) == "PendingCopyOperation"


def test_what_a_pending_copy_will_hold_cannot_be_read_yet(azure, golden, target):
    azure.control.behave(copySeconds=60)
    target.start_copy_from_url(golden)
    assert target.download_blob(offset=0, length=512).readall() == bytes(512)


def test_an_aborted_copy_leaves_an_empty_blob_with_metadata(azure, golden, target):
    azure.control.behave(copySeconds=60)
    started = target.start_copy_from_url(golden, metadata={"run": "r1"})
    with pytest.raises(ResourceExistsError) as wrong:
        target.abort_copy("00000000-0000-0000-0000-000000000000")
    assert refused_with(wrong) == "CopyIdMismatch"
    target.abort_copy(started["copy_id"])
    left = target.get_blob_properties()
    assert (left.copy.status, left.size, left.metadata) == ("aborted", 0, {"run": "r1"})
    with pytest.raises(ResourceExistsError) as again:
        target.abort_copy(started["copy_id"])
    assert refused_with(again) == "NoPendingCopyOperation"
    target.delete_blob()
    assert azure.control.world()["storage"][1]["containers"][0]["blobs"] == []


@pytest.mark.parametrize("key", [f"sta/{VHD}", "*"])
def test_a_copy_fails_when_the_world_says_so(azure, golden, target, key):
    azure.control.set_speed(0)
    azure.control.behave(copy={key: {"statuses": ["Pending", "Failed"], "total": 10}})
    assert target.start_copy_from_url(golden)["copy_status"] == "pending"
    azure.control.advance(1.9)
    assert copy_status(target) == "pending"
    azure.control.advance(0.2)
    failed = target.get_blob_properties()
    assert (failed.copy.status, failed.size) == ("failed", 0)
    assert failed.copy.status_description.startswith("500 InternalServerError")


def test_a_stalled_copy_never_ends(azure, golden, target):
    azure.control.set_speed(0)
    azure.control.behave(copy={"*": {"statuses": ["Pending", "Stalled"]}})
    target.start_copy_from_url(golden)
    azure.control.advance(10_000_000)
    first = target.get_blob_properties().copy
    azure.control.advance(10_000_000)
    assert (copy_status(target), target.get_blob_properties().copy.progress) == ("pending", first.progress)


def test_a_copy_stalls_where_the_world_says(azure, golden, target):
    azure.control.set_speed(0)
    azure.control.behave(copy={"*": {"statuses": ["Stalled"], "progress": 0.75}})
    target.start_copy_from_url(golden)

    def share():
        copy = target.get_blob_properties().copy
        done, total = map(int, copy.progress.split("/"))
        return copy.status, round(done / total, 3)

    seen = [share()]
    for seconds in (5, 5, 1_000_000):
        azure.control.advance(seconds)
        seen.append(share())
    azure.control.put_world(azure.control.world())
    azure.control.advance(1_000_000)
    assert [*seen, share()] == [("pending", part) for part in (0, 0.375, 0.75, 0.75, 0.75)]


@pytest.mark.parametrize(
    ("length", "left"), [(0.5, vhd_length(1) // 2 // 512 * 512), (1024, 1024), (2.0, 2 * vhd_length(1)), (0, 0)]
)
@pytest.mark.parametrize("seconds", [0, 1])
def test_a_copy_that_succeeds_may_be_of_the_wrong_length(azure, golden, target, length, left, seconds):
    azure.control.set_speed(0)
    azure.control.behave(copy={f"sta/{VHD}": {"length": length, "seconds": seconds}})
    target.start_copy_from_url(golden, metadata={"run": "r1"})
    azure.control.advance(1)
    made = target.get_blob_properties()
    assert (made.copy.status, made.size, made.metadata) == ("success", left, {"run": "r1"})
    assert made.copy.progress == f"{vhd_length(1)}/{vhd_length(1)}"


def test_a_copy_that_the_world_aborts_leaves_nothing(azure, golden, target):
    azure.control.behave(copy={"*": {"statuses": ["Aborted"], "seconds": 1}})
    target.start_copy_from_url(golden)
    azure.control.advance(1)
    left = target.get_blob_properties()
    assert (left.copy.status, left.size) == ("aborted", 0)


def test_a_copy_fails_when_its_source_goes_away(clients, azure, golden, target):
    azure.control.behave(copySeconds=60)
    target.start_copy_from_url(golden)
    clients.account("stfactory").get_blob_client(MASTERS, VHD).delete_blob()
    assert copy_status(target) == "failed"


def test_a_listing_tells_of_copies_only_when_asked(clients, azure, golden, target):
    azure.control.behave(copySeconds=60)
    target.start_copy_from_url(golden)
    container = clients.account("sta").get_container_client(MASTERS)
    (told,) = container.list_blobs(include=["copy", "metadata"])
    assert (told.copy.status, told.size, told.etag) == (
        "pending",
        vhd_length(1),
        target.get_blob_properties().etag.strip('"'),
    )
    (silent,) = container.list_blobs()
    assert silent.copy.status is None


def test_a_copy_within_an_account_needs_no_signature(clients, azure):
    account = clients.account("stfactory")
    copied = account.get_blob_client(MASTERS, "again.vhd")
    source = account.get_blob_client(MASTERS, VHD).url
    assert copied.start_copy_from_url(source)["copy_status"] == "pending"
    azure.control.advance(1)
    assert copy_status(copied) == "success"


def test_a_copy_onto_an_existing_blob_can_be_made_conditional(azure, golden, target):
    azure.control.behave(copySeconds=0)
    assert target.start_copy_from_url(golden)["copy_status"] == "success"
    with pytest.raises(ResourceExistsError):
        target.start_copy_from_url(golden, match_condition=MatchConditions.IfMissing)


def test_a_copy_of_another_kind_of_blob_is_refused(golden, target):
    target.upload_blob(b"text")
    with pytest.raises(ResourceExistsError) as caught:
        target.start_copy_from_url(golden)
    assert refused_with(caught) == "InvalidBlobType"


@pytest.mark.parametrize("spoil", ["unsigned", "forged", "elsewhere"])
def test_a_source_must_be_readable(golden, target, spoil):
    url = {
        "unsigned": golden.partition("?")[0],
        "forged": golden[:-8] + "AAAAAA%3D",
        "elsewhere": "https://example.com/a/b/c",
    }
    with pytest.raises(HttpResponseError) as caught:
        target.start_copy_from_url(url[spoil])
    assert refused_with(caught) == "CannotVerifyCopySource"


def test_a_disk_is_copied_by_its_sas_and_not_after_its_end(clients, azure, target):
    disks = clients.compute().disks
    access = GrantAccessData(access="Read", duration_in_seconds=3600)
    url = disks.begin_grant_access("rg-ready", "ready-os", access).result().access_sas
    target.start_copy_from_url(url)
    azure.control.advance(1)
    assert copy_status(target) == "success"
    second = clients.account("sta").get_blob_client(MASTERS, "second.vhd")
    azure.control.behave(copySeconds=60)
    second.start_copy_from_url(url)
    disks.begin_revoke_access("rg-ready", "ready-os").result()
    assert copy_status(second) == "failed"
    third = clients.account("sta").get_blob_client(MASTERS, "third.vhd")
    with pytest.raises(HttpResponseError) as caught:
        third.start_copy_from_url(url)
    assert (caught.value.status_code, refused_with(caught)) == (403, "CannotVerifyCopySource")


def test_a_disk_grant_runs_out_in_real_time(clients, target):
    access = GrantAccessData(access="Read", duration_in_seconds=2)
    disks = clients.compute().disks
    url = disks.begin_grant_access("rg-ready", "ready-os", access).result().access_sas
    time.sleep(2.1)
    assert disks.get("rg-ready", "ready-os").disk_state == "Reserved"
    with pytest.raises(HttpResponseError) as caught:
        target.start_copy_from_url(url)
    assert refused_with(caught) == "CannotVerifyCopySource"


def test_a_scripted_copy_of_a_disk_goes_by_its_name(clients, azure, target):
    azure.control.behave(copy={"sta/ready-os.vhd": {"statuses": ["Failed"]}})
    access = GrantAccessData(access="Read", duration_in_seconds=3600)
    url = clients.compute().disks.begin_grant_access("rg-ready", "ready-os", access).result().access_sas
    target.start_copy_from_url(url)
    assert copy_status(target) == "failed"


def test_keys_are_refused_everywhere(azure, clients):
    for account in ("stfactory", azure.endpoints["journalAccount"]):
        key = clients.account(account, AzureNamedKeyCredential(account, account_key(account)))
        with pytest.raises(HttpResponseError) as caught:
            list(key.list_containers())
        assert (caught.value.status_code, refused_with(caught)) == (403, "KeyBasedAuthenticationNotPermitted")


def test_a_signature_made_with_a_key_is_refused(clients):
    from datetime import UTC, datetime, timedelta

    until = datetime.now(UTC) + timedelta(hours=1)
    sas = generate_account_sas("stfactory", account_key("stfactory"), "co", "rl", expiry=until)
    anonymous = BlobServiceClient(clients.account("stfactory").url.rstrip("/") + "?" + sas, retry_total=0)
    with pytest.raises(HttpResponseError) as caught:
        list(anonymous.get_container_client(MASTERS).list_blobs())
    assert refused_with(caught) == "KeyBasedAuthenticationNotPermitted"


def test_without_credentials_nothing_is_read(clients):
    anonymous = BlobServiceClient(clients.account("stfactory").url, retry_total=0)
    with pytest.raises(ClientAuthenticationError):
        anonymous.get_blob_client(MASTERS, VHD).get_blob_properties()


def test_a_denied_account_says_so(clients, azure):
    azure.control.put_world({"subscriptions": [], "storage": [{"account": "stdenied", "denied": True}]})
    with pytest.raises(HttpResponseError) as caught:
        list(clients.account("stdenied").list_containers())
    assert (caught.value.status_code, refused_with(caught)) == (403, "AuthorizationPermissionMismatch")


def test_the_system_account_has_the_containers_of_the_app(clients, azure):
    journal = clients.account(azure.endpoints["journalAccount"])
    assert [container.name for container in journal.list_containers()] == ["configuration", "runs"]
    blob = journal.get_blob_client("runs", "r1/run.json")
    etag = blob.upload_blob(b"{}", match_condition=MatchConditions.IfMissing)["etag"]
    with pytest.raises(ResourceExistsError):
        blob.upload_blob(b"{}", match_condition=MatchConditions.IfMissing)
    blob.upload_blob(b"[]", overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError):
        blob.upload_blob(b"[]", overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)
    logged = [
        (entry["effect"], entry["account"], entry["status"])
        for entry in azure.control.operations()
        if entry["service"] == "blob"
    ]
    account = azure.endpoints["journalAccount"]
    assert logged[1:] == [
        ("create", account, 201),
        ("none", account, 409),
        ("update", account, 201),
        ("none", account, 412),
    ]


def test_effects_of_copies_are_logged_and_storage_itself_is_not(clients, azure, target):
    azure.control.clear_operations()
    target.start_copy_from_url(clients.signed("stfactory", MASTERS, VHD))
    azure.control.advance(1)
    target.delete_blob()
    logged = [(entry["account"], entry["effect"]) for entry in azure.control.operations() if entry["service"] == "blob"]
    assert logged == [("stfactory", "grant"), ("sta", "copy"), ("sta", "delete")]


def test_who_reads_by_signature_is_known_by_it(azure, golden):
    import requests

    assert requests.head(golden, verify=azure.endpoints["caBundle"], timeout=10).status_code == 200
    assert azure.control.operations()[-1]["caller"] == "app"


def test_names_with_spaces_and_slashes_go_through(clients):
    blob = clients.account("stb").get_blob_client(MASTERS, "Golden Images/Win 2016/Ümlaut (x).json")
    blob.upload_blob("ä".encode(), metadata={"mark": "a"}, tags={"state": "ready now"})
    assert blob.download_blob().readall().decode() == "ä"
    assert [
        b.name
        for b in clients.account("stb").get_container_client(MASTERS).list_blobs(name_starts_with="Golden Images/W")
    ] == [blob.blob_name]
    assert blob.get_blob_tags() == {"state": "ready now"}
