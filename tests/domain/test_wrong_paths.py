# ruff: noqa: E501 - a table is read by its rows
"""What a lab admin is told of a path in ImagePaths that leads nowhere, and that what is told leads somewhere."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.configuration import read_configuration
from shared.domain.findings import Finding
from shared.domain.matching import LONGEST_PATH, parse_entry, readings
from shared.errors import ConfigurationError

DEFINITIONS = (
    "Linux/Debian 12.json",
    "Linux/Rocky 9.json",
    "Linux/Ubuntu 22.04 LTS.json",
    "Windows/Kiosk.json",
    "Windows/Server2019/Datacenter.json",
    "Windows/Server2022/Datacenter.json",
)
BLOB = "https://st.blob.core.windows.net/configuration/GoldenImages"
IN_ARM = "/subscriptions/6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st"

CASES = {
    # what stands there: what one is told to do
    "!Linux/Rocky 9.json": 'There are no exclusions; name what is wanted: "Linux/Debian 12.json", "Linux/Ubuntu 22.04 LTS.json".',
    "!Windows": 'There are no exclusions; name what is wanted: "Linux".',
    "!Solaris/x": 'There are no exclusions; name what is wanted: "Linux", "Windows".',
    "configuration/GoldenImages/Linux": 'Paths start below GoldenImages: write "Linux".',
    "~/GoldenImages/Linux": 'Paths start below GoldenImages: write "Linux".',
    "/home/eva/GoldenImages/Linux": 'Paths start below GoldenImages: write "Linux".',
    "GoldenImage/Linux": 'Paths start below GoldenImages: write "Linux".',
    "golden images/Linux": 'Paths start below GoldenImages: write "Linux".',
    "GoldenImages/Linx": 'Did you mean "Linux"?',
    "GoldenImages": 'Paths start below GoldenImages: write an entry for each: "Linux", "Windows".',
    "configuration/Linux/Rocky 9": 'Paths start below GoldenImages: did you mean "Linux/Rocky 9"?',
    "/GoldenImages/Linux": 'Paths start below GoldenImages: write "Linux".',
    IN_ARM + "/blobServices/default/containers/configuration/blobs/GoldenImages/Linux": 'Paths start below GoldenImages: write "Linux".',
    "/Linx": 'Did you mean "Linux"?',
    BLOB + "/Linux/Debian%2012.json": 'Write "Linux/Debian 12.json".',
    BLOB + "/Linux/Debian%2012.json?sv=1&sp=r": 'Write "Linux/Debian 12.json".',
    "/GoldenImages/Linux//Debian%2012.json": 'Write "Linux/Debian 12.json".',
    BLOB + "/Linx": 'Did you mean "Linux"?',
    BLOB: 'Upload its definition, or write one of "Linux", "Windows".',
    "../Linx": 'Did you mean "Linux"?',
    "../zzz": 'Upload its definition, or write one of "Linux", "Windows".',
    "Linux//Debain 12": 'Did you mean "Linux/Debian 12.json"?',
    "C:\\GoldenImages\\Linx": 'Did you mean "Linux"?',
    "Lin\u200bx": 'Did you mean "Linux"?',
    "Linux\t": 'Write "Linux".',
    "\r\nLinux/Rocky 9": 'Write "Linux/Rocky 9".',
    "Linux\nWindows": 'Write an entry for each: "Linux", "Windows".',
    "Linux\rocky 9": 'Write "Linux/rocky 9".',
    "Linux/Debian 12; Linux/Rocky 9; Windows/Kiosk; Windows/Server2019, Windows/Server2022": 'Write an entry for each: "Linux/Debian 12", "Linux/Rocky 9", "Windows/Kiosk", "Windows/Server2019", "Windows/Server2022".',
    "Linux, Windws": 'Did you mean an entry for each: "Linux", "Windows"?',
    "/Linux,": 'Write "Linux".',
    "*": 'There are no wildcards: write an entry for each: "Linux", "Windows".',
    "Lin*": 'There are no wildcards: write "Linux".',
    "*/Datacenter.json": 'There are no wildcards: write an entry for each: "Windows/Server2019/Datacenter.json", "Windows/Server2022/Datacenter.json".',
    "Windows/*/Datacenter.json": 'There are no wildcards: write an entry for each: "Windows/Server2019/Datacenter.json", "Windows/Server2022/Datacenter.json".',
    "linux/ubuntu*": 'There are no wildcards: write "Linux/Ubuntu 22.04 LTS.json".',
    "Linux/*.json": 'There are no wildcards: write "Linux" for the whole folder.',
    "Windows/**": 'There are no wildcards: write "Windows" for the whole folder.',
    "GoldenImages/Linux/*": 'There are no wildcards: write "Linux" for the whole folder.',
    "Windows/**/*.json": 'There are no wildcards: write "Windows" for the whole folder.',
    "*.json": 'There are no wildcards: write an entry for each: "Linux", "Windows".',
    "Windows/Server2022/Data*": 'There are no wildcards: write "Windows/Server2022/Datacenter.json".',
    "c/Windows/Kiosk*": 'There are no wildcards: name a file or a folder, such as "Linux" or "Windows".',
    " Rocky 9": 'Paths start below GoldenImages: did you mean "Linux/Rocky 9.json"?',
    "Linx/*": 'There are no wildcards. Did you mean "Linux"?',
    "Windows/Servr*": 'There are no wildcards: name a file or a folder, such as "Linux" or "Windows".',
    "Sol*": 'There are no wildcards: name a file or a folder, such as "Linux" or "Windows".',
    ".": 'Write an entry for each that is wanted: "Linux", "Windows"; or remove the entry.',
    "": 'Write an entry for each that is wanted: "Linux", "Windows"; or remove the entry.',
    "Linux_Ubuntu-22_04-LTS-Nov-20-2026": 'It is the name of an image: write "Linux/Ubuntu 22.04 LTS.json".',
    "linux_rocky-9-Nov-2-2026B": 'It is the name of an image: write "Linux/Rocky 9.json".',
    "Server2022_Datacenter-Nov-20-2026": 'It is the name of an image: write "Windows/Server2022/Datacenter.json".',
}  # fmt: skip


def findings(entries: Any, definitions: tuple[str, ...] | None = DEFINITIONS) -> list[Finding]:
    lab = {"SubscriptionId": "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f", "LabName": "lab-oslo", "ImagePaths": entries}
    found = read_configuration(json.dumps({"Labs": [lab]}).encode(), definitions).findings
    return [finding for finding in found if finding.code != "DefinitionUnwanted"]


@pytest.mark.parametrize("entry", CASES)
def test_one_finding_tells_what_to_write_and_that_leads_to_no_other(entry: str) -> None:
    [found] = findings([entry])
    assert found.next == CASES[entry]
    assert findings(re.findall(r'"([^"]+)"', found.next)) == []


@pytest.mark.parametrize(
    ("entry", "advice"),
    [
        (
            BLOB + "/Linux/Debian%2012.json?sig=x",
            'Write "Linux/Debian 12.json". Renew the secret, too: it has been read.',
        ),
        ("D:\\GoldenImages\\..\\GoldenImages\\\\Linux", 'Write "Linux".'),
        ("..//Linux\u200b", 'Write "Linux".'),
        ("Linux\bionic", 'Write "Linux/bionic".'),
        ("Linux\t", 'Write "Linux".'),
        ("Linux\nWindows", 'Did you mean "Linux/nWindows"?'),
        (BLOB, 'Write the path from GoldenImages on, such as "Win2022/Datacenter.json".'),
    ],
)
def test_without_definitions_only_what_is_plain_is_told_as_exact(entry: str, advice: str) -> None:
    [found] = findings([entry], None)
    assert found.next == advice


def test_golden_images_without_a_definition_is_told_so() -> None:
    [found] = findings(["Linux"], ())
    assert found.next == "GoldenImages holds no .json: upload a definition, or remove the entry."


def test_of_many_matches_of_a_wildcard_some_are_named_and_the_others_counted() -> None:
    [found] = findings(["Linux/D*"], ("Linux/Arch.json", *(f"Linux/D{number}.json" for number in range(27))))
    assert found.next.endswith('"Linux/D7.json" and 2 more.')


def test_a_name_of_two_images_is_a_question() -> None:
    [found] = findings(["Win_x-Nov-20-2026"], ("A/Win/x.json", "B/Win/x.json"))
    assert found.next == 'It is the name of an image: did you mean "A/Win/x.json" or "B/Win/x.json"?'


def test_an_object_for_the_list_is_told_with_all_of_its_paths() -> None:
    [found] = findings({f"Linux/D{number}": True for number in range(6)})
    assert found.next.endswith('"Linux/D5"].')


@given(st.text(st.sampled_from("aC:/\\.%25?#\t\n\u200b, "), max_size=12) | st.text(max_size=12))
def test_what_a_text_may_be_read_as_is_a_path(text: str) -> None:
    for reading in readings(text):
        try:
            assert len(parse_entry(reading).text) <= LONGEST_PATH
        except ConfigurationError as error:
            assert error.code == "EntryEmpty", (text, reading)
