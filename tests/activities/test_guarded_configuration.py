"""A labs.json that is broken never becomes active: runs go on with the last good one, say so, and no run follows the other."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from activities import configuration as reading
from activities import last_good
from activities.claim import Release, Released, release_claim, take_claim
from activities.configuration import configuration_container, configuration_etag
from activities.last_good import find_last_good, sha256, stored
from activities.report import Closing, write_report
from api import uploads
from api.explaining import explain_now
from api.uploads import report_on_upload
from local.azure import Control
from shared.azure.labs import factory_lab
from shared.domain.outcomes import RunState
from shared.domain.runs import Run, RunRequest
from shared.errors import ConfigurationError, PermanentError
from shared.journal import FrozenConfiguration, Journal, read_claim
from tests.activities.conftest import RUN, YOUNGER, configured, effects, lose_claim, started, upload
from tests.activities.interleaving import Killed, die, just_before
from tests.e2e.blobs import BlobClient
from tests.e2e.worlds import World, asks, labs_json

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("control")]

Give = Callable[[World], Control]
SECOND, THIRD = "20261124T020509Z-bbbb", "20261125T020509Z-cccc"
GOOD, OTHER = labs_json(asks("lab-a", "Win2016")), labs_json(asks("lab-a", "Win2016"), asks("lab-b", "Win2019"))
BROKEN = GOOD[:-20]
NAMELESS = b'{"Colour": 1,\n"Labs": [{"ImagePaths": []}]}'
USELESS = labs_json(asks("lab-a", "Win2016", subscription="Production"))


@pytest.fixture
def control(given: Give) -> Control:
    return given(World().lab("lab-a"))


def run(run_id: str) -> Run:
    """A run that holds the claim and has read its configuration."""
    held = started(run_id)
    configured(held)
    return held


def ended(run: Run, next_run: str = YOUNGER) -> Released:
    return release_claim(Release(run, next_run)).state


def frozen(run: Run) -> FrozenConfiguration:
    return Journal(run.id).read("configuration.json", FrozenConfiguration)


def seen() -> str:
    claim = read_claim(factory_lab().account).claim
    assert claim
    return claim.seen_etag


def report_beside() -> str:
    found = configuration_container().find("labs.json.report.md")
    return found.data.decode() if found else ""


def written(control: Control) -> list[str]:
    return [call["path"].rpartition("/")[2] for call in control.operations() if call["effect"] not in ("none",)]


# --- Which configuration is used


def test_a_first_configuration_that_is_broken_is_not_used_and_leaves_nothing_to_go_on_with(control: Control) -> None:
    upload(control, "labs.json", BROKEN)
    read = configured(started())
    assert (read.usable, read.labs) == (False, 0)
    assert find_last_good() is None


def test_while_the_configuration_is_broken_runs_use_the_last_good_one_and_say_so(control: Control) -> None:
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    good = configuration_etag()
    upload(control, "labs.json", BROKEN)
    for run_id in (SECOND, THIRD):
        working = run(run_id)
        used = frozen(working)
        assert [lab.name for lab in used.labs] == ["lab-a"]
        assert (used.usable, used.etag, used.sha256) == (True, good, sha256(GOOD))
        first, *others = used.findings
        assert (first.severity, first.code, first.path) == ("error", "LastGoodUsed", "labs.json")
        assert sha256(GOOD) in first.message
        assert configuration_etag() in first.message
        assert [found.code for found in others] == ["NotJson"]
        assert ended(working) is Released.RELEASED


def test_a_run_with_the_last_good_configuration_is_partial_at_best(control: Control) -> None:
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    upload(control, "labs.json", BROKEN)
    working = run(SECOND)
    assert write_report(Closing(SECOND, datetime.now(UTC), working)).state is RunState.PARTIALLY_SUCCEEDED
    report = json.loads(Journal(SECOND).find("report.json") or b"")
    assert report["configuration"]["sha256"] == sha256(GOOD)
    assert report["findings"][0]["code"] == "LastGoodUsed"


def test_an_explanation_goes_by_the_last_good_one_too_and_says_what_is_wrong_with_that_one(control: Control) -> None:
    upload(control, "labs.json", labs_json(asks("lab-a", "Win2016", "../Win2019")))
    ended(run(RUN))
    upload(control, "labs.json", NAMELESS)
    [explained] = explain_now("lab-a", "Win2016").explanations
    assert [rule.found.partition(": ")[2].partition(":")[0] for rule in explained.trace if rule.rule == "finding"] == [
        "LastGoodUsed",
        "EntryDots",
    ]


def test_an_unusable_configuration_is_explained_by_what_makes_it_so(control: Control) -> None:
    upload(control, "labs.json", NAMELESS)
    with pytest.raises(ConfigurationError, match="The lab has no SubscriptionId"):
        explain_now("lab-a", "Win2016")


def test_a_configuration_that_is_gone_is_not_replaced(control: Control) -> None:
    """Whoever deletes labs.json wants nothing to be delivered any more."""
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    BlobClient(os.environ).delete("configuration", "labs.json")
    working = started(SECOND)
    assert not configured(working).usable
    assert ended(working) is Released.RELEASED


def test_the_one_that_is_good_again_is_used_and_is_the_next_to_go_on_with(control: Control) -> None:
    for run_id, data in ((RUN, GOOD), (SECOND, BROKEN), (THIRD, OTHER)):
        upload(control, "labs.json", data)
        ended(run(run_id))
    good = find_last_good()
    assert good
    assert (good.sha256, good.before, good.run) == (sha256(OTHER), sha256(GOOD), THIRD)
    assert stored(sha256(OTHER)) == OTHER


@pytest.mark.parametrize("later", [USELESS, BROKEN], ids=["serves no lab", "broken"])
def test_only_one_that_serves_a_lab_is_good_to_go_on_with(control: Control, later: bytes) -> None:
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    upload(control, "labs.json", later)
    ended(run(SECOND))
    good = find_last_good()
    assert good
    assert (good.sha256, good.run) == (sha256(GOOD), RUN)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_i5_a_file_that_holds_a_secret_is_used_and_not_kept(control: Control, encoding: str) -> None:
    data = labs_json(asks("lab-a", "Win2016", "https://st/x?sv=1&sig=c2VjcmV0"))
    upload(control, "labs.json", data.decode().encode(encoding))
    working = run(RUN)
    assert [lab.name for lab in frozen(working).labs] == ["lab-a"]
    assert find_last_good() is None
    journal = Journal(RUN).container
    assert [blob.name for blob in journal.list() if b"c2VjcmV0" in journal.get(blob.name).data] == []
    assert [blob.name for blob in journal.list("configurations/")] == []


def test_a_stored_file_that_was_changed_is_not_used(control: Control) -> None:
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    container = Journal(RUN).container
    name = f"configurations/{sha256(GOOD)}.json"
    assert container.replace(name, OTHER, container.get(name).etag)
    upload(control, "labs.json", BROKEN)
    assert not configured(started(SECOND)).usable


def test_what_is_wrong_with_the_last_good_one_is_told_apart_from_what_is_broken(control: Control) -> None:
    upload(control, "labs.json", labs_json(asks("lab-a", "Win2016", "")))
    ended(run(RUN))
    upload(control, "labs.json", BROKEN)
    found = {finding.code: finding.path for finding in frozen(run(SECOND)).findings}
    assert found == {
        "LastGoodUsed": "labs.json",
        "NotJson": "$",
        "EntryEmpty": "last good labs.json $.Labs[0].ImagePaths[1]",
    }


# --- The doorbell and the claim


def test_a_broken_upload_has_been_seen_so_that_no_run_follows_the_other(control: Control) -> None:
    upload(control, "labs.json", GOOD)
    working = run(RUN)
    upload(control, "labs.json", BROKEN)
    assert ended(working, SECOND) is Released.HANDED_OVER
    following = started(SECOND)
    configured(following)
    assert seen() == configuration_etag() == frozen(following).lay_there
    assert ended(following, THIRD) is Released.RELEASED


def test_a_repeat_answers_the_same_after_the_file_was_corrected_and_the_correction_is_taken_up(
    control: Control,
) -> None:
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    upload(control, "labs.json", BROKEN)
    working = started(SECOND)
    first = configured(working)
    upload(control, "labs.json", OTHER)
    assert configured(working) == first
    assert ended(working, THIRD) is Released.HANDED_OVER


def test_a_run_that_dies_after_freezing_notes_the_good_one_when_it_is_repeated(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(control, "labs.json", GOOD)
    working = started()
    with monkeypatch.context() as dying:
        dying.setattr(reading, "note_last_good", lambda *_: die())
        with pytest.raises(Killed):
            configured(working)
    assert find_last_good() is None
    upload(control, "labs.json", BROKEN)
    assert configured(working).usable
    good = find_last_good()
    assert good
    assert (good.sha256, stored(good.sha256)) == (sha256(GOOD), GOOD)


def test_a_run_that_lost_its_claim_notes_nothing(control: Control) -> None:
    upload(control, "labs.json", GOOD)
    working = run(RUN)
    noted = find_last_good()
    upload(control, "labs.json", OTHER)
    lose_claim(working)
    with pytest.raises(PermanentError):
        configured(working)
    assert find_last_good() == noted


def test_a_late_note_of_an_older_run_does_not_replace_a_younger_ones(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(control, "labs.json", GOOD)
    late = started()

    def younger() -> None:
        upload(control, "labs.json", OTHER)
        configured(take_claim(RunRequest(SECOND)).run)

    just_before(monkeypatch, reading, "note_last_good", younger)
    configured(late)
    good = find_last_good()
    assert good
    assert (good.sha256, good.run) == (sha256(OTHER), SECOND)


# --- The report beside the file


def test_the_report_lies_beside_the_file_before_anything_runs(control: Control) -> None:
    upload(control, "labs.json", OTHER)
    assert report_on_upload() is None
    text = report_beside()
    assert text.startswith("# labs.json can be used")
    assert "| Labs that are served | 2 | - |" in text
    assert written(control) == ["labs.json.report.md"]
    assert effects(control) == []


def test_it_says_where_a_broken_file_is_broken_and_what_runs_use_instead(control: Control) -> None:
    upload(control, "labs.json", BROKEN)
    report_on_upload()
    assert "cannot be used; there is no earlier one" in report_beside()
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    upload(control, "labs.json", BROKEN)
    report_on_upload()
    text = report_beside()
    assert text.startswith("# labs.json cannot be used; runs use the last good one instead")
    assert f"Runs go on with: ETag {find_last_good().etag}, SHA-256 {sha256(GOOD)}." in text  # pyright: ignore
    assert "| error | $, line " in text


def test_it_compares_with_what_was_used_before_also_once_the_file_itself_is_in_use(control: Control) -> None:
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    upload(control, "labs.json", OTHER)
    report_on_upload()
    before = report_beside()
    assert "- Labs added: lab-b" in before
    assert "| Labs that are served | 2 | 1 |" in before
    ended(run(SECOND))
    control.clear_operations()
    ended(run(THIRD))
    assert "lab-b" in report_beside()
    assert "labs.json.report.md" not in written(control), "a second run writes nothing (I6)"


def test_it_tells_the_effects_in_counts_before_anything_is_done(given: Give) -> None:
    control = given(World().lab("lab-a").golden_image("Win2016\\Server.json", "Win2016_Server-Nov-1-2026", 1))
    upload(control, "labs.json", GOOD)
    report_on_upload()
    assert "Plan: 1 to deliver, 0 to capture, 0 unchanged." in report_beside()
    assert effects(control) == []


def test_a_run_writes_nothing_beside_the_file(control: Control) -> None:
    """Only an upload does: a run leaves the journal and the claim, and what it was asked to make."""
    upload(control, "labs.json", GOOD)
    ended(run(RUN))
    assert report_beside() == ""


def test_who_may_not_write_there_loses_the_report_and_nothing_else(control: Control) -> None:
    upload(control, "labs.json", GOOD)
    forbidden = "<Error><Code>AuthorizationPermissionMismatch</Code><Message>No.</Message></Error>"
    code = {"x-ms-error-code": "AuthorizationPermissionMismatch"}
    control.fault("PUT .*labs.json.report.md", times=9, status=403, headers=code, body=forbidden)
    report_on_upload()
    assert report_beside() == ""
    assert configured(started()).usable


def test_a_report_that_changes_while_it_is_written_is_made_anew(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(control, "labs.json", GOOD)
    report_on_upload()
    upload(control, "labs.json", OTHER)

    def meanwhile() -> None:
        upload(control, "labs.json", BROKEN)
        report_on_upload()

    just_before(monkeypatch, uploads, "check_markdown", meanwhile)
    report_on_upload()
    assert "cannot be used" in report_beside()


def test_without_a_configuration_there_is_nothing_to_report_on() -> None:
    assert report_on_upload() is None
    assert report_beside() == ""
    assert last_good.find_last_good() is None
