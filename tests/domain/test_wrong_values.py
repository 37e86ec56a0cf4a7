# ruff: noqa: E501 - a table is read by its rows
"""Wrong values, keys and labs of labs.json: what is certain is told as what to write, what is a guess as an example."""

import json
import re

import pytest

from shared.configuration import read_configuration
from shared.domain.findings import Finding
from tests.domain.test_wrong_entries import DEFINITIONS, GUID, LAB, findings

OTHER = "7a1d2b63-4c8f-5b5f-8e1a-2d3c4b5a6f70"
LIST = '[\n        "Win2016",\n        "Win2022",\n        "Linux"\n      ]'
ARM_ID = f"/subscriptions/{GUID}/resourceGroups/rg-oslo/providers/Microsoft.DevTestLab/labs/lab-oslo"
MEMBERS = f'"SubscriptionId": "{GUID}", "ImagePaths": ["Win2016", "Win2022", "Linux"]'
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SECRETSECRET"

CASES: dict[str, tuple[str, str, int, str, str, str]] = {
    # name: what is replaced, by what, then line, code, words of the cause, and all that is said of what to write
    "SubId": ('"SubscriptionId"', '"SubId"', 3, "SubscriptionIdInvalid", "no SubscriptionId", 'Write "SubscriptionId" instead of "SubId" on line 4.'),
    "a key that holds a GUID": ('"SubscriptionId"', '"Account"', 4, "UnknownKey", '"Account" is unknown', 'Write "SubscriptionId" instead.'),
    "Lab": ('"LabName"', '"Lab"', 3, "LabNameInvalid", "no LabName", 'Write "LabName" instead of "Lab" on line 6.'),
    "DevTestLabName": ('"LabName"', '"DevTestLabName"', 6, "UnknownKey", "is unknown", 'Write "LabName" instead.'),
    "RG": ('"ResourceGroup"', '"RG"', 5, "UnknownKey", '"RG" is unknown', 'Write "ResourceGroup" instead.'),
    "Paths": ('"ImagePaths"', '"Paths"', 3, "ImagePathsMissing", "no ImagePaths", 'Write "ImagePaths" instead of "Paths" on line 7.'),
    "a key that holds a list": ('"ImagePaths"', '"GoldenVMs"', 7, "UnknownKey", '"GoldenVMs" is unknown', 'Write "ImagePaths" instead.'),
    "a key of nobody": ('"LabName"', '"Owner": "Ann", "LabName"', 6, "UnknownKey", '"Owner" is unknown', "Remove it; known are SubscriptionId, ResourceGroup, LabName, ImagePaths."),
    "a Cyrillic letter in a key": ('"LabName"', '"LаbName"', 6, "UnknownKey", "(its а is U+0430)", 'Write "LabName" instead.'),
    "DevTestLabs": ('"Labs"', '"DevTestLabs"', 1, "LabsMissing", 'no key "Labs"', 'Write "Labs" instead of "DevTestLabs" on line 2.'),
    "Laboratories": ('"Labs"', '"Laboratories"', 2, "UnknownKey", "is unknown", 'Write "Labs" instead.'),
    "ImagePath beside ImagePaths": ('"ImagePaths"', '"ImagePath": ["Win2022/Core"],\n"ImagePaths"', 7, "UnknownKey", "is unknown", 'Join its entries into "ImagePaths" on line 8, and remove it.'),
    "Lab beside LabName": ('"LabName"', '"Lab": "x", "LabName"', 6, "UnknownKey", "is unknown", "Remove it; known are SubscriptionId, ResourceGroup, LabName, ImagePaths."),
    "ImagePaths twice": ('"ImagePaths"', '"ImagePaths": ["Linux/bionic", "Linux"],\n"ImagePaths"', 8, "DuplicateKey", "is there twice", 'Write "ImagePaths": ["Linux/bionic", "Linux", "Win2016", "Win2022"] instead of the two.'),
    "ImagePaths twice, with a secret": ('"ImagePaths"', '"ImagePaths": ["Linux?sig=SECRETSECRET"],\n"ImagePaths"', 8, "DuplicateKey", "is there twice", 'Write "ImagePaths": [the entries of both] instead of the two.'),
    "a key twice on one line": ('"LabName": "lab-paris"', '"LabName": "lab-paris", "LabName": "x"', 6, "DuplicateKey", "is there twice", 'Remove "LabName" on line 6, or the other.'),
    "Labs twice": ('"Labs"', f'"Labs": [{{{MEMBERS}, "LabName": "lab-oslo"}}],\n"Labs"', 3, "DuplicateKey", "is there twice", 'Write "Labs": [the entries of both] instead of the two.'),
    "one lab as the file": (LAB, f'{{{MEMBERS}, "LabName": "lab-oslo"}}', 1, "LabsMissing", "The file is one lab", 'Write {"Labs": [ before it and ]} after it.'),
    "labs by their names": (LAB, f'{{"Labs": {{"lab-paris": {{{MEMBERS}}}, "lab-oslo": {{{MEMBERS}}}}}}}', 1, "LabsMissing", "an object with a key for each lab", 'Write "Labs": [ ... ] with these objects, each with its key as its LabName: "lab-paris", "lab-oslo".'),
    "a GUID with a digit too many": (f'"{GUID}"', f'"{GUID}7"', 4, "SubscriptionIdInvalid", "it has 33 digits instead of 32", f'Write the id of the subscription (not its name), such as "{GUID}".'),
    "a GUID with a digit too few": (f'"{GUID}"', f'"{GUID[:-1]}"', 4, "SubscriptionIdInvalid", "it has 31 digits instead of 32", f'Write the id of the subscription (not its name), such as "{GUID}".'),
    "a GUID with an O for a 0": (f'"{GUID}"', f'"{GUID.replace("0", "O", 1)}"', 4, "SubscriptionIdInvalid", '"O" is no hexadecimal digit', f'Write the id of the subscription (not its name), such as "{GUID}".'),
    "a GUID with dashes of a word processor": (f'"{GUID}"', f'"{GUID.replace("-", "–")}"', 4, "SubscriptionIdInvalid", "is no GUID", f'Write "{GUID}".'),
    "a GUID with hyphens that do not break": (f'"{GUID}"', f'"{GUID.replace("-", chr(0x2011))}"', 4, "SubscriptionIdInvalid", "is no GUID", f'Write "{GUID}".'),
    "two subscriptions": (f'"{GUID}"', f'"{GUID}, {OTHER}"', 4, "SubscriptionIdInvalid", "is no GUID", f'Write a lab for each: "{GUID}", "{OTHER}".'),
    "the name of a subscription": (f'"{GUID}"', '"Visual Studio Enterprise Subscription"', 4, "SubscriptionIdInvalid", 'Subscription" is no GUID.', f'Write the id of the subscription (not its name), such as "{GUID}".'),
    "the group and the lab": ('"lab-paris"', '"rg-oslo/lab-oslo"', 6, "LabNameInvalid", "can be called", 'Write "lab-oslo".'),
    "the subscription and the lab": ('"lab-paris"', f'"{GUID}/lab-oslo"', 6, "LabNameInvalid", "can be called", 'Write "lab-oslo".'),
    "an id with a query": ('"lab-paris"', f'"{ARM_ID}?api-version=2018-09-15"', 6, "LabNameInvalid", "can be called", 'Write "lab-oslo".'),
    "an id with escapes": ('"lab-paris"', f'"{ARM_ID.replace("/", "%2F")}"', 6, "LabNameInvalid", "can be called", 'Write "lab-oslo".'),
    "the id of the group for the lab": ('"lab-paris"', f'"/subscriptions/{GUID}/resourceGroups/rg-oslo"', 6, "LabNameInvalid", "can be called", 'Write the name of the lab as Azure shows it, such as "lab-paris".'),
    "two labs in one": ('"lab-paris"', '"lab-paris, lab-oslo"', 6, "LabNameInvalid", "can be called", 'Write a lab for each: "lab-paris", "lab-oslo".'),
    "a dash in the name": ('"lab-paris"', '"lab–paris"', 6, "LabNameInvalid", "can be called", 'Write "lab-paris".'),
    "a Cyrillic letter in the name": ('"lab-paris"', '"lаb-paris"', 6, "LabNameInvalid", "(its а is U+0430)", 'Write the name of the lab as Azure shows it, such as "lab-paris".'),
    "true for a name": ('"lab-paris"', "true", 6, "LabNameInvalid", "is true, not a text", 'Write the name of the lab as Azure shows it, such as "lab-paris".'),
    "a penguin in the group": ('"rg-paris"', '"rg-🐧"', 5, "ResourceGroupInvalid", "can be called", 'Remove the key "ResourceGroup", or write the name of the lab\'s resource group as Azure shows it.'),
    "a dash in the group": ('"rg-paris"', '"rg–paris"', 5, "ResourceGroupInvalid", "can be called", 'Write "rg-paris".'),
    "something invisible in the group": ('"rg-paris"', '"rg-paris\u200b"', 5, "ResourceGroupInvalid", r"\u200b", 'Write "rg-paris".'),
    "a group with a decomposed letter": ('"rg-paris"', '"rg-mu\u0308nchen"', 5, "ResourceGroupInvalid", "can be called", 'Write "rg-münchen".'),
    "false for the group": ('"rg-paris"', "false", 5, "ResourceGroupInvalid", "is false, not a text", 'Remove the key "ResourceGroup", or write the name of the lab\'s resource group as Azure shows it.'),
    "null for a lab": ('"Labs": [', '"Labs": [ null,', 2, "LabNotObject", "null, not an object", "Remove it."),
    "a list for a lab": (LAB, f'{{"Labs": [[{{{MEMBERS}, "LabName": "lab-oslo"}}]]}}', 1, "LabNotObject", "a list, not an object", "Remove the [ before it and the ] after it."),
    "an object of numbers for ImagePaths": (LIST, '{"0": "Win2016", "1": "Linux"}', 7, "ImagePathsInvalid", "an object, not a list", 'Write ["Win2016", "Linux"].'),
    "an object around ImagePaths": (LIST, '{"Path": ["Win2016"]}', 7, "ImagePathsInvalid", "an object, not a list", 'Write ["Win2016"].'),
    "a number for ImagePaths": (LIST, "5", 7, "ImagePathsInvalid", "a number, not a list", 'Write a list such as ["Windows"]; [] asks for nothing.'),
    "true for ImagePaths": (LIST, "true", 7, "ImagePathsInvalid", "true, not a list", 'Write a list such as ["Windows"]; [] asks for nothing.'),
    "an empty text for ImagePaths": (LIST, '""', 7, "ImagePathsNotList", "one text", "Write [ before it and ] after it."),
    "bars between paths": (LIST, '"Win2016 | Linux"', 7, "ImagePathsNotList", "one text", 'Write ["Win2016", "Linux"].'),
    "a secret for ImagePaths": (LIST, '"Linux?sig=SECRETSECRET"', 7, "ImagePathsNotList", "one text", "Write [ before it and ] after it."),
    "a wrong text for ImagePaths": (LIST, '"Win2017"', 7, "ImagePathsNotList", "one text", "Write [ before it and ] after it."),
    "a list of several in the list": ('"Win2016"', '["Win2016", "Linux/bionic"]', 8, "EntryNotText", "a list, not a text", 'Write "Win2016", "Linux/bionic".'),
    "true for an entry": ('"Win2016"', "true", 8, "EntryNotText", "true, not a text", 'Write a path such as "Win2022/Datacenter.json", or remove the entry.'),
    "a space that does not break": ('"Linux"', '"Linux\u00a0x"', 10, "EntryMatchesNothing", r'"Linux\u00a0x"', 'Did you mean "Linux"?'),
    "a Cyrillic letter in an entry": ('"Linux"', '"Lіnux"', 10, "EntryMatchesNothing", "(its і is U+0456)", 'Did you mean "Linux"?'),
    "a secret in a lab's name": ('"lab-paris"', '"https://st/x?sv=1&sig=SECRETSECRET"', 6, "LabNameInvalid", "sig=***", 'Write the name of the lab as Azure shows it, such as "lab-paris". Renew the secret, too: it has been read.'),
    "a token for a lab's name": ('"lab-paris"', f'"Bearer {TOKEN}"', 6, "LabNameInvalid", "Bearer ***", 'Write the name of the lab as Azure shows it, such as "lab-paris". Renew the secret, too: it has been read.'),
    "a JWT for a group": ('"rg-paris"', f'"{TOKEN}"', 5, "ResourceGroupInvalid", '"***"', 'Remove the key "ResourceGroup", or write the name of the lab\'s resource group as Azure shows it. Renew the secret, too: it has been read.'),
    "a secret in an entry": ('"Linux"', '"Linux?sig=SECRETSECRET"', 10, "EntrySecret", "holds a secret", 'Write "Linux". Renew the secret, too: it has been read.'),
    "a secret in a list in the list": ('"Linux"', '["Linux?sig=SECRETSECRET"]', 10, "EntryNotText", "a list, not a text", 'Write a path such as "Win2022/Datacenter.json", or remove the entry. Renew the secret, too: it has been read.'),
    "a secret in an object for ImagePaths": (LIST, '{"0": "Linux?sig=SECRETSECRET"}', 7, "ImagePathsInvalid", "an object, not a list", 'Write a list such as ["Windows"]; [] asks for nothing. Renew the secret, too: it has been read.'),
    "a secret for a lab": ('"Labs": [', '"Labs": [ "https://st/x?sig=SECRETSECRET",', 2, "LabNotObject", "a text", f'Write an object such as {{"SubscriptionId": "{GUID}", "LabName": "lab-paris", "ImagePaths": ["Windows", "Linux/Ubuntu 22.04 LTS.json"]}}. Renew the secret, too: it has been read.'),
    "an object of several in the list": ('"Win2016"', '{"Name": "Server", "Path": "Win2016"}', 8, "EntryNotText", "an object, not a text", 'Write a path such as "Win2022/Datacenter.json", or remove the entry.'),
    "a secret in the URL of an entry": ('"Linux"', '"https://st/c/Linux?sig=SECRETSECRET"', 10, "EntryUrl", "is a URL", 'Write "Linux". Renew the secret, too: it has been read.'),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_wrong_is_told_with_what_to_write(case: tuple[str, str, int, str, str, str]) -> None:
    right, wrong, line, code, cause, advice = case
    assert LAB.count(right) == 1
    told = findings(LAB.replace(right, wrong))
    [found] = [finding for finding in told if finding.code == code]
    assert (found.line, found.next) == (line, advice)
    assert cause in found.message
    assert all("SECRET" not in f"{finding}" for finding in told)


EXACT = re.compile(r'Write (\[?"[^"]*"(?:, "[^"]*")*\]?)\.( Renew .*)?')


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if EXACT.fullmatch(case[5])])
def test_what_is_told_as_exact_leaves_nothing_to_say(name: str) -> None:
    right, _, _, _, _, advice = CASES[name]
    replacement = EXACT.fullmatch(advice)
    assert replacement
    assert {finding.code for finding in findings(LAB.replace(right, replacement[1]))} <= {"DefinitionUnwanted"}


def labs(text: str) -> list[Finding]:
    return list(read_configuration(text.encode(), None).findings)


def test_a_subscription_and_a_name_that_are_swapped_are_swapped_back() -> None:
    swapped = LAB.replace("lab-paris", "?").replace(GUID, "lab-paris").replace("?", GUID)
    [found] = findings(swapped)
    assert (found.code, found.line) == ("SubscriptionIdInvalid", 4)
    assert found.next == f'Write "{GUID}", which stands in LabName on line 6, and "lab-paris" there.'


@pytest.mark.parametrize(
    ("lab", "named"),
    [
        ("lab-oslo", {"LabName": "lab-oslo"}),
        (f"{OTHER}/lab-oslo", {"SubscriptionId": OTHER, "LabName": "lab-oslo"}),
        (ARM_ID, {"SubscriptionId": GUID, "LabName": "lab-oslo", "ResourceGroup": "rg-oslo"}),
        (5, {}),
        (True, {}),
    ],
)
def test_a_lab_that_is_no_object_becomes_one_with_what_it_names(lab: object, named: dict[str, str]) -> None:
    [found] = labs(json.dumps({"Labs": [lab]}))
    assert found.code == "LabNotObject"
    said = re.fullmatch(r"Write an object such as (.*)\.", found.next)
    assert said
    example = {"SubscriptionId": GUID, "LabName": "lab-paris", "ImagePaths": ["Windows", "Linux/Ubuntu 22.04 LTS.json"]}
    assert json.loads(said[1]) == example | named


@pytest.mark.parametrize(
    "text",
    [
        '{"LabName": "no lab", "ImagePaths": []}',
        '[{"LabName": "no lab", "ImagePaths": []}]',
        '{"Labs": {"no lab": {"ImagePaths": []}}}',
        '{"DevTestLabs": [{"LabName": "no lab", "ImagePaths": []}]}',
        '{"Labs": [], "Labs": [{"LabName": "no lab", "ImagePaths": []}]}',
    ],
)
def test_labs_that_are_not_where_they_belong_are_checked_all_the_same(text: str) -> None:
    found = {finding.code for finding in labs(text)}
    assert found - {"LabsMissing", "UnknownKey", "DuplicateKey"} == {
        "SubscriptionIdInvalid",
        "LabNameInvalid",
        "ImagePathsEmpty",
    }
    assert not read_configuration(text.encode(), None).usable


def test_labs_in_both_of_two_lists_are_one_lab() -> None:
    lab = f'{{{MEMBERS}, "LabName": "lab-oslo"}}'
    assert {finding.code for finding in labs(f'{{"Labs": [{lab}], "labs": [{lab}]}}')} == {
        "DuplicateKey",
        "LabDuplicate",
    }


def test_no_entry_is_lost_when_a_lab_that_stands_there_twice_is_joined() -> None:
    other = f'{{"SubscriptionId": "{GUID}", "LabName": "lab-paris", "ImagePaths": ["Linux/Kisk"]}}'
    told = findings(LAB.replace("    }\n  ]", f"    }},\n{other}\n  ]"))
    [found] = [finding for finding in told if finding.code == "LabDuplicate"]
    assert 'Write "ImagePaths": [the entries of both] on line 3 and remove the lab on line 13' in found.next


def test_a_typo_does_not_make_definitions_unwanted() -> None:
    assert [found.code for found in findings(LAB.replace('"Linux"', '"Linix"'))] == ["EntryMatchesNothing"]
    assert [found.code for found in findings(LAB.replace('"Linux"', '"Linux/bionic"'))] == ["DefinitionUnwanted"]


@pytest.mark.parametrize(
    "data",
    [
        LAB.replace('"lab-paris"', '"lab-é"').encode("latin-1"),
        LAB.replace('"lab-paris"', '"lab–"').encode("cp1252"),
        LAB[: LAB.index("lab-paris")].encode("utf-16")[:-1],
        LAB.replace("lab-paris", "lab\0").encode(),
    ],
)
def test_bytes_that_are_no_text_are_told_at_their_line(data: bytes) -> None:
    [found] = read_configuration(data, DEFINITIONS).findings
    assert (found.code, found.line) == ("NotText", 6)
