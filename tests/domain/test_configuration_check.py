"""The report beside labs.json: counts, what changes, what is wrong; the same to the letter as long as nothing changes."""

import json

import pytest

from shared.configuration import read_configuration
from shared.configuration_check import Counts, Upload, check_markdown, counts
from tests.domain.reports import HOSTILE

SUBSCRIPTION = "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f"
DEFINITIONS = ("Win/Server.json", "Win/Client.json", "Linux/Ubuntu 22.04 LTS.json")


def lab(name: str, *paths: str, **members: object) -> dict[str, object]:
    return {"SubscriptionId": SUBSCRIPTION, "LabName": name, "ImagePaths": paths} | members


def upload(*labs: object, definitions: tuple[str, ...] | None = DEFINITIONS) -> Upload:
    data = json.dumps({"Labs": labs}).encode()
    return Upload("labs.json", '"0x1"', "5ha", read_configuration(data, definitions))


BROKEN = Upload("labs.json", '"0x2"', "0ther", read_configuration(b'{"Labs": [\n{}}', DEFINITIONS))


def test_an_image_that_two_entries_of_a_lab_take_counts_once() -> None:
    asked = upload(lab("a", "Win", "win/server.json"), lab("b", "Win/Server", "Linux"), lab("no lab", "Win"))
    assert counts(asked.configuration, DEFINITIONS) == Counts(labs=2, set_aside=1, entries=4, images=3, pairs=4)


def test_without_definitions_nobody_knows_how_many_images_that_are() -> None:
    asked = upload(lab("a", "Win"), definitions=None)
    assert counts(asked.configuration, None) == Counts(labs=1, set_aside=0, entries=1, images=None, pairs=None)
    assert "not known: GoldenImages is not uploaded" in check_markdown(asked, None, None)


def test_it_tells_counts_beside_those_of_the_configuration_before() -> None:
    text = check_markdown(upload(lab("a", "Win"), lab("b", "Linux")), upload(lab("a", "Linux")), DEFINITIONS)
    assert text.startswith("# labs.json can be used\n")
    for line in ("| Labs that are served | 2 | 1 |", "| Golden images asked for of 3 | 3 | 1 |"):
        assert line in text


def test_it_names_the_labs_that_come_go_and_ask_for_something_else_wherever_they_stand() -> None:
    before = upload(lab("kept", "Win"), lab("changed", "Win"), lab("gone", "Win"))
    now = upload(lab("new", "Win"), lab("changed", "Linux"), lab("KEPT", "win"))
    lines = check_markdown(now, before, DEFINITIONS).splitlines()
    assert [line for line in lines if line.startswith("- ")] == [
        "- Labs added: new",
        "- Labs no longer served: gone",
        "- Labs that ask for other images: changed",
    ]
    assert "It asks for what was asked for before." in check_markdown(now, now, DEFINITIONS)


def test_a_broken_file_says_what_runs_use_instead_and_where_it_is_broken() -> None:
    alone = check_markdown(BROKEN, None, DEFINITIONS)
    assert alone.startswith("# labs.json cannot be used; there is no earlier one, so no run does anything\n")
    assert "## Findings: 1 error\n" in alone
    assert "| error | $, line 2 | NotJson:" in alone
    guarded = check_markdown(BROKEN, upload(lab("a", "Win")), DEFINITIONS)
    assert guarded.startswith("# labs.json cannot be used; runs use the last good one instead\n")
    assert 'Runs go on with: ETag "0x1", SHA-256 5ha.' in guarded


def test_many_labs_and_many_findings_are_told_in_bounds() -> None:
    labs = [lab(f"lab-{number}", "Win", "") for number in range(900)]
    text = check_markdown(upload(*labs), upload(lab("a", "Win")), DEFINITIONS)
    assert "and 880 more" in text
    assert "400 more are left out; correct these first." in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_of_the_file_breaks_the_page(hostile: str) -> None:
    text = check_markdown(upload(lab(hostile, hostile), {hostile: 1}, lab("a", "Win")), None, DEFINITIONS)
    text.encode()
    assert "<" not in text
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert len(heads) == 3
