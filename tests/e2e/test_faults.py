"""Faults of the original's distribution that ours must not have, each named after its number; one rich world, run once."""

import hashlib
import json
import re
from dataclasses import dataclass

import pytest

from tests.e2e import fault_worlds as given
from tests.e2e.conftest import Factory
from tests.e2e.end_state import (
    Json,
    all_blobs,
    custom_images,
    deletions,
    endings,
    finding_codes,
    image_names,
    pair,
    vhd_blobs,
)
from tests.e2e.test_the_job import SECRETS
from tests.e2e.worlds import OTHER, SUBSCRIPTION

pytestmark = pytest.mark.slow

WIN = "Win2016\\Datacenter.json"


@dataclass(frozen=True)
class Done:
    """A run that has ended, and the world before and after it."""

    factory: Factory
    report: Json
    before: Json
    after: Json
    operations: list[Json]

    def writes_to(self, *names: str) -> list[Json]:
        """Effects on accounts or labs of these names."""
        return [call for call in self.operations if any(f"/{name}/" in f"{call['path']}/" for name in names)]


@pytest.fixture(scope="module")
def done(factory: Factory) -> Done:
    factory.give(given.distribution())
    factory.configure(given.configuration())
    before = factory.world()
    factory.control.clear_operations()
    report = factory.run()
    return Done(factory, report, before, factory.world(), factory.operations(effects_only=True))


# --- Which images, which labs


def test_b3_entries_match_whole_segments_only(done: Done) -> None:
    assert image_names(done.after, "lab-neighbour") == {given.DATACENTER}
    codes = {finding["path"]: finding["code"] for finding in done.report["findings"]}
    place = next(path for path, code in codes.items() if code == "LeadingSlash").rpartition("[")[0]
    expected = given.entries_that_take_nothing().values()
    assert [codes[f"{place}[{number}]"] for number, _ in enumerate(expected, 2)] == list(expected)


def test_b3_what_was_probably_meant_is_told(done: Done) -> None:
    advice = {finding["message"]: finding["next"] for finding in done.report["findings"]}
    assert any('"Win2016"' in told for said, told in advice.items() if '"Win201"' in said)


def test_b4_w6_x10_one_matcher_without_case_and_with_either_separator(done: Done) -> None:
    assert pair(done.report, "LAB-CASE", WIN)["state"] == "present"
    assert pair(done.report, "LAB-CASE", "Linux\\Ubuntu.json")["state"] == "delivered"


def test_b5_every_fault_is_reported_at_its_place_and_the_good_labs_are_served(done: Done) -> None:
    assert done.report["state"] == "PartiallySucceeded"
    assert {finding["code"] for finding in done.report["findings"]} >= {
        "LabDuplicate", "ImagePathsMissing", "ImagePathsNotList", "EntryMatchesNothing",
    }  # fmt: skip
    labs_findings = [finding for finding in done.report["findings"] if finding["path"].startswith("$")]
    assert all(finding["line"] > 1 and finding["next"] for finding in labs_findings)
    for lab in ("lab-good", "lab-neighbour", "lab-spelled", "lab-elsewhere", "lab-text"):
        assert given.DATACENTER in image_names(done.after, lab), lab


def test_b5_labs_that_are_set_aside_get_no_write(done: Done) -> None:
    aside = (
        "lab-twin",
        "lab-twice",
        "lab-keyless",
        "lab-denied",
        "sttwinone",
        "sttwintwo",
        "stlabtwice",
        "stlabkeyless",
    )
    assert done.writes_to(*aside, "stlabdenied") == []


@pytest.mark.parametrize("group", ["one", "two"])
def test_b6_the_resource_group_tells_two_labs_of_one_name_apart(done: Done, group: str) -> None:
    expected = {"one": {given.DATACENTER}, "two": {given.UBUNTU}}
    assert image_names(done.after, "lab-double", rg=f"rg-{group}") == expected[group]


def test_b6_w3_two_labs_of_one_name_without_resource_group_are_set_aside(done: Done) -> None:
    row = pair(done.report, "lab-twin", WIN)
    assert (row["state"], row["code"]) == ("failed", "LabAmbiguous")
    assert "rg-one" in row["message"] + row["next"]
    assert custom_images(done.after, "lab-twin") == []


@pytest.mark.parametrize(
    ("lab", "subscription"),
    [("lab-none-1", SUBSCRIPTION), ("lab-none-2", SUBSCRIPTION), ("lab-none-3", OTHER), ("lab-twin", OTHER)],
)
def test_b7_b8_x4_a_missing_lab_is_an_error_cell_and_nothing_else(done: Done, lab: str, subscription: str) -> None:
    assert set(endings(done.report, lab, subscription)) == {"LabNotFound"}
    assert [call for call in done.operations if f"/labs/{lab}/" in call["path"] and subscription in call["path"]] == []


def test_x1_the_last_lab_of_another_subscription_leaves_no_trace(done: Done) -> None:
    assert custom_images(done.after, "my-factory") == custom_images(done.before, "my-factory")
    assert done.writes_to("my-factory", "stmyfactory") == []


def test_x2_an_unknown_subscription_gives_nothing_to_a_lab_of_that_name_elsewhere(done: Done) -> None:
    assert set(endings(done.report, "lab-good", given.DEAD)) == {"SubscriptionNotFound"}
    assert set(endings(done.report, "lab-denied", given.DENIED)) == {"AuthorizationFailed"}
    assert endings(done.report, "lab-good")["delivered"] >= 5


def test_x3_a_lab_in_two_entries_is_set_aside_and_both_places_are_named(done: Done) -> None:
    rows = [row for row in done.report["pairs"] if row["lab"].lower() == "lab-twice"]
    assert {row["code"] for row in rows} == {"LabDuplicate"}
    assert {row["imagePath"] for row in rows} == {WIN, "Linux\\Ubuntu.json"}
    assert len(set(re.findall(r"\$\.Labs\[\d+\]", rows[0]["message"]))) == 2
    assert custom_images(done.after, "lab-twice") == []


def test_x16_one_text_is_a_list_of_one_but_a_missing_key_is_no_wish(done: Done) -> None:
    assert image_names(done.after, "lab-text") == {given.DATACENTER}
    assert "ImagePathsNotList" in finding_codes(done.report)
    assert "ImagePathsMissing" in finding_codes(done.report)


def test_b32_x21_the_region_is_never_a_reason_to_refuse(done: Done) -> None:
    assert image_names(done.after, "lab-spelled") == {given.DATACENTER}
    assert image_names(done.after, "lab-north", subscription=OTHER) == {given.DATACENTER}


def test_x29_names_of_labs_and_images_are_compared_without_case(done: Done) -> None:
    assert image_names(done.after, "lab-case") == {given.DATACENTER.upper(), given.UBUNTU}


# --- Which version


def test_b30_only_the_newest_version_is_delivered(done: Done) -> None:
    assert done.writes_to(given.DATACENTER_OLD) == []
    assert pair(done.report, "lab-good", WIN)["image"] == given.DATACENTER


def test_b31_w4_two_golden_images_of_one_name_are_one_image_and_one_conflict(done: Done) -> None:
    newer, older = pair(done.report, "lab-good", "B\\Same.json"), pair(done.report, "lab-good", "A\\Same.json")
    assert newer["state"] == "delivered"
    assert (older["state"], older["code"]) == ("failed", "ImageNameTwice")
    assert len([call for call in done.writes_to(given.SAME) if call["method"] == "PUT"]) == 1


def test_x19_an_image_of_that_name_with_another_path_is_a_conflict_not_present(done: Done) -> None:
    row = pair(done.report, "lab-stock", WIN)
    assert (row["state"], row["code"]) == ("failed", "ImageConflict")


def test_b31_a_failed_image_that_is_not_ours_is_reported_and_left_alone(done: Done) -> None:
    assert pair(done.report, "lab-stock", "Win2016Core\\x.json")["code"] == "ImageConflict"
    assert custom_images(done.after, "lab-stock") == custom_images(done.before, "lab-stock")
    assert done.writes_to("lab-stock", "stlabstock") == []


def test_x13_day_and_month_are_told_by_the_name_and_a_guess_is_reported(done: Done) -> None:
    assert pair(done.report, "lab-good", "Time\\Stamp.json")["image"] == "Time_Stamp-Aug-3-2018"
    assert pair(done.report, "lab-good", "Time\\None.json")["state"] == "delivered"
    guessed = [finding for finding in done.report["findings"] if finding["code"] == "TimestampGuessed"]
    assert [finding["severity"] for finding in guessed] == ["warning"]


def test_b43_a_manifest_whose_vhd_is_gone_has_a_reason_of_its_own(done: Done) -> None:
    row = pair(done.report, "lab-good", "Gone\\Vhd.json")
    assert (row["state"], row["code"]) == ("failed", "VhdMissing")


def test_b45_b46_unreadable_manifests_are_set_aside_and_their_vhds_stay(done: Done) -> None:
    broken = [finding for finding in done.report["findings"] if finding["code"] == "ManifestUnreadable"]
    assert sorted(finding["path"] for finding in broken) == sorted(given.BROKEN)
    assert {finding["severity"] for finding in broken} == {"warning"}
    assert {name.replace(".json", ".vhd") for name in given.BROKEN} <= vhd_blobs(done.after, "stfactory").keys()


def test_x20_a_name_that_azure_does_not_allow_is_an_error_cell(done: Done) -> None:
    assert pair(done.report, "lab-good", "Bad\\Name.json")["code"] == "ImageNameInvalid"


def test_x12_letters_beyond_ascii_are_one_image_in_every_stage(done: Done) -> None:
    assert pair(done.report, "lab-good", "Üml\\Bild.json")["state"] == "delivered"
    (image,) = (image for image in custom_images(done.after, "lab-good") if image["name"] == given.BILD)
    assert image["tags"]["ImagePath"] == "Üml\\Bild.json"


# --- What is made, what stays


def test_b10_the_report_and_the_images_say_which_configuration_was_used(done: Done) -> None:
    sha256 = hashlib.sha256(given.labs()).hexdigest()
    assert done.report["configuration"]["sha256"] == sha256
    made = [image for image in custom_images(done.after) if image.get("vhdUri")]
    assert {image["tags"]["FactoryConfiguration"] for image in made} == {sha256}


def test_b36_two_labs_of_one_resource_group_get_the_same_image_at_the_same_time(done: Done) -> None:
    for lab in ("lab-good", "lab-neighbour"):
        assert pair(done.report, lab, WIN)["state"] == "delivered"


def test_b37_b38_the_image_is_what_its_manifest_says(done: Done) -> None:
    body = {image["name"]: image for image in custom_images(done.after, "lab-good")}
    ubuntu = body[given.UBUNTU]
    assert (ubuntu["osType"], ubuntu["tags"]["ImagePath"]) == ("Linux", "Linux\\Ubuntu.json")
    assert ubuntu["description"] == "made by the original"
    assert ubuntu["tags"].keys() >= {"ImagePath", "FactoryId", "FactoryRun", "FactoryBuilt", "FactoryConfiguration"}
    assert ubuntu["tags"]["FactoryBuilt"] == "2026-11-04T13:02:03Z"


def test_b39_b42_the_result_is_told_for_each_pair(done: Done) -> None:
    assert endings(done.report, "lab-fails") == {"CopyFailed": 1, "DiskFull": 1, "delivered": 1}
    assert done.report["counts"]["failed"] == sum(row["state"] == "failed" for row in done.report["pairs"])
    assert image_names(done.after, "lab-fails") == {given.DATACENTER}


@pytest.mark.parametrize("account", ["stlabgood", "stlabfails", "stlabtwice"])
def test_b40_x22_only_own_blobs_are_deleted_and_never_a_container(done: Done, account: str) -> None:
    assert vhd_blobs(done.after, account).keys() == {given.FOREIGN, given.FOREIGN_COPY}


def test_b41_x5_the_factory_lab_as_target_keeps_its_masters(done: Done) -> None:
    before, after = (vhd_blobs(world, "stfactory") for world in (done.before, done.after))
    assert before == after
    assert image_names(done.after, "factory") == {given.DATACENTER}
    (image,) = custom_images(done.after, "factory")
    assert image["vhdUri"].endswith(f"stfactory/imagefactoryvhds/{given.vhd_of(2)}")
    assert image["digest"] == before[given.vhd_of(2)]["digest"]


def test_b44_no_key_is_asked_for_and_the_account_may_be_in_another_group(done: Done) -> None:
    assert image_names(done.after, "lab-elsewhere") == {given.DATACENTER}
    assert [call for call in done.factory.operations() if "listkeys" in call["path"].lower()] == []


def test_b29_no_secret_is_told_of_a_copy_that_failed(done: Done) -> None:
    for name, data in done.factory.journal(done.report["runId"]).items():
        assert not SECRETS.search(data), name
    assert not SECRETS.search(json.dumps(done.report).encode())


def test_i7_nothing_without_our_mark_is_deleted_or_changed(done: Done) -> None:
    before, after = (
        {(place, blob["name"]): blob.get("digest") or blob.get("text") for place, blob in all_blobs(world)}
        for world in (done.before, done.after)
    )
    assert before.items() <= after.items()
    keys = ("subscription", "rg", "lab", "name", "state", "tags")
    images = [[image[key] for key in keys] for image in custom_images(done.after)]
    assert [image for image in custom_images(done.before) if [image[key] for key in keys] not in images] == []
    run = done.report["runId"]
    assert all(path.rpartition("/")[2].startswith(run) for path in deletions(done.operations))


def test_i2_no_copy_of_ours_is_left(done: Done) -> None:
    assert [blob["name"] for _, blob in all_blobs(done.after) if blob["name"].startswith(done.report["runId"])] == []


# --- Last, because it runs again on what is there


def test_b31_our_failed_image_is_made_again_and_nothing_else_is_done(done: Done) -> None:
    factory, name = done.factory, "Fails_Image-Nov-11-2026"
    assert [image["state"] for image in custom_images(done.after, "lab-fails") if image["name"] == name] == ["Failed"]
    factory.control.behave(deploy={f"lab-fails/{name}": "Succeeded"})
    factory.control.clear_operations()
    report = factory.run()
    assert pair(report, "lab-fails", "Fails\\Image.json")["state"] == "delivered"
    effects = factory.operations(effects_only=True)
    deleted = {path.rpartition("/")[2] for path in deletions(effects) if "/customimages/" in path.lower()}
    assert deleted == {name}
    made = [call for call in effects if call["method"] == "PUT" and "/customimages/" in call["path"].lower()]
    assert [call["path"].rpartition("/")[2] for call in made] == [name]
