# ruff: noqa: E501 - a table is read by its rows
"""What is told of a labs.json that is no JSON: the cause, and a repair after which the file can be read."""

import re

import pytest

from shared.configuration import read_configuration
from shared.domain.findings import Finding, Severity
from tests.domain.test_wrong_entries import DEFINITIONS, GUID, LAB

OSLO = f"""
    {{
      "SubscriptionId": "{GUID}",
      "LabName": "lab-oslo",
      "ImagePaths": [
        "Linux"
      ]
    }}"""
TWO = LAB.replace("    }\n  ]", f"    }},{OSLO}\n  ]")
"""The right file, of two labs: each case replaces one text in it by a wrong one."""

CASES: dict[str, tuple[str, str, str, str]] = {
    # name: what is replaced, by what, then words of the cause, and what to do
    "a path without quotes": ('"Win2016"', "Win2022/Core.json", "A value is expected", 'Write "Win2022/Core.json" on line 8.'),
    "a path with spaces, without quotes": ('"Win2016"', "Linux/Ubuntu 22.04 LTS.json", "A value is expected", 'Write "Linux/Ubuntu 22.04 LTS.json" on line 8.'),
    "a path with backslashes, without quotes": ('"Win2016"', "Win2022\\Core.json", "A value is expected", 'Write "Win2022/Core.json" on line 8.'),
    "no opening quote": ('"Win2016"', 'Win2016"', "A value is expected", 'Write "Win2016" on line 8.'),
    "Python's True": ('"rg-paris"', "True", "A value is expected", "Write true on line 5."),
    "the first { is missing": ('{\n  "Labs"', '\n  "Labs"', "'{' before the first key is missing", "Write '{' before line 2, column 3."),
    "a second file behind the first": ("  ]\n}", f"  ]\n}}\n{LAB}", "follows the end", 'Join what begins on line 22, column 1 into the value before it: a second list of labs into the first "Labs".'),
    "a comment behind the file": ("  ]\n}", "  ]\n}\n// end", "JSON has no comments", "Remove the comment on line 22, column 1."),
    "ends before the last lab": ("    },\n", "    }\n  ]},\n", "follows the end", "Remove the ']}' on line 13, column 3."),
    "the } of a lab is missing": ("      ]\n    },\n", "      ]\n", "',' or '}' is expected", "Write '},' at the end of line 11."),
    "the } of a lab is missing, but not its comma": ("      ]\n    },\n", "      ],\n", "A key in double quotes", "Write '}' before line 11, column 8."),
    "the ]} of a lab are missing": ('"Linux"\n      ]\n    },\n', '"Linux"\n', "',' or ']' is expected", "Write ']},' at the end of line 10."),
    "the comma between labs is missing": ("    },\n", "    }\n", "',' or ']' is expected", "Write ',' at the end of line 12."),
    "the { of a lab is missing": ("    },\n    {\n", "    },\n", "',' or ']' is expected", "Write '{' before line 13, column 7."),
    "the [ of ImagePaths is missing": ('[\n        "Win2016"', '\n        "Win2016"', "A ':' is expected", "Write '[' before line 8, column 9."),
    "the [ of Labs is missing": ('"Labs": [', '"Labs":', "A key in double quotes", "Write '[' before line 3, column 5."),
    "the colon in the quotes": ('"LabName": "lab-paris"', '"LabName:" "lab-paris"', "A ':' is expected", 'Write "LabName": "lab-paris" on line 6.'),
    "key and value in one text": ('"LabName": "lab-paris"', '"LabName: lab-paris"', "A ':' is expected", 'Write "LabName": "lab-paris" on line 6.'),
    "no quote after the key": ('"LabName": "lab-paris"', '"LabName: "lab-paris"', "A ':' is expected", 'Write "LabName": "lab-paris" on line 6.'),
    "an equals sign": ('"LabName": ', '"LabName" = ', "A ':' is expected", "Write ':' instead of '=' on line 6, column 17."),
    "two commas": ('"Win2016",', '"Win2016",,', "A value is expected before the ','", "Remove the ',' on line 8, column 19."),
    "two commas between members": ('"lab-paris",', '"lab-paris",,', "A key in double quotes", "Remove the ',' on line 6, column 30."),
    "a comma in front": ('"Win2016"', ', "Win2016"', "A value is expected before the ','", "Remove the ',' on line 8, column 9."),
    "two colons": ('"LabName":', '"LabName"::', "A value is expected before the ':'", "Remove the ':' on line 6, column 17."),
    "three commas": ('"Win2016",', '"Win2016",,,', "A value is expected before the ','", "Remove the ',,' on line 8, column 19."),
    "two commas at the end": ('"Linux"\n', '"Linux",,\n', "A value is expected before the ','", "Remove the ',,' on line 10, column 16."),
    "no quotes before a comment": ('"Win2016",\n', "Win2016 // or 2022\n", "A value is expected", 'Write "Win2016" on line 8.'),
    "a word behind the file": ("  ]\n}", "  ]\n}\n```", "follows the end", "Remove everything from line 22, column 1 on."),
    "no value": ('"lab-paris"', "", "A value is expected before the ','", "Write a value before line 6, column 18."),
    "closing quotes of a word processor": ('"lab-paris"', "”lab-paris”", "straight double quotes", 'Write "lab-paris" on line 6.'),
    "single quotes of a word processor": ('"Win2016"', "‘Win2016’", "straight double quotes", 'Write "Win2016" on line 8.'),
    "a key in quotes of a word processor": ('"ResourceGroup"', "“ResourceGroup”", "A key in double quotes", 'Write "ResourceGroup" on line 5.'),
    "doubled single quotes": ('"Win2016"', "''Win2016''", "straight double quotes", 'Write "Win2016" on line 8.'),
    "doubled double quotes": ('"Win2016"', '""Win2016""', "',' or ']' is expected", 'Write "Win2016" on line 8.'),
    "a key in doubled double quotes": ('"ResourceGroup"', '""ResourceGroup""', "A ':' is expected", 'Write "ResourceGroup" on line 5.'),
    "a comment before a key": ('"LabName": "lab-paris"', '// Paris\n"LabName": "lab-paris"', "JSON has no comments", "Remove the comment on line 6, column 7."),
    "a comment of HTML": ('"LabName": "lab-paris"', '<!-- Paris -->\n"LabName": "lab-paris"', "JSON has no comments", "Remove the comment on line 6, column 7."),
    "a comment of SQL": ('"Win2016"', '-- Paris\n"Win2016"', "JSON has no comments", "Remove the comment on line 8, column 9."),
    "a space that does not break": ('"Win2016"', '\u00a0"Win2016"', "invisible character, U+00A0,", "Remove each U+00A0 that stands outside of a text; the first is on line 8, column 9."),
    "a space without width": ('"ResourceGroup"', '\u200b"ResourceGroup"', "invisible character, U+200B,", "the first is on line 5, column 7."),
    "a second BOM": ("{\n  ", "\ufeff\ufeff{\n  ", "invisible character, U+FEFF,", "the first is on line 1, column 1."),
    "a backslash before the closing quote": ('"Linux"\n      ]\n    },', '"Linux\\"\n      ]\n    },', "closing quote", 'Write "Linux/" on line 10.'),
    "backslashes before two closing quotes": ('"Win2016",\n', '"Linux\\", "Win2016\\",\n', "',' or ']' is expected", 'Write "Linux/" on line 8.'),
    "a tab in a text": ('"Win2016"', '"Win2016\t"', "control character, U+0009,", "Remove the U+0009 on line 8, column 17."),
    "a merge that was not finished": ('        "Win2016",\n', '<<<<<<< HEAD\n        "Win2016",\n=======\n        "Linux",\n>>>>>>> other\n', "conflict marker of git", "Keep one of the two sides, and remove the conflict markers on the lines 8, 10, 12."),
    "a comma of another keyboard": ('"Win2016",', '"Win2016"，', "',' or ']' is expected", "Write ',' instead of '，' on line 8, column 18."),
    "a round bracket": ('[\n        "Win2016"', '(\n        "Win2016"', "A value is expected", "Write '[' instead of '(' on line 7, column 21."),
}  # fmt: skip

OTHERS = {
    "a pointer of Git LFS": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
    "a diff": "--- a/labs.json\n+++ b/labs.json\n@@ -1 +1 @@\n",
    "Markdown": "```json\n{}\n```",
    "HTML": "<!DOCTYPE html>\n<html></html>",
    "XML": '<?xml version="1.0"?><Labs/>',
    "YAML": "# labs\n---\nLabs:\n- LabName: lab-paris\n",
    "CSV": "SubscriptionId,LabName,ImagePaths\n",
}


def findings(text: str) -> tuple[Finding, ...]:
    return read_configuration(text.encode(), DEFINITIONS).findings


def wrong(name: str) -> str:
    right, instead, _, _ = CASES[name]
    assert right in TWO
    return TWO.replace(right, instead, 1)


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_told_with_its_cause_and_its_repair(name: str) -> None:
    _, _, cause, advice = CASES[name]
    [found] = findings(wrong(name))
    assert found.code == "NotJson"
    assert cause in found.message
    assert advice in found.next


def offset(text: str, line: str, column: str) -> int:
    return sum(len(before) + 1 for before in text.split("\n")[: int(line) - 1]) + int(column) - 1


def repaired(text: str, advice: str) -> str | None:
    """The text after what the advice says, word by word; None when it is left to a human."""
    if found := re.fullmatch(r"Write '(.+)' at the end of line (\d+)\.", advice):
        at = offset(text, str(int(found[2]) + 1), "0")
        return text[:at] + found[1] + text[at:]
    if found := re.fullmatch(r"Write '(.+)' before line (\d+), column (\d+)\.", advice):
        at = offset(text, found[2], found[3])
        return text[:at] + found[1] + text[at:]
    if found := re.fullmatch(r"Write '(.+)' instead of '(.+)' on line (\d+), column (\d+)\.", advice):
        at = offset(text, found[3], found[4])
        assert text.startswith(found[2], at)
        return text[:at] + found[1] + text[at + len(found[2]) :]
    if found := re.fullmatch(r"Remove the (?:'(.+)'|U\+(....)) on line (\d+), column (\d+)\.", advice):
        at = offset(text, found[3], found[4])
        signs = re.compile(r"\s*".join(map(re.escape, found[1] or chr(int(found[2], 16)))))
        match = signs.match(text, at)
        assert match
        return text[:at] + text[match.end() :]
    return None


SIGNS = [
    name for name, case in CASES.items() if re.match(r"Write '|Remove the ('|U)", case[3]) and name != "a round bracket"
]
"""The other end of a round bracket is the next fault."""


@pytest.mark.parametrize("name", SIGNS)
def test_what_one_is_told_to_write_or_to_remove_makes_the_file_right(name: str) -> None:
    [found] = findings(wrong(name))
    text = repaired(wrong(name), found.next)
    assert text is not None
    assert [finding for finding in findings(text) if finding.severity is Severity.ERROR] == []


WRITTEN = re.compile(r"Write (.+) on line \d+\.$")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if WRITTEN.match(case[3])])
def test_the_text_that_one_is_told_to_write_is_right(name: str) -> None:
    right, _, _, _ = CASES[name]
    [found] = findings(wrong(name))
    text = WRITTEN.match(found.next)
    assert text
    rest = right[right.index("\n") :] if "\n" in right else ""
    rest = "," + rest if right.startswith('"Win2016",') else rest
    again = findings(TWO.replace(right, text[1] + rest, 1))
    errors = {finding.code for finding in again if finding.severity is Severity.ERROR}
    assert errors <= ({"ResourceGroupInvalid"} if text[1] == "true" else set())


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_format_is_called_by_its_name(name: str) -> None:
    [found] = findings(OTHERS[name])
    assert name in found.message
    assert found.next == 'Write {"Labs": [ ... ]} with an object for each lab in the list.'


def test_a_repair_is_proposed_only_where_it_helps() -> None:
    [found] = findings('{"Labs": [\n"Win2016" Datacenter\n]}')
    assert found.next == "Write ']' or ',' before line 2, column 11, or remove what stands there."


def test_a_word_alone_is_no_text_that_lacks_its_quotes() -> None:
    [found] = findings("lab-paris")
    assert found.next == 'Write {"Labs": [ ... ]} with an object for each lab in the list.'


def test_in_a_very_long_file_no_repair_is_tried() -> None:
    [found] = findings(TWO.replace('"Win2016"', "Win2016") + " " * 200_000)
    assert found.next == "Write a text in double quotes."


def test_what_is_told_stays_short() -> None:
    [found] = findings('{"Labs": [1' + "," * 100_000 + "2]}")
    assert len(found.next) < 200
