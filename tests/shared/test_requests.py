"""What a caller may ask for, and that everything that is wrong is told at once: code, place, cause, next step."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.findings import Finding
from shared.domain.matching import parse_entry
from shared.domain.selection import Selection, Stage
from shared.errors import ConfigurationError
from shared.requests import (
    LONGEST_BODY,
    ExplainQuery,
    RequestError,
    RunParameters,
    RunsQuery,
    read_parameters,
    read_query,
)

RUN = "20261123T020509Z-3fa2"
PLAN = "0123456789abcdef" * 4
GUID = "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f"


def parameters(**body: Any) -> RunParameters:
    return read_parameters(json.dumps(body).encode())


def refused(body: Any) -> dict[str, Finding]:
    """The findings by place."""
    with pytest.raises(RequestError) as caught:
        read_parameters(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert caught.value.code == "RequestInvalid"
    assert caught.value.next_step
    assert all(found.code and found.message and found.next and found.path for found in caught.value.findings)
    return {found.path: found for found in caught.value.findings}


@pytest.mark.parametrize("body", [b"", b"  \r\n", b"{}", b"\xef\xbb\xbf{}"])
def test_no_body_asks_for_the_whole_job(body: bytes) -> None:
    assert read_parameters(body) == RunParameters()
    assert read_parameters(body).selection.is_whole


def test_everything_can_be_asked_for() -> None:
    asked = parameters(
        labs=["lab-paris", "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f/lab-paris"],
        images=["Windows", "Linux\\Ubuntu 22.04 LTS.json"],
        stages=["distribute"],
        retryFailedOf=RUN,
        planId=PLAN,
        maxConcurrentCopies=7,
    )
    assert (asked.plan_id, asked.max_concurrent_copies, asked.dry_run) == (PLAN, 7, False)
    assert asked.selection == Selection(asked.labs, asked.images, (Stage.DISTRIBUTE,), RUN)
    assert parameters(dryRun=True).dry_run


@pytest.mark.parametrize("lanes", [1, 20, 100, 20.0])
def test_a_number_of_copies_is_taken(lanes: float) -> None:
    assert parameters(maxConcurrentCopies=lanes).max_concurrent_copies == lanes


@pytest.mark.parametrize("lanes", [0, -1, 101, 1.5, 1e300, True, False, None, "20", [20], {}, 10**18])
def test_anything_but_a_whole_number_from_1_to_100_is_refused(lanes: Any) -> None:
    assert refused({"maxConcurrentCopies": lanes})["$.maxConcurrentCopies"].code == "ParameterInvalid"


def test_everything_that_is_wrong_is_told_at_once_each_at_its_place() -> None:
    body = {
        "labs": ["lab", "", "a/b/c", 3],
        "images": ["Win", "../x", "a//b", "C:\\x", ""],
        "stages": ["capture", "destroy"],
        "dryRun": "yes",
        "retryFailedOf": "yesterday",
        "maxConcurrentCopies": 101,
        "lanes": 3,
    }
    wrong = {place: found.code for place, found in refused(body).items()}
    assert wrong == {
        "$.labs[1]": "ParameterInvalid",
        "$.labs[2]": "ParameterInvalid",
        "$.labs[3]": "ParameterInvalid",
        "$.images[4]": "EntryEmpty",
        "$.stages[1]": "ParameterInvalid",
        "$.dryRun": "ParameterInvalid",
        "$.retryFailedOf": "ParameterInvalid",
        "$.maxConcurrentCopies": "ParameterInvalid",
        "$.lanes": "ParameterUnknown",
        "$.images[1]": "EntryDots",
        "$.images[2]": "EntryDoubledSeparator",
        "$.images[3]": "EntryDrive",
    }


def test_an_entry_is_refused_with_the_matchers_own_code_and_replacement() -> None:
    wrong = refused({"images": ["Win", "../x", "a//b", "https://x/y"]})
    assert {place: found.code for place, found in wrong.items()} == {
        "$.images[1]": "EntryDots",
        "$.images[2]": "EntryDoubledSeparator",
        "$.images[3]": "EntryUrl",
    }
    assert '"a/b"' in wrong["$.images[2]"].next


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dryrun", "dryRun"),
        ("lab", "labs"),
        ("image", "images"),
        ("retryfailed", "retryFailedOf"),
        ("PlanID", "planId"),
    ],
)
def test_a_parameter_that_is_nearly_one_is_told_which(written: str, meant: str) -> None:
    found = refused({written: True})[f"$.{written}"]
    assert found.code == "ParameterUnknown"
    assert f'"{meant}"' in found.next


def test_a_parameter_that_is_like_none_is_told_all_that_there_are() -> None:
    advice = refused({"zzz": 1})["$.zzz"].next
    assert all(name in advice for name in ("labs", "images", "stages", "dryRun", "retryFailedOf", "planId"))


@pytest.mark.parametrize(
    ("body", "place", "advice"),
    [
        ({"labs": [f"{{{GUID}}}/lab-oslo"]}, "$.labs[0]", f'Write "{GUID}/lab-oslo".'),
        ({"labs": ["rg/lab-oslo"]}, "$.labs[0]", 'Write "lab-oslo".'),
        ({"labs": [f"/subscriptions/{GUID}/x/labs/lab-oslo"]}, "$.labs[0]", 'Write "lab-oslo".'),
        ({"labs": ["a,b/c/d"]}, "$.labs[0]", 'Write for example "lab-paris".'),
        ({"labs": [2024]}, "$.labs[0]", 'Write "2024".'),
        ({"labs": [["a", "b"]]}, "$.labs[0]", 'Write for example "lab-paris".'),
        ({"labs": "lab-oslo"}, "$.labs", 'Write "labs": ["lab-oslo"].'),
        ({"labs": "rg/lab-oslo, lab-bergen"}, "$.labs", 'Write "labs": ["lab-oslo", "lab-bergen"].'),
        ({"labs": "lab, " * 99}, "$.labs", 'Write for example "labs": ["lab-paris"].'),
        ({"labs": []}, "$.labs", 'Write for example "labs": ["lab-paris"].'),
        ({"labs": {"name": "lab-oslo"}}, "$.labs", 'Write "labs": ["lab-oslo"].'),
        ({"images": [{"path": "Linux"}]}, "$.images[0]", 'Write "Linux".'),
        ({"images": [{"path": "Linux", "os": "x"}]}, "$.images[0]", 'Write for example "Windows/Server2022.json".'),
        ({"images": "Линукс"}, "$.images", 'Write "images": ["Линукс"].'),
        ({"images": [{"path": "../Linux"}]}, "$.images[0]", 'Write for example "Windows/Server2022.json".'),
        ({"stages": "capture"}, "$.stages", 'Write "stages": ["capture"].'),
        ({"stages": ["Capture"]}, "$.stages[0]", 'Write "capture".'),
        ({"stages": ["destroy"]}, "$.stages[0]", 'Write "capture" or "distribute".'),
        ({"stages": ["capture"] * 3}, "$.stages", 'Write for example "stages": ["distribute"].'),
        ({"dryRun": "false"}, "$.dryRun", 'Write "dryRun": false.'),
        ({"dryRun": "True"}, "$.dryRun", 'Write "dryRun": true.'),
        ({"dryRun": "perhaps"}, "$.dryRun", 'Write for example "dryRun": true.'),
        ({"maxConcurrentCopies": "7"}, "$.maxConcurrentCopies", 'Write "maxConcurrentCopies": 7.'),
        ({"maxConcurrentCopies": "101"}, "$.maxConcurrentCopies", 'Write for example "maxConcurrentCopies": 20.'),
        ({"retryFailedOf": f" {RUN}\n"}, "$.retryFailedOf", f'Write "retryFailedOf": "{RUN}".'),
    ],
)
def test_what_was_meant_is_told_to_be_written_and_what_is_only_an_example_as_one(
    body: dict[str, Any], place: str, advice: str
) -> None:
    assert refused(body)[place].next == advice


@pytest.mark.parametrize("lanes", [0, 101, 1.5, "20"])
def test_a_number_of_copies_is_told_its_bounds(lanes: Any) -> None:
    message = refused({"maxConcurrentCopies": lanes})["$.maxConcurrentCopies"].message
    assert message.endswith("is not allowed: it must be a whole number from 1 to 100.")


@pytest.mark.parametrize(
    ("body", "place", "message", "advice"),
    [
        ("{'labs': 1}", "$", "(line 1, column 2).", 'Write "labs" on line 1.'),
        ('{"labs": ["a"],\n"dryRun": True}', "$", "(line 2, column 11).", "Write true on line 2."),
        ('{"labs": ["a"', "$", "The body ends too early", "Write ]} at the end of the body."),
        ('{"dryRun": true\n"labs": ["a"]}', "$", "(line 2, column 1).", "Write ',' at the end of line 1."),
        (
            '{"dryRun": true,\n"dryRun": false}',
            "$.dryRun",
            '"dryRun" is there twice: on line 1 and on line 2.',
            'Remove one "dryRun".',
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_told_where_and_what_to_write(
    body: str, place: str, message: str, advice: str
) -> None:
    found = refused(body.encode())[place]
    assert (found.code, found.next) == ("BodyInvalid", advice)
    assert message in found.message


@pytest.mark.parametrize("name", ["labs", "images", "stages"])
def test_an_empty_list_is_refused_and_not_taken_for_everything(name: str) -> None:
    assert refused({name: []})[f"$.{name}"].code == "ParameterInvalid"


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"20",
        b"[]",
        b'"{}"',
        b"{",
        b"{'labs': 1}",
        b"\xff\xfe\x00",
        b"\x80",
        b"[" * 9_000,
        b'{"a":' * 1_500,
        b'{"labs": ["lab"]}' + b" " * LONGEST_BODY,
        b'{"maxConcurrentCopies": ' + b"9" * 5_000 + b"}",
        b'{"maxConcurrentCopies": NaN}',
        b'{"labs": ["\\ud800"]}',
        b"maxConcurrentCopies=20",
    ],
)
def test_a_hostile_body_is_refused_and_never_a_crash(body: bytes) -> None:
    assert refused(body)["$"].code == "BodyInvalid"


@given(st.binary(max_size=200))
def test_whatever_bytes_come_the_answer_is_parameters_or_a_refusal(body: bytes) -> None:
    try:
        assert isinstance(read_parameters(body), RunParameters)
    except RequestError as error:
        assert error.findings


NAMES = st.sampled_from(["labs", "images", "stages", "dryRun", "retryFailedOf", "planId", "maxConcurrentCopies", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(st.dictionaries(NAMES | st.text(max_size=6), VALUES, min_size=1, max_size=5))
def test_whatever_object_comes_a_refusal_can_be_sent_as_json(body: dict[str, Any]) -> None:
    try:
        read_parameters(json.dumps(body).encode())
    except RequestError as error:
        assert error.message.encode()
        assert all(f"{found.path}{found.message}{found.next}".encode() for found in error.findings)


@given(st.text(max_size=12) | st.text("aC:/\\.* \u200b\n", max_size=8))
def test_an_entry_that_the_pattern_refuses_is_one_that_the_matcher_refuses(text: str) -> None:
    """The pattern says less than the matcher, never more: what it lets through and names nothing is not found, later."""
    try:
        read_parameters(json.dumps({"images": [text]}).encode())
    except RequestError as error:
        with pytest.raises(ConfigurationError):
            parse_entry(text)
        assert error.findings[0].code.startswith("Entry") or error.findings[0].path == "$"


def test_a_query_is_read_by_the_same_rules() -> None:
    assert read_query({}, RunsQuery) == RunsQuery(20, None)
    assert read_query({"limit": "5", "before": RUN}, RunsQuery) == RunsQuery(5, RUN)
    assert read_query({"lab": "a", "image": "Win"}, ExplainQuery) == ExplainQuery("a", "Win")
    with pytest.raises(RequestError) as caught:
        read_query({"limit": "0", "befor": RUN}, RunsQuery)
    assert {found.path: found.code for found in caught.value.findings} == {
        "$.limit": "ParameterInvalid",
        "$.befor": "ParameterUnknown",
    }
    with pytest.raises(RequestError) as caught:
        read_query({"image": ""}, ExplainQuery)
    assert {found.path: found.code for found in caught.value.findings} == {
        "$.image": "EntryEmpty",
        "$.lab": "ParameterMissing",
    }


def test_a_function_key_in_the_query_is_the_hosts_business() -> None:
    assert read_query({"code": "c2VjcmV0", "clientId": "default"}, RunsQuery) == RunsQuery()
