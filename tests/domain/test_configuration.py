"""labs.json: everything wrong in one pass, each finding at its place (B1, B5, B6, X3, X10, X12, X16)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.configuration import MAX_BYTES, Configuration, read_configuration
from shared.domain.findings import Finding, Severity
from shared.domain.labs import LabRequest
from shared.wire import from_json, to_json

SUBSCRIPTION = "6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f"
DEFINITIONS = ("Win2022/Datacenter.json", "Linux/Ubuntu 22.04 LTS.json")


def lab(name: str = "lab-paris", **members: object) -> dict[str, object]:
    return {"SubscriptionId": SUBSCRIPTION, "LabName": name, "ImagePaths": ["Win2022"]} | members


def read(*labs: object, definitions: tuple[str, ...] | None = None) -> Configuration:
    return read_configuration(json.dumps({"Labs": labs}).encode(), definitions)


def read_text(text: str, definitions: tuple[str, ...] | None = None) -> Configuration:
    return read_configuration(text.encode(), definitions)


def codes(configuration: Configuration) -> list[str]:
    return [finding.code for finding in configuration.findings]


def only(configuration: Configuration) -> Finding:
    (finding,) = configuration.findings
    assert finding.message
    assert finding.next
    return finding


def names(configuration: Configuration) -> list[str]:
    return [request.name for request in configuration.labs]


# --- A file that is right


def test_b1_a_lab_is_subscription_name_images_and_perhaps_a_resource_group() -> None:
    configuration = read(
        lab(ResourceGroup="rg-lab-paris"), lab("lab-oslo", ImagePaths=["Linux", "Win2022/Datacenter.json"])
    )
    assert configuration.usable
    assert configuration.findings == ()
    paris, oslo = configuration.labs
    assert (paris.subscription, paris.name, paris.resource_group) == (SUBSCRIPTION, "lab-paris", "rg-lab-paris")
    assert (paris.path, paris.line) == ("$.Labs[0]", 1)
    assert [entry.text for entry in oslo.entries] == ["Linux", "Win2022/Datacenter.json"]
    assert oslo.resource_group == ""


def test_keys_are_read_without_case_and_a_schema_may_be_named() -> None:
    text = json.dumps({"$schema": "./labs.schema.json", "labs": [{key.upper(): value for key, value in lab().items()}]})
    configuration = read_text(text)
    assert {(finding.severity, finding.code) for finding in configuration.findings} == {(Severity.WARNING, "KeyCase")}
    assert [finding.next for finding in configuration.findings] == [
        'Write "Labs".',
        'Write "SubscriptionId".',
        'Write "LabName".',
        'Write "ImagePaths".',
    ]
    assert names(configuration) == ["lab-paris"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_x12_a_path_beyond_ascii_is_the_same_in_each_encoding(encoding: str) -> None:
    data = json.dumps({"Labs": [lab(ImagePaths=["Üml/B.json"])]}, ensure_ascii=False).encode(encoding)
    configuration = read_configuration(data, ("U\u0308ml/b.json",))
    assert configuration.findings == ()
    assert configuration.labs[0].entries[0].text == "Üml/B.json"


def test_a_request_survives_the_journal() -> None:
    (request,) = read(lab(ImagePaths=["/Win2022/", "Üml/B.json"])).labs
    assert from_json(to_json(request), LabRequest) == request


# --- A file that is broken


BROKEN: list[tuple[bytes, str, int]] = [
    (b"", "NotJson", 1),
    (b" \n ", "NotJson", 2),
    (b"\xef\xbb\xbf", "NotJson", 1),
    (b'{"Labs": [\n{"LabName": "a"\n"ImagePaths": []}]}', "NotJson", 3),
    (b'{"Labs": [],\n}', "NotJson", 1),
    (b'{"Labs": []} x', "NotJson", 1),
    (b'{"Labs": [\n// none\n]}', "NotJson", 2),
    (b"{'Labs': []}", "NotJson", 1),
    (b'{"Labs": [NaN]}', "NotJson", 1),
    (b'{"Labs": [-Infinity]}', "NotJson", 1),
    (b'{"Labs": [01]}', "NotJson", 1),
    (b'{"Labs": [\n"Win2016\\Datacenter"]}', "NotJson", 2),
    (b'{"Labs": ["a\nb"]}', "NotJson", 1),
    (b'{"Labs": ["a', "NotJson", 1),
    (b'{"Labs": [', "NotJson", 1),
    (b"[" * 500_000, "NotJson", 1),
    (b'{"a":' * 200_000, "NotJson", 1),
    (b'{"Labs": []}' + b" " * MAX_BYTES, "TooLarge", 1),
    ('{"Labs": ["é"]}'.encode("latin-1"), "NotText", 1),
    ('{"Labs": []}'.encode("utf-32"), "NotText", 1),
    ('{"Labs": []}'.encode("utf-16-le"), "NotText", 1),
    ('{"Labs": []}'.encode("utf-16") + b"\0", "NotText", 1),
    (bytes(range(256)), "NotText", 2),
    (b"[]", "LabsMissing", 1),
    (b"null", "LabsMissing", 1),
    (b"1" * 10_000, "LabsMissing", 1),
    (b"{}", "LabsMissing", 1),
    (b'{\n"Labs": null}', "LabsMissing", 2),
    (b'{"Labs": "lab-paris"}', "LabsMissing", 1),
    (b'{"Labs": []}', "NoLabs", 1),
    (b'{"Labs": [],\n"labs": [{}]}', "DuplicateKey", 2),
    (b'{"$schema": 1,\n"$schema": 2, "Labs": []}', "DuplicateKey", 2),
    (b'{"Labs": [1, null]}', "LabNotObject", 1),
]


@pytest.mark.parametrize(("data", "code", "line"), BROKEN)
def test_a_broken_file_serves_no_lab_and_says_where_it_is_broken(data: bytes, code: str, line: int) -> None:
    configuration = read_configuration(data, DEFINITIONS)
    assert not configuration.usable
    assert configuration.labs == ()
    assert configuration.set_aside == ()
    findings = {finding.code: finding for finding in configuration.findings}
    assert (findings[code].severity, findings[code].line) == (Severity.ERROR, line)
    assert findings[code].next


def test_a_key_that_stands_twice_at_the_root_does_not_hide_what_else_is_wrong() -> None:
    configuration = read_text(json.dumps({"Labs": [lab("no lab")], "labs": []}))
    assert set(codes(configuration)) == {"LabNameInvalid", "DuplicateKey"}
    assert not configuration.usable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"Labs": [1,]}', "',' too many"),
        ('{"Labs": [1 2]}', "',' or ']'"),
        ('{"Labs" []}', "':'"),
        ("{Labs: []}", "double quotes"),
        ('{"Labs": ["Win2016\\Datacenter"]}', "single backslash"),
        ('{"Labs": [“a”]}', "straight double quotes"),
        ('{"Labs": ["a\n"]}', "closing quote"),
        ('{"Labs": ["a]}', "closing quote"),
        ('{"Labs": [/* */]}', "comments"),
        ('{"Labs": [', "too early"),
        ("", "empty"),
        ("[" * 100, "deeper"),
    ],
)
def test_the_usual_slips_are_called_by_their_names(text: str, said: str) -> None:
    assert said in only(read_text(text)).message


def test_a_file_of_the_largest_size_is_read() -> None:
    data = json.dumps({"Labs": [lab()]}).encode()
    assert read_configuration(data + b" " * (MAX_BYTES - len(data)), None).usable


# --- A lab that is wrong


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in lab().items() if name != key}


WRONG: list[tuple[dict[str, object], str, str]] = [
    (lab(SubscriptionId="production"), "SubscriptionIdInvalid", "$.Labs[0].SubscriptionId"),
    (lab(SubscriptionId=SUBSCRIPTION + " "), "SubscriptionIdInvalid", "$.Labs[0].SubscriptionId"),
    (lab(SubscriptionId=SUBSCRIPTION.replace("6", "\u0666")), "SubscriptionIdInvalid", "$.Labs[0].SubscriptionId"),
    (lab(SubscriptionId=None), "SubscriptionIdInvalid", "$.Labs[0].SubscriptionId"),
    (without("SubscriptionId"), "SubscriptionIdInvalid", "$.Labs[0]"),
    (lab("lab paris"), "LabNameInvalid", "$.Labs[0].LabName"),
    (lab("läb"), "LabNameInvalid", "$.Labs[0].LabName"),
    (lab("lab\n"), "LabNameInvalid", "$.Labs[0].LabName"),
    (lab("x" * 51), "LabNameInvalid", "$.Labs[0].LabName"),
    (lab("../other"), "LabNameInvalid", "$.Labs[0].LabName"),
    (lab("lab\ud800"), "LabNameInvalid", "$.Labs[0].LabName"),
    (lab(ResourceGroup="rg."), "ResourceGroupInvalid", "$.Labs[0].ResourceGroup"),
    (lab(ResourceGroup="rg/x"), "ResourceGroupInvalid", "$.Labs[0].ResourceGroup"),
    (lab(ResourceGroup=""), "ResourceGroupInvalid", "$.Labs[0].ResourceGroup"),
    (lab(ResourceGroup="x" * 91), "ResourceGroupInvalid", "$.Labs[0].ResourceGroup"),
    (lab(ResourceGroup="rg\u200b"), "ResourceGroupInvalid", "$.Labs[0].ResourceGroup"),
    (lab(ResourceGroup=7), "ResourceGroupInvalid", "$.Labs[0].ResourceGroup"),
    (without("ImagePaths"), "ImagePathsMissing", "$.Labs[0]"),
    (lab(ImagePaths=None), "ImagePathsMissing", "$.Labs[0].ImagePaths"),
    (lab(ImagePaths={"a": 1}), "ImagePathsInvalid", "$.Labs[0].ImagePaths"),
    (lab(labname="lab-paris"), "DuplicateKey", "$.Labs[0].labname"),
]


@pytest.mark.parametrize(("wrong", "code", "path"), WRONG)
def test_b5_a_wrong_lab_is_set_aside_and_the_others_are_served(wrong: dict[str, object], code: str, path: str) -> None:
    configuration = read(wrong, lab("lab-oslo"))
    finding = only(configuration)
    assert (finding.severity, finding.code, finding.path, finding.line) == (Severity.ERROR, code, path, 1)
    assert names(configuration) == ["lab-oslo"]
    (aside,) = configuration.set_aside
    assert aside.code == code
    assert aside.next == finding.next
    assert "$.Labs[0]" in aside.message
    to_json(configuration)


def test_a_lab_without_a_name_can_only_be_a_finding() -> None:
    configuration = read(without("LabName"), lab("lab-oslo"))
    assert only(configuration).code == "LabNameInvalid"
    assert configuration.set_aside == ()


def test_a_lab_that_is_set_aside_keeps_what_could_be_read() -> None:
    (aside,) = read(lab(SubscriptionId="production", ImagePaths=["Win2022", ""])).set_aside
    assert (aside.request.subscription, aside.request.name) == ("production", "lab-paris")
    assert [entry.text for entry in aside.request.entries] == ["Win2022"]


def test_the_replacement_is_told_where_it_is_certain() -> None:
    braces = "{" + SUBSCRIPTION.replace("-", "").upper() + "}"
    assert SUBSCRIPTION.upper() in only(read(lab(SubscriptionId=braces))).next
    assert '"lab-paris"' in only(read(lab(" lab-paris "))).next
    assert '"rg"' in only(read(lab(ResourceGroup="rg."))).next


@pytest.mark.parametrize("group", ["rg", "RG_1.x-(y)", "ümlaut", "x" * 90, None])
def test_a_legal_resource_group_is_taken(group: str | None) -> None:
    configuration = read(lab(ResourceGroup=group))
    assert configuration.findings == ()
    assert configuration.labs[0].resource_group == (group or "")


def test_x16_one_object_and_one_text_are_read_as_lists_of_one() -> None:
    configuration = read_text(json.dumps({"Labs": lab(ImagePaths="Win2022")}))
    assert codes(configuration) == ["LabsNotList", "ImagePathsNotList"]
    assert [entry.text for entry in configuration.labs[0].entries] == ["Win2022"]
    assert configuration.findings[1].path == "$.Labs.ImagePaths"


def test_an_unknown_key_is_ignored_with_a_warning_and_a_guess() -> None:
    finding = only(read(lab(LabNames="x")))
    assert (finding.severity, finding.code, finding.path) == (Severity.WARNING, "UnknownKey", "$.Labs[0].LabNames")
    finding = only(read_text(json.dumps({"Labs": [lab()], "Lab": []})))
    assert '"Labs"' in finding.next


def test_a_lab_that_asks_for_nothing_is_served_with_nothing() -> None:
    configuration = read(lab(ImagePaths=[]))
    assert (only(configuration).code, names(configuration)) == ("ImagePathsEmpty", ["lab-paris"])


# --- Labs named twice


def test_x3_a_lab_named_twice_in_any_case_is_served_in_neither_place() -> None:
    twice = lab("LAB-PARIS", SubscriptionId=SUBSCRIPTION.upper(), ImagePaths=["win2022", "Linux"])
    configuration = read(lab(), lab("lab-oslo"), twice)
    finding = only(configuration)
    assert (finding.code, finding.path) == ("LabDuplicate", "$.Labs[2]")
    assert "$.Labs[0]" in finding.message
    assert "$.Labs[2]" in finding.message
    assert names(configuration) == ["lab-oslo"]


def test_a_lab_named_twice_is_reported_once_with_the_images_of_both_places() -> None:
    (aside,) = read(lab(), lab(ImagePaths=["WIN2022", "Linux"])).set_aside
    assert aside.code == "LabDuplicate"
    assert [entry.segments for entry in aside.request.entries] == [("win2022",), ("linux",)]


@pytest.mark.parametrize(
    ("groups", "served"),
    [
        (("rg-a", "rg-b"), 2),
        (("rg-a", "RG-A"), 0),
        (("rg-a", None), 0),
        (("rg-a", "rg-b", None), 0),
        (("rg-a", "rg-b", "rg-b"), 1),
        (("rg-a", "not/a/group"), 0),
    ],
)
def test_b6_only_different_resource_groups_tell_two_labs_of_one_name_apart(
    groups: tuple[str | None, ...], served: int
) -> None:
    configuration = read(*(lab(ResourceGroup=group) for group in groups))
    assert len(configuration.labs) == served
    assert codes(configuration).count("LabDuplicate") == (len(groups) - served - 1 if served < len(groups) else 0)


def test_a_lab_that_is_wrong_in_one_place_is_not_served_in_the_other() -> None:
    configuration = read(without("ImagePaths"), lab())
    assert configuration.labs == ()
    assert codes(configuration) == ["ImagePathsMissing", "LabDuplicate"]
    assert len(configuration.set_aside) == 1


# --- Entries


def test_b5_a_wrong_entry_is_set_aside_alone() -> None:
    configuration = read(lab(ImagePaths=["Win2022", "", "a/../b", None, 7, "C:\\x", "https://x/y", "a//b", "Linux"]))
    assert codes(configuration) == [
        "EntryEmpty",
        "EntryDots",
        "EntryNotText",
        "EntryNotText",
        "EntryDrive",
        "EntryUrl",
        "EntryDoubledSeparator",
    ]
    assert [finding.path for finding in configuration.findings] == [
        f"$.Labs[0].ImagePaths[{index}]" for index in range(1, 8)
    ]
    assert [entry.text for entry in configuration.labs[0].entries] == ["Win2022", "Linux"]
    assert configuration.set_aside == ()


def test_a_leading_slash_is_dropped_with_a_warning() -> None:
    configuration = read(lab(ImagePaths=["/Win2022"]), definitions=DEFINITIONS[:1])
    finding = only(configuration)
    assert (finding.severity, finding.code) == (Severity.WARNING, "LeadingSlash")
    assert '"Win2022"' in finding.next


def test_x10_an_entry_that_matches_no_definition_is_set_aside_with_a_hint() -> None:
    configuration = read(lab(ImagePaths=["Win2022/Data", "Linux", "win2022"]), definitions=DEFINITIONS)
    finding = only(configuration)
    assert (finding.severity, finding.code, finding.path) == (
        Severity.ERROR,
        "EntryMatchesNothing",
        "$.Labs[0].ImagePaths[0]",
    )
    assert '"Win2022/Datacenter.json"' in finding.next
    assert [entry.text for entry in configuration.labs[0].entries] == ["Linux", "win2022"]


def test_x10_a_definition_that_no_lab_asks_for_is_a_warning() -> None:
    finding = only(read(lab(ImagePaths=["WIN2022\\datacenter"]), definitions=DEFINITIONS))
    assert (finding.severity, finding.code) == (Severity.WARNING, "DefinitionUnwanted")
    assert finding.path == "GoldenImages/Linux/Ubuntu 22.04 LTS.json"
    assert finding.line is None


def test_a_lab_that_is_set_aside_asks_for_its_images_all_the_same() -> None:
    configuration = read(lab("no lab"), lab("lab-oslo", ImagePaths=["Linux"]), definitions=DEFINITIONS)
    assert codes(configuration) == ["LabNameInvalid"]


def test_without_golden_images_nothing_is_said_about_definitions() -> None:
    assert read(lab(ImagePaths=["Nope"])).findings == ()


def test_i5_no_secret_of_the_file_gets_into_a_finding_or_a_request() -> None:
    url = "https://stfactory.blob.core.windows.net/c/x.vhd?sv=2021&sig=c2VjcmV0"
    labs = (
        lab(url, SubscriptionId=url, ResourceGroup=url, ImagePaths=[url, "x?sig=c2VjcmV0"], **{url: 1}),
        lab(ImagePaths=url),
    )
    configuration = read(*labs, definitions=(url,))
    assert {"EntryUrl", "EntrySecret", "UnknownKey"} <= set(codes(configuration))
    assert b"c2VjcmV0" not in to_json(configuration)


def test_b5_every_fault_at_once_is_reported_at_its_line() -> None:
    text = """{
  "labs": [
    {"SubscriptionId": "x",
     "LabName": "a b",
     "ImagePaths": ["Win2022",
                    ""]},
    7,
    {"SubscriptionId": "...",
     "LabName": "lab-oslo",
     "ImagePath": [],
     "ImagePaths": ["Linux",
                    "/Win2022",
                    "Nope"]}
  ]
}"""
    configuration = read_text(text.replace("...", SUBSCRIPTION), DEFINITIONS)
    assert [(finding.code, finding.line) for finding in configuration.findings] == [
        ("KeyCase", 2),
        ("SubscriptionIdInvalid", 3),
        ("LabNameInvalid", 4),
        ("EntryEmpty", 6),
        ("LabNotObject", 7),
        ("UnknownKey", 10),
        ("LeadingSlash", 12),
        ("EntryMatchesNothing", 13),
    ]
    assert names(configuration) == ["lab-oslo"]


# --- Anything at all

KEYS = st.sampled_from(["Labs", "SubscriptionId", "LabName", "labname", "ResourceGroup", "ImagePaths"]) | st.text(
    max_size=5
)
WORDS = st.text(max_size=8) | st.sampled_from([SUBSCRIPTION, "lab-a", "a/b"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
LABS = st.fixed_dictionaries(
    {},
    optional={
        "SubscriptionId": st.sampled_from([SUBSCRIPTION, SUBSCRIPTION.upper(), "x"]) | JSON,
        "LabName": st.sampled_from(["lab-a", "LAB-A", "lab b"]) | JSON,
        "ResourceGroup": st.sampled_from(["rg", "RG", "rg."]) | JSON,
        "ImagePaths": st.lists(st.text("aA/\\.: \u200d", max_size=6) | JSON, max_size=3) | JSON,
    },
)


def holds_what_it_promises(configuration: Configuration) -> None:
    assert configuration.usable == bool(configuration.labs or configuration.set_aside)
    for request in configuration.labs:
        assert request.name.isascii()
        assert 1 <= len(request.name) <= 50
        assert request.name.replace("-", "").replace("_", "").isalnum()
        assert len(request.subscription) == 36
        assert not any({".", ".."} & set(entry.segments) for entry in request.entries)
    served = [
        (request.subscription.lower(), request.name.lower())
        for request in configuration.labs
        if not request.resource_group
    ]
    assert len(served) == len(set(served))
    assert all(finding.code and finding.message and finding.next and finding.path for finding in configuration.findings)
    to_json(configuration)


@given(st.binary(max_size=300))
def test_no_bytes_make_it_crash(data: bytes) -> None:
    holds_what_it_promises(read_configuration(data, DEFINITIONS))


@given(JSON)
def test_no_json_makes_it_crash(value: Any) -> None:
    holds_what_it_promises(read_text(json.dumps(value)))


@given(st.lists(LABS, max_size=4), st.sampled_from([None, (), DEFINITIONS]))
@settings(max_examples=200)
def test_no_list_of_labs_makes_it_crash(labs: list[Any], definitions: tuple[str, ...] | None) -> None:
    holds_what_it_promises(read_text(json.dumps({"Labs": labs}), definitions))


HUGE: dict[str, Callable[[], str]] = {
    "a list of nothing": lambda: '{"Labs": [' + ",".join(["0"] * 400_000) + "]}",
    "an entry of nothing": lambda: json.dumps({"Labs": [lab(ImagePaths=[""] * 200_000)]}),
    "entries that nearly match": lambda: json.dumps(
        {"Labs": [lab(ImagePaths=[f"Win2022/Data{n}" for n in range(40_000)])]}
    ),
    "one very long text": lambda: json.dumps({"Labs": [lab("x" * 900_000)]}),
    "one key many times": lambda: '{"Labs": [{' + ",".join(['"a":1'] * 150_000) + "}]}",
    "one lab many times": lambda: json.dumps({"Labs": [lab()] * 7_000}),
    "a number of a million digits": lambda: '{"Labs": [' + "1" * 1_000_000 + "]}",
}


@pytest.mark.parametrize("what", HUGE)
def test_a_megabyte_of_mischief_is_read_in_seconds_and_reported_in_bounds(what: str) -> None:
    configuration = read_text(HUGE[what](), DEFINITIONS)
    assert 1 <= len(configuration.findings) <= 5002
    assert len(to_json(configuration.findings)) < 4 * MAX_BYTES
