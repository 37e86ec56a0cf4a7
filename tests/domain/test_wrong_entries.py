# ruff: noqa: E501 - a table is read by its rows
"""What a lab admin is told of the usual mistakes in labs.json: the line, the cause, and exactly what to write instead."""

import re

import pytest

from shared.configuration import read_configuration
from shared.domain.findings import Finding, Severity

GUID = "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f"
DEFINITIONS = (
    "Win2016/Datacenter.json",
    "Win2022/Datacenter.json",
    "Win2022/Core.json",
    "Linux/Ubuntu 22.04 LTS.json",
    "Linux/bionic.json",
)

LAB = """{
  "Labs": [
    {
      "SubscriptionId": "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f",
      "ResourceGroup": "rg-paris",
      "LabName": "lab-paris",
      "ImagePaths": [
        "Win2016",
        "Win2022",
        "Linux"
      ]
    }
  ]
}"""
"""The right file: each case replaces one text in it by a wrong one."""

CASES: dict[str, tuple[str, str, int, str, str, str]] = {
    # name: what is replaced, by what, then line, code, words of the cause, and what to write
    "a comma is missing between members": ('"lab-paris",', '"lab-paris"', 7, "NotJson", "',' or '}' is expected", "Write ',' at the end of line 6."),
    "a comma is missing between entries": ('"Win2016",', '"Win2016"', 9, "NotJson", "',' or ']' is expected", "Write ',' at the end of line 8."),
    "a comma too many": ('"Linux"\n', '"Linux",\n', 10, "NotJson", "',' too many before the ']'", "Remove the ',' on line 10, column 16."),
    "a comment": ('"Linux"\n', '"Linux" // all of them\n', 10, "NotJson", "JSON has no comments", "Remove the comment on line 10, column 17."),
    "single quotes": ('"Win2016"', "'Win2016'", 8, "NotJson", "straight double quotes", 'Write "Win2016" on line 8.'),
    "quotes of a word processor": ('"Win2016"', "“Win2016”", 8, "NotJson", "straight double quotes", 'Write "Win2016" on line 8.'),
    "no quotes": ('"lab-paris"', "lab-paris", 6, "NotJson", "A value is expected", 'Write "lab-paris" on line 6.'),
    "a GUID without quotes": (f'"{GUID}"', GUID, 4, "NotJson", "A value is expected", f'Write "{GUID}" on line 4.'),
    "a key without quotes": ('"LabName"', "LabName", 6, "NotJson", "A key in double quotes", 'Write "LabName" on line 6.'),
    "Python's None": ('"rg-paris"', "None", 5, "NotJson", "A value is expected", "Write null on line 5."),
    "a single backslash": ('"Win2016"', '"Win2016\\Datacenter"', 8, "NotJson", "A single backslash", 'Write "Win2016/Datacenter" on line 8.'),
    "a closing quote is missing": ('"Win2016",', '"Win2016,', 8, "NotJson", "closing quote", 'Write " at the end of the text that begins on line 8.'),
    "a colon is missing": ('"LabName":', '"LabName"', 6, "NotJson", "A ':' is expected", 'Write "LabName": with the value after it.'),
    "the end is missing": ('"Linux"\n      ]\n    }\n  ]\n}', '"Linux"\n', 11, "NotJson", "ends too early", "Write ]}]} at the end of the file."),
    "an end too many": ("  ]\n}", "  ]\n}\n}", 15, "NotJson", "follows the end", "Remove everything from line 15, column 1 on."),
    "the wrong bracket": ("      ]\n", "      }\n", 11, "NotJson", "',' or ']' is expected", "Write ']' instead of '}' on line 11, column 7."),
    "an end is missing": ("      ]\n    }", "    }", 11, "NotJson", "',' or ']' is expected", "Write ']' before line 11, column 5."),
    "a semicolon": ('"lab-paris",', '"lab-paris";', 6, "NotJson", "',' or '}' is expected", "Write ',' instead of ';' on line 6, column 29."),
    "a quote too many": ('"lab-paris",', '"lab-paris"",', 6, "NotJson", "',' or '}' is expected", "Remove the '\"' on line 6, column 29."),
    "a key with a space": ('"LabName"', '"LabName "', 3, "LabNameInvalid", "The lab has no LabName", 'Write "LabName" instead of "LabName " on line 6.'),
    "the list alone": (LAB, "[{}]", 1, "LabsMissing", 'not an object with the key "Labs"', 'Write {"Labs": before the list and } after it.'),
    "Lab instead of Labs": ('"Labs"', '"Lab"', 1, "LabsMissing", 'no key "Labs"', 'Write "Labs" instead of "Lab" on line 2.'),
    "a name instead of a lab": (LAB, '{"Labs": [\n"lab-oslo"]}', 2, "LabNotObject", "a text, not an object", '"LabName": "lab-oslo"'),
    "the subscription's name": (f'"{GUID}"', '"Production"', 4, "SubscriptionIdInvalid", "is no GUID", f'such as "{GUID}"'),
    "a GUID in braces": (f'"{GUID}"', '"{6F0C1A523B7E4A4E9D0F1C2B3A4D5E6F}"', 4, "SubscriptionIdInvalid", "is no GUID", f'Write "{GUID.upper()}".'),
    "the subscription's resource id": (f'"{GUID}"', f'"/subscriptions/{GUID}"', 4, "SubscriptionIdInvalid", "is no GUID", f'Write "{GUID}".'),
    "no subscription": (f'"SubscriptionId": "{GUID}",', "", 3, "SubscriptionIdInvalid", "The lab has no SubscriptionId", f'Add "SubscriptionId": "{GUID}"'),
    "a key is misspelt": ('"LabName"', '"LabNam"', 3, "LabNameInvalid", "The lab has no LabName", 'Write "LabName" instead of "LabNam" on line 6.'),
    "a key in another case": ('"LabName"', '"labname"', 6, "KeyCase", 'The key "labname" is read as "LabName".', 'Write "LabName".'),
    "a key twice": ('"LabName": "lab-paris",', '"LabName": "lab-paris", \n "LabName": "x",', 7, "DuplicateKey", "is there twice", 'Remove "LabName" on line 7, or "LabName" on line 6.'),
    "a space in the name": ('"lab-paris"', '"lab paris"', 6, "LabNameInvalid", "No lab can be called", 'such as "lab-paris"'),
    "a space after the name": ('"lab-paris"', '"lab-paris "', 6, "LabNameInvalid", "No lab can be called", 'Write "lab-paris".'),
    "the lab's resource id": ('"lab-paris"', f'"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.DevTestLab/labs/lab-paris"', 6, "LabNameInvalid", "No lab can be called", 'Write "lab-paris".'),
    "a number for a name": ('"lab-paris"', "2024", 6, "LabNameInvalid", "a number, not a text", 'Write "2024".'),
    "a list for a name": ('"lab-paris"', '["lab-paris"]', 6, "LabNameInvalid", "a list, not a text", 'Write "lab-paris".'),
    "an empty group": ('"rg-paris"', '""', 5, "ResourceGroupInvalid", "No resource group can be called", 'Remove the key "ResourceGroup"'),
    "a dot after the group": ('"rg-paris"', '"rg-paris."', 5, "ResourceGroupInvalid", "no '.' at the end", 'Write "rg-paris".'),
    "the group's resource id": ('"rg-paris"', f'"/subscriptions/{GUID}/resourceGroups/rg-paris"', 5, "ResourceGroupInvalid", "can be called", 'Write "rg-paris".'),
    "one text for the list": ('[\n        "Win2016",\n        "Win2022",\n        "Linux"\n      ]', '"Win2016"', 7, "ImagePathsNotList", "one text, not a list", 'Write ["Win2016"].'),
    "one text for two entries": ('[\n        "Win2016",\n        "Win2022",\n        "Linux"\n      ]', '"Win2016, Linux"', 7, "ImagePathsNotList", "one text, not a list", 'Write ["Win2016", "Linux"].'),
    "two entries in one": ('"Win2016"', '"Win2016; Linux"', 8, "EntryMatchesNothing", "matches no definition", 'Write an entry for each: "Win2016", "Linux".'),
    "an object for the list": ('[\n        "Win2016",\n        "Win2022",\n        "Linux"\n      ]', '{"Win2016": true}', 7, "ImagePathsInvalid", "an object, not a list", 'Write ["Win2016"].'),
    "ImagePath": ('"ImagePaths"', '"ImagePath"', 3, "ImagePathsMissing", "no ImagePaths", 'Write "ImagePaths" instead of "ImagePath" on line 7.'),
    "null for the list": ('[\n        "Win2016",\n        "Win2022",\n        "Linux"\n      ]', "null", 7, "ImagePathsMissing", "null for ImagePaths", 'Write a list such as ["Windows"]; [] asks for nothing.'),
    "an entry that ends inside a name": ('"Win2016"', '"Win201"', 8, "EntryMatchesNothing", "matches no definition", 'did you mean "Win2016"?'),
    "an entry with a letter wrong": ('"Win2016"', '"Win2017/Datacenter"', 8, "EntryMatchesNothing", "matches no definition", 'Did you mean "Win2016/Datacenter.json"?'),
    "an entry that nothing is like": ('"Win2016"', '"Solaris"', 8, "EntryMatchesNothing", "matches no definition", 'write one of "Linux", "Win2016", "Win2022"'),
    "an entry without its folder": ('"Win2016"', '"Core.json"', 8, "EntryMatchesNothing", "matches no definition", 'did you mean "Win2022/Core.json"?'),
    "GoldenImages in front": ('"Win2016"', '"GoldenImages/Win2016"', 8, "EntryMatchesNothing", "matches no definition", 'write "Win2016".'),
    "a star": ('"Win2016"', '"Win2022/*"', 8, "EntryMatchesNothing", "matches no definition", 'write "Win2022" for the whole folder.'),
    "a space after an entry": ('"Win2016"', '"Win2016 "', 8, "EntryMatchesNothing", "matches no definition", 'write "Win2016".'),
    "a file with a separator at its end": ('"Win2016"', '"Win2022/Core.json/"', 8, "EntryMatchesNothing", "matches no definition", 'write "Win2022/Core.json"'),
    "an escape that was a folder": ('"Win2016"', '"Linux\\bionic"', 8, "EntryInvisible", "(U+0008)", 'Write "Linux/bionic".'),
    "an empty entry": ('"Win2016"', '""', 8, "EntryEmpty", "The entry is empty", "remove the entry"),
    "a folder above": ('"Win2016"', '"../GoldenImages/Win2016"', 8, "EntryDots", "'.' or '..'", 'Write "Win2016".'),
    "a dot in front": ('"Win2016"', '"./Win2016"', 8, "EntryDots", "'.' or '..'", 'Write "Win2016".'),
    "a drive": ('"Win2016"', '"D:\\\\Factory\\\\Win2022\\\\Core.json"', 8, "EntryDrive", "names a drive", 'Write "Win2022/Core.json".'),
    "a share": ('"Win2016"', '"\\\\\\\\server\\\\share\\\\Win2022"', 8, "EntryDoubledSeparator", "two separators", 'Write "Win2022".'),
    "a URL": ('"Win2016"', '"https://st.blob.core.windows.net/c/GoldenImages/Win2022/Core.json?sv=1"', 8, "EntryUrl", "is a URL", 'Write "Win2022/Core.json".'),
    "two separators": ('"Win2016"', '"Win2022//Core.json"', 8, "EntryDoubledSeparator", "two separators", 'Write "Win2022/Core.json".'),
    "a separator in front": ('"Win2016"', '"/Win2016"', 8, "LeadingSlash", "begins with a separator", 'Write "Win2016".'),
    "a number for an entry": ('"Win2016"', "2016", 8, "EntryNotText", "a number, not a text", 'Write "2016".'),
    "a list in the list": ('"Win2016"', '["Win2016"]', 8, "EntryNotText", "a list, not a text", 'Write "Win2016".'),
    "an object in the list": ('"Win2016"', '{"ImagePath": "Win2016"}', 8, "EntryNotText", "an object, not a text", 'Write "Win2016".'),
    "no lab": (LAB, '{"Labs": []}', 1, "NoLabs", "list of labs is empty", f'{{"SubscriptionId": "{GUID}"'),
}  # fmt: skip


def findings(text: str) -> tuple[Finding, ...]:
    return read_configuration(text.encode(), DEFINITIONS).findings


def test_the_file_that_the_cases_are_made_of_is_right() -> None:
    assert findings(LAB) == ()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_wrong_entry_is_told_with_its_line_its_cause_and_what_to_write(
    case: tuple[str, str, int, str, str, str],
) -> None:
    right, wrong, line, code, cause, advice = case
    assert LAB.count(right) == 1
    told = findings(LAB.replace(right, wrong))
    found = next((finding for finding in told if finding.code == code), None)
    assert found is not None, told
    assert found.line == line
    assert cause in found.message
    assert advice in found.next


def test_a_lab_that_stands_there_twice_is_joined_into_one() -> None:
    other = f'{{"SubscriptionId": "{GUID}", "ResourceGroup": "RG-PARIS", "LabName": "lab-paris", "ImagePaths": ["Linux/bionic"]}}'
    [found] = findings(LAB.replace("    }\n  ]", f"    }},\n{other}\n  ]"))
    assert (found.code, found.line, found.severity) == ("LabDuplicate", 13, Severity.ERROR)
    assert (
        'Write "ImagePaths": ["Win2016", "Win2022", "Linux", "Linux/bionic"] on line 3 and remove the lab on line 13'
        in found.next
    )


QUOTED = re.compile(r'^Write ("[^"]*")\.$')


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if QUOTED.match(case[5])])
def test_what_one_is_told_to_write_is_right(name: str) -> None:
    """The advice is taken by its word: the replacement stands where the wrong text stood, and nothing is left to say of it."""
    right, wrong, _, code, _, _ = CASES[name]
    [found] = [finding for finding in findings(LAB.replace(right, wrong)) if finding.code == code]
    replacement = QUOTED.match(found.next)
    assert replacement
    again = findings(LAB.replace(right, replacement[1]))
    errors = {finding.code for finding in again if finding.severity is Severity.ERROR}
    assert errors <= ({"EntryMatchesNothing"} if replacement[1] == '"2016"' else set())
