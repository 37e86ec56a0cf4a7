"""image-factory validate: the app's reader, without the app, and its findings where an editor or a pipeline looks for them."""

import json
from pathlib import Path

import pytest

from activities.configuration import CONFIGURATION_BLOBS
from activities.configuration import GOLDEN_IMAGES as IN_THE_CONTAINER
from cli.validate import GOLDEN_IMAGES, LABS, definitions
from shared.configuration import MAX_BYTES
from tests.cli.conftest import Call
from tests.contracts.app_source import ROOT
from tests.e2e.worlds import asks, labs_json

GOOD = labs_json(asks("lab-a", "Win"))
WRONG = labs_json(asks("lab-a", "Win/../x", "Wni"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "GoldenImages/Win").mkdir(parents=True)
    (tmp_path / "GoldenImages/Win/Server.json").write_text("{}")
    (tmp_path / "labs.json").write_bytes(GOOD)
    return tmp_path


def line_of(data: bytes, text: str) -> int:
    return next(number for number, line in enumerate(data.decode().splitlines(), 1) if text in line)


def test_a_good_file_is_good_by_its_name_by_its_folder_and_where_one_stands(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (folder / "labs.json", folder):
        ended = call("validate", str(path))
        assert (ended.code, ended.out) == (0, f"{folder / 'labs.json'}: 1 lab served, no finding.\n")
    monkeypatch.chdir(folder)
    assert call("validate").out == "labs.json: 1 lab served, no finding.\n"


def test_the_sample_of_the_repository_is_good(call: Call) -> None:
    assert call("validate", str(ROOT / "configuration")).code == 0


def test_a_finding_is_told_with_file_line_severity_code_place_and_next_step(call: Call, folder: Path) -> None:
    file = folder / "labs.json"
    file.write_bytes(WRONG)
    ended = call("validate", str(file))
    assert ended.code == 1
    lines = ended.out.splitlines()
    dots = lines.index(next(line for line in lines if "EntryDots" in line))
    assert lines[dots].startswith(f"{file}:{line_of(WRONG, '..')}: error EntryDots: ")
    assert lines[dots + 1].startswith("    at $.Labs[0].ImagePaths[0]: ")
    assert any(line.startswith(f"{file}:{line_of(WRONG, 'Wni')}: error EntryMatchesNothing: ") for line in lines)


def test_a_definition_that_nobody_asks_for_is_a_warning_about_that_file_and_no_failure(
    call: Call, folder: Path
) -> None:
    (folder / "GoldenImages/Old.json").write_text("{}")
    ended = call("validate", str(folder))
    assert ended.code == 0
    assert f"{folder}/GoldenImages/Old.json: warning DefinitionUnwanted: " in ended.out
    assert ended.out.endswith("1 lab served, 1 warning.\n")


def test_a_file_that_cannot_be_used_is_a_failure(call: Call, folder: Path) -> None:
    (folder / "labs.json").write_bytes(b"[")
    ended = call("validate", str(folder))
    assert ended.code == 1
    assert "labs.json:1: error NotJson: " in ended.out
    (folder / "labs.json").write_bytes(b" " * (MAX_BYTES + 1))
    assert "error TooLarge: " in call("validate", str(folder)).out


def test_without_golden_images_the_entries_are_told_to_be_unchecked(call: Call, folder: Path) -> None:
    assert json.loads(call("validate", str(folder), "-o", "json").out)["entriesChecked"] is True
    (folder / "labs.json").write_bytes(WRONG.replace(b"Win/../x", b"Win"))
    for name, why in {
        "elsewhere": "no GoldenImages beside the file",
        "goldenimages": "no GoldenImages beside the file, but goldenimages: rename it",
    }.items():
        (folder / "GoldenImages").rename(folder / name)
        ended = call("validate", str(folder))
        assert (ended.code, ended.out) == (
            0,
            f"{folder}/labs.json: 1 lab served, no finding. The entries were not checked: {why}.\n",
        )
        assert json.loads(call("validate", str(folder), "-o", "json").out)["entriesChecked"] is False
        (folder / name).rename(folder / "GoldenImages")
    (folder / "GoldenImages/Win/Server.json").unlink()
    assert "not checked: GoldenImages is empty." in call("validate", str(folder)).out
    assert definitions(folder / "GoldenImages") is None


def test_golden_images_without_a_definition_is_told_by_each_entry(call: Call, folder: Path) -> None:
    (folder / "GoldenImages/Win/Server.json").rename(folder / "GoldenImages/Win/Server.txt")
    ended = call("validate", str(folder))
    assert ended.code == 1
    assert "GoldenImages holds no .json" in ended.out


def test_both_spellings_of_the_file_are_a_warning_as_in_the_app(call: Call, folder: Path) -> None:
    (folder / "Labs.json").write_bytes(WRONG)
    ended = call("validate", str(folder))
    assert ended.code == 0
    assert f"{folder}/Labs.json: warning TwoConfigurations: Both labs.json and Labs.json are there" in ended.out
    assert ended.out.endswith("1 lab served, 1 warning.\n")
    assert "TwoConfigurations" in call("validate", str(folder / "Labs.json")).out


def test_a_lab_without_a_readable_name_is_set_aside_as_well(call: Call, folder: Path) -> None:
    nameless = asks("", "Win")
    (folder / "labs.json").write_bytes(labs_json(asks("lab-a", "Win", "Wni"), nameless, asks("lab b", "Win")))
    assert call("validate", str(folder)).out.endswith("1 lab served, 2 set aside, 3 errors.\n")


@pytest.mark.parametrize("name", ["labs.json.txt", "LABS.JSON", "labs.jsn"])
def test_a_file_that_is_nearly_called_so_is_named(call: Call, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(GOOD)
    for path in (tmp_path, tmp_path / "labs.json"):
        ended = call("validate", str(path))
        assert ended.code == 64
        assert str(path) in ended.err
        assert f"Next step: Found {name}: rename it to labs.json." in ended.err


def test_a_path_that_is_not_there_is_told_with_what_to_name(call: Call, folder: Path) -> None:
    ended = call("validate", str(folder / "nothing/labs.json"))
    assert (ended.code, ended.out) == (64, "")
    assert f"There is no folder {folder}/nothing." in ended.err
    assert "Next step: Name the file, or the folder that it lies in" in ended.err
    assert "Next step: Found GoldenImages: name that." in call("validate", str(folder / "GoldenImage")).err


def test_a_folder_without_the_file_is_wrong_usage(call: Call, tmp_path: Path) -> None:
    ended = call("validate", str(tmp_path))
    assert ended.code == 64
    assert str(tmp_path) in ended.err
    assert "Next step: " in ended.err
    assert call("validate", str(tmp_path / "nothing")).code == 64


def test_programs_get_every_finding_as_json(call: Call, folder: Path) -> None:
    (folder / "labs.json").write_bytes(WRONG)
    ended = call("validate", str(folder), "-o", "json")
    said = json.loads(ended.out)
    assert ended.code == 1
    assert (said["good"], said["usable"]) == (False, True)
    assert {"EntryDots", "EntryMatchesNothing"} <= {found["code"] for found in said["findings"]}


def test_azure_pipelines_gets_a_logging_command_for_each_finding(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "labs.json").write_bytes(WRONG)
    monkeypatch.setenv("TF_BUILD", "True")
    lines = [line for line in call("validate", str(folder)).out.splitlines() if line.startswith("##vso[")]
    at = f"sourcepath={folder}/labs.json;linenumber={line_of(WRONG, '..')};code=EntryDots"
    assert any(line.startswith(f"##vso[task.logissue type=error;{at};]EntryDots: ") for line in lines)
    assert len(lines) >= 2


def test_github_actions_gets_an_annotation_for_each_finding(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "labs.json").write_bytes(WRONG)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    lines = [line for line in call("validate", str(folder)).out.splitlines() if line.startswith("::")]
    at = f"file={folder}/labs.json,line={line_of(WRONG, '..')},title=EntryDots"
    assert any(line.startswith(f"::error {at}::EntryDots: ") for line in lines)


@pytest.mark.parametrize("entry", ["##vso[task.setvariable variable=x]y", "##[add-path]/evil", "\n::set-env name=x::y"])
@pytest.mark.parametrize("pipeline", ["TF_BUILD", "GITHUB_ACTIONS"])
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_strangers_pull_request_gives_the_pipeline_no_command(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch, entry: str, pipeline: str, output: str
) -> None:
    """An agent takes `##vso[` anywhere in a line, GitHub `::` at its beginning and the old `##[` anywhere."""
    (folder / "labs.json").write_bytes(labs_json(asks("lab-a", entry, entry + "/../")) + entry.encode())
    monkeypatch.setenv(pipeline, "true")
    for data in (labs_json(asks("lab-a", entry)), labs_json({**asks(entry, "Win"), entry: 1})):
        (folder / "labs.json").write_bytes(data)
        out = call("validate", str(folder), "-o", output).out
        ours = ("##vso[task.logissue type=", "::error file=", "::warning file=")
        for line in out.splitlines():
            said = next((line.removeprefix(prefix) for prefix in ours if line.startswith(prefix)), line)
            assert "##[" not in said or line != said
            assert "##vso[" not in said or line != said
            assert not said.lstrip().startswith("::")


def test_the_command_line_looks_for_the_files_that_the_app_reads() -> None:
    assert LABS == CONFIGURATION_BLOBS
    assert f"{GOLDEN_IMAGES}/" == IN_THE_CONTAINER
