"""What is printed acts on nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.printing import harmless, say_json, say_table

PIECES = st.lists(
    st.sampled_from(["##vso[", "##VSO[", "##[", "#", "::", ":", " ", "\n", "\x1b[2J", "x", "\u2028"]) | st.text()
)


@given(PIECES)
def test_no_line_commands_an_agent_or_a_terminal(pieces: list[str]) -> None:
    line = harmless("".join(pieces))
    assert line.isprintable()
    assert "##[" not in line
    assert "##vso[" not in line.lower()
    assert not line.lstrip().startswith("::")


@given(st.text(st.characters(categories=["L", "N", "Zs"])))
def test_a_text_that_does_nothing_stays_as_it_is(text: str) -> None:
    printable = "".join(character for character in text if character.isprintable())
    assert harmless(printable) == printable


def test_json_says_the_same_without_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"text": "##vso[task.setvariable variable=a]b", "more": "###[x"}
    say_json(said)
    out = capsys.readouterr().out
    assert "##vso[" not in out
    assert "##[" not in out
    assert json.loads(out) == said


def test_columns_are_as_wide_as_their_longest_text(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("A", "B"), [("one", "1"), ("three", "")])
    assert capsys.readouterr().out == "A      B\none    1\nthree\n"
