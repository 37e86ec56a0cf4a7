"""configuration/labs.schema.json is made of the reader's model, and says of a file what the reader says of it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.configuration import read_configuration
from shared.domain.findings import Severity
from shared.labs_file.schema import labs_schema, schema_text
from tests.contracts.app_source import ROOT
from tests.domain.test_configuration import LABS, SUBSCRIPTION, WRONG, lab
from tests.domain.test_wrong_entries import CASES
from tests.domain.test_wrong_entries import LAB as RIGHT

NO_SCHEMA_CAN_TELL = {"LabDuplicate", "EntrySecret", "EntryMatchesNothing"}
VALIDATOR = Draft202012Validator(labs_schema())


def accepts(document: Any) -> bool:
    return VALIDATOR.is_valid(document)


def agrees(document: Any) -> None:
    """What the reader refuses, the schema refuses; what the schema refuses, the reader refuses or warns of."""
    findings = read_configuration(json.dumps(document).encode(), None).findings
    errors = [found for found in findings if found.severity is Severity.ERROR and found.code not in NO_SCHEMA_CAN_TELL]
    if accepts(document):
        assert not errors
    else:
        assert findings


def test_the_schema_in_the_repository_is_the_one_that_the_model_makes() -> None:
    assert (ROOT / "configuration/labs.schema.json").read_text("utf-8") == schema_text(), "make schema"


def test_it_is_a_schema_of_draft_2020_12() -> None:
    Draft202012Validator.check_schema(labs_schema())
    assert labs_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_sample_names_it_and_fits() -> None:
    sample = json.loads((ROOT / "configuration/labs.json").read_text("utf-8"))
    assert sample["$schema"] == "./labs.schema.json"
    assert [error.message for error in VALIDATOR.iter_errors(sample)] == []


def test_everything_that_an_editor_shows_or_completes_is_there_and_fits() -> None:
    schema = labs_schema()
    assert accepts(schema["examples"][0])
    of_lab = schema["$defs"]["lab"]
    for name, told in (schema["properties"] | of_lab["properties"]).items():
        assert told["description"], name
    for name, told in of_lab["properties"].items():
        for example in told["examples"]:
            assert accepts({"Labs": [lab() | {name: example}]})
    for example in schema["$defs"]["imagePath"]["examples"]:
        assert accepts({"Labs": [lab(ImagePaths=[example])]})


GOOD: list[dict[str, object]] = [
    lab(),
    lab(SubscriptionId=SUBSCRIPTION.upper()),
    lab(ResourceGroup=None),
    lab(ResourceGroup="ümlaut_1.x-(y)"),
    lab(ResourceGroup="x" * 90),
    lab(ResourceGroup="資源群組"),
    lab("x" * 50),
    lab(ImagePaths=[]),
    lab(ImagePaths=["Win2022/", "Win2022\\Datacenter.json", "Linux/Ubuntu 22.04 LTS", "Üml/B", "...", "a/..b", " a"]),
    lab(ImagePaths=["x" * 256]),
]


@pytest.mark.parametrize("good", GOOD)
def test_what_the_reader_takes_without_a_word_the_schema_takes(good: dict[str, object]) -> None:
    findings = read_configuration(json.dumps({"Labs": [good]}).encode(), None).findings
    assert {found.code for found in findings} <= {"ImagePathsEmpty"}
    assert accepts({"Labs": [good]})


ENTRIES: list[object] = [
    *(
        "",
        " ",
        "/",
        "\\",
        "/ /",
        "a//b",
        "a\\/b",
        "../a",
        "a/..",
        ".",
        "a/./b",
        "C:\\x",
        "/c:",
        "c:",
        "https://x/y",
        "ab:/c",
    ),
    *(
        "file:\\x",
        "a\u200b",
        "a\n",
        "\ud800",
        "\u2028",
        "\u00ad",
        "\ufeff",
        "x" * 257,
        7,
        None,
        True,
        ["a"],
        {"a": "b"},
        1.5,
    ),
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_that_the_reader_refuses_the_schema_refuses(entry: object) -> None:
    document = {"Labs": [lab(ImagePaths=[entry])]}
    agrees(document)
    assert not accepts(document)


@pytest.mark.parametrize("wrong", [wrong for wrong, _, _ in WRONG])
def test_a_lab_that_the_reader_sets_aside_the_schema_refuses(wrong: dict[str, object]) -> None:
    document = {"Labs": [wrong]}
    agrees(document)
    assert not accepts(document)


@pytest.mark.parametrize(
    "document", [[], None, 1, "x", {}, {"Labs": None}, {"Labs": []}, {"Labs": [1]}, {"labs": [lab()]}]
)
def test_a_file_that_serves_nobody_or_deserves_a_word_the_schema_refuses(document: Any) -> None:
    agrees(document)
    assert not accepts(document)


def test_where_the_reader_only_warns_the_schema_refuses_so_that_editors_show_it() -> None:
    for warned in (lab(Owner="me"), lab(ImagePaths="Win2022"), lab(ImagePaths=["/Win2022"])):
        assert not accepts({"Labs": [warned]})
    assert not accepts({"Labs": lab()})


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[3] != "NotJson"])
def test_it_agrees_on_the_usual_mistakes(name: str) -> None:
    right, wrong, *_ = CASES[name]
    text = RIGHT.replace(right, wrong)
    if name != "a key twice":
        agrees(json.loads(text))


BASIC = st.text(st.characters(max_codepoint=0xFFFF), max_size=6)
PATHS = st.lists(st.text("aA/\\.: \u200d\n~é", max_size=6) | BASIC, max_size=3)
NAMES = st.text("aZ0_-.() /€é\n", max_size=6) | BASIC


@given(st.lists(LABS, max_size=3))
@settings(max_examples=200)
def test_it_agrees_on_any_list_of_labs(labs: list[Any]) -> None:
    agrees({"Labs": labs})


@given(PATHS, NAMES, st.text("aZ0_-.() /é\n", max_size=6) | st.none())
@settings(max_examples=300)
def test_it_agrees_on_any_texts(paths: list[str], name: str, group: str | None) -> None:
    """What is no letter beyond ASCII no pattern can tell: the reader alone refuses it in the name of a group."""
    agrees({"Labs": [lab(name, ResourceGroup=group, ImagePaths=paths)]})
