"""What a caller of POST /api/runs may send, and what becomes of everything else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigurationError
from shared.requests import lanes_asked_for


def refusal(body: bytes) -> str:
    with pytest.raises(ConfigurationError) as refused:
        lanes_asked_for(body)
    assert refused.value.code == "RequestInvalid"
    assert refused.value.next_step
    return refused.value.message


@pytest.mark.parametrize("body", [b"", b"  \r\n", b"{}", b"\xef\xbb\xbf{}"])
def test_no_body_asks_for_nothing(body: bytes) -> None:
    assert lanes_asked_for(body) is None


@pytest.mark.parametrize("lanes", [1, 20, 100])
def test_a_number_of_lanes_is_taken(lanes: int) -> None:
    assert lanes_asked_for(json.dumps({"maxConcurrentCopies": lanes}).encode()) == lanes


@pytest.mark.parametrize("lanes", [0, -1, 101, 1.5, 20.0, True, False, None, "20", [20], {}, 10**30])
def test_anything_but_a_whole_number_from_1_to_100_is_refused(lanes: Any) -> None:
    assert "whole number from 1 to 100" in refusal(json.dumps({"maxConcurrentCopies": lanes}).encode())


def test_everything_that_is_wrong_is_told_at_once() -> None:
    message = refusal(b'{"maxConcurrentCopies": 0, "lanes": 3, "force": true}')
    assert message.startswith("Nothing was started:")
    for wrong in ('"lanes"', '"force"', "maxConcurrentCopies must be"):
        assert wrong in message


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"20",
        b"[]",
        b'"{}"',
        b"{",
        b"{'maxConcurrentCopies': 1}",
        b"\xff\xfe\x00",
        b"\x80",
        b"[" * 9_000,
        b'{"a":' * 1_500,
        b'{"maxConcurrentCopies": 1}' + b" " * 10_000,
        b'{"maxConcurrentCopies": ' + b"9" * 5_000 + b"}",
        b"maxConcurrentCopies=20",
    ],
)
def test_a_hostile_body_is_refused_and_never_a_crash(body: bytes) -> None:
    assert refusal(body)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_json_does_not_know_are_refused(number: str) -> None:
    assert "whole number" in refusal(f'{{"maxConcurrentCopies": {number}}}'.encode())


@given(st.binary(max_size=200))
def test_whatever_bytes_come_the_answer_is_a_number_none_or_a_refusal(body: bytes) -> None:
    try:
        lanes = lanes_asked_for(body)
    except ConfigurationError:
        return
    assert lanes is None or 1 <= lanes <= 100


@given(
    st.dictionaries(st.text(max_size=10), st.none() | st.booleans() | st.integers() | st.text(max_size=5), min_size=1)
)
def test_whatever_object_comes_a_refusal_can_be_sent_as_json(body: dict[str, Any]) -> None:
    try:
        lanes_asked_for(json.dumps(body).encode())
    except ConfigurationError as error:
        assert error.message.encode()
