"""Hostile and broken labs.json: every run ends with a report that says what is wrong and where, and nothing else is touched."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Factory
from tests.e2e.end_state import Json, endings, finding_codes, image_names
from tests.e2e.worlds import OTHER, SUBSCRIPTION, World, asks, labs_json

WIN = "Win_Server-Nov-1-2026"
TRACEBACK = re.compile(r"Traceback|File \"|\.py\b|Error\(|<class|object at 0x")
GOOD = labs_json(asks("lab-a", "Win"))


@pytest.fixture(scope="module")
def given(factory: Factory) -> Factory:
    """A factory with one golden image and two labs; a configuration that can be used gives it to lab-a."""
    world = World().behaving(copySeconds=0, imageSeconds=0).lab("lab-a").lab("lab-b", subscription=OTHER)
    factory.give(world.golden_image("Win\\Server.json", WIN, 1))
    return factory


def run(factory: Factory, data: bytes | None, name: str = "labs.json") -> Json:
    factory.configure({} if data is None else {name: data})
    factory.control.clear_operations()
    report = factory.run()
    texts = [finding["message"] + finding.get("next", "") for finding in report.get("findings", ())]
    texts += [row.get("message", "") + row.get("next", "") for row in report["pairs"]]
    assert [text for text in texts if TRACEBACK.search(text) or len(text) > 3000] == []
    assert [text for text in texts if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text)] == []
    return report


def lab(**members: Any) -> bytes:
    """A file with one lab, its members replaced; what is given as Ellipsis is left out."""
    entry = asks("lab-a", "Win") | members
    return labs_json({key: value for key, value in entry.items() if value is not ...})


def repeated(key: str, value: str) -> bytes:
    return GOOD.replace(f'"{key}":'.encode(), f'"{key}": {value}, "{key}":'.encode())


USELESS: dict[str, tuple[bytes | None, str]] = {
    "nothing uploaded": (None, "ConfigurationMissing"),
    "empty": (b"", "NotJson"),
    "only spaces": (b" \r\n\t ", "NotJson"),
    "only a byte-order mark": (b"\xef\xbb\xbf", "NotJson"),
    "not JSON": (b"Labs: []", "NotJson"),
    "PowerShell": (b"@{ Labs = @() }", "NotJson"),
    "cut off": (GOOD[:-20], "NotJson"),
    "two values": (GOOD + GOOD, "NotJson"),
    "a comma too many": (GOOD.replace(b'"Win"', b'"Win",'), "NotJson"),
    "a comment": (b"// labs\n" + GOOD, "NotJson"),
    "single quotes": (GOOD.replace(b'"', b"'"), "NotJson"),
    "NaN": (b'{"Labs": [NaN]}', "NotJson"),
    "Infinity": (b'{"Labs": -Infinity}', "NotJson"),
    "a list": (b"[]", "LabsMissing"),
    "null": (b"null", "LabsMissing"),
    "true": (b"true", "LabsMissing"),
    "a number": (b"1e999999", "LabsMissing"),
    "a huge number": (b'{"Labs": ' + b"9" * 100_000 + b"}", "LabsMissing"),
    "a text": (b'"Labs"', "LabsMissing"),
    "no labs": (b"{}", "LabsMissing"),
    "labs is null": (b'{"Labs": null}', "LabsMissing"),
    "labs is a text": (b'{"Labs": "lab-a"}', "LabsMissing"),
    "labs is empty": (b'{"Labs": []}', "NoLabs"),
    "labs twice": (repeated("Labs", "[]"), "DuplicateKey"),
    "lab is null": (b'{"Labs": [null]}', "LabNotObject"),
    "labs of every type": (b'{"Labs": [1, "lab-a", true, [], [[]], {}]}', "LabNotObject"),
    "deep lists": (b"[" * 200_000 + b"]" * 200_000, "NotJson"),
    "deep objects": (b'{"Labs":' * 50_000 + b"1" + b"}" * 50_000, "NotJson"),
    "deep in an entry": (lab(ImagePaths=["x"]).replace(b'"x"', b"[" * 5000 + b"]" * 5000), "NotJson"),
    "2 MB": (GOOD + b" " * 2**21, "TooLarge"),
    "2 MB of labs": (labs_json(*[asks(f"lab-{number}", "Win") for number in range(13_000)]), "TooLarge"),
    "UTF-16 without a byte-order mark": (GOOD.decode().encode("utf-16-le"), "NotText"),
    "UTF-32": (GOOD.decode().encode("utf-32"), "NotText"),
    "Latin-1": (labs_json(asks("lab-a", "x")).replace(b'"x"', b'"\xdcml"'), "NotText"),
    "binary": (bytes(range(256)) * 50, "NotText"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(200), "NotText"),
    "zeros": (bytes(1000), "NotText"),
    "an unpaired UTF-16 unit": (b"\xff\xfe" + b'{\x00"\x00' + b"\x00\xd8" + b'"\x00', "NotText"),
    "an encoded surrogate": (b'{"Labs": "\xed\xa0\x80"}', "NotText"),
    "an error page": (b"<!DOCTYPE html><html><body>404</body></html>", "NotJson"),
    "XML": (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>', "NotJson"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("data", "code"), USELESS.values(), ids=USELESS.keys())
def test_a_file_that_cannot_be_used_ends_the_run_before_any_effect(given: Factory, data: bytes, code: str) -> None:
    report = run(given, data)
    assert report["state"] == "Failed"
    assert report["pairs"] == report["captures"] == []
    assert code in finding_codes(report)
    assert all(finding["next"] for finding in report["findings"])
    assert given.operations(effects_only=True) == []


ASIDE: dict[str, tuple[bytes, str]] = {
    "no subscription": (lab(SubscriptionId=...), "SubscriptionIdInvalid"),
    "subscription is null": (lab(SubscriptionId=None), "SubscriptionIdInvalid"),
    "subscription is a number": (lab(SubscriptionId=7), "SubscriptionIdInvalid"),
    "subscription is a name": (lab(SubscriptionId="Production"), "SubscriptionIdInvalid"),
    "subscription climbs": (lab(SubscriptionId="../../subscriptions/x"), "SubscriptionIdInvalid"),
    "subscription has a query": (lab(SubscriptionId=f"{SUBSCRIPTION}?x=1"), "SubscriptionIdInvalid"),
    "subscription in braces": (lab(SubscriptionId=f"{{{SUBSCRIPTION}}}"), "SubscriptionIdInvalid"),
    "subscription ends the line": (lab(SubscriptionId=f"{SUBSCRIPTION}\n"), "SubscriptionIdInvalid"),
    "subscription in wide digits": (lab(SubscriptionId=SUBSCRIPTION.replace("1", "１")), "SubscriptionIdInvalid"),
    "name climbs": (lab(LabName="lab-a/../factory"), "LabNameInvalid"),
    "name is SQL": (lab(LabName="x'; DROP TABLE labs; --"), "LabNameInvalid"),
    "name is HTML": (lab(LabName="<script>alert(1)</script>"), "LabNameInvalid"),
    "name is a template": (lab(LabName="${jndi:ldap://example.com/x}{{7*7}}%s%n"), "LabNameInvalid"),
    "name is very long": (lab(LabName="a" * 100_000), "LabNameInvalid"),
    "name has a zero": (lab(LabName="lab-a\u0000"), "LabNameInvalid"),
    "name is a lone surrogate": (lab(LabName="lab-\ud800"), "LabNameInvalid"),
    "name turns the line": (lab(LabName="lab-\u202ea"), "LabNameInvalid"),
    "group climbs": (lab(ResourceGroup="../rg-lab-a"), "ResourceGroupInvalid"),
    "group is a list": (lab(ResourceGroup=["rg-lab-a"]), "ResourceGroupInvalid"),
    "group is empty": (lab(ResourceGroup=""), "ResourceGroupInvalid"),
    "no paths": (lab(ImagePaths=...), "ImagePathsMissing"),
    "paths are null": (lab(ImagePaths=None), "ImagePathsMissing"),
    "paths are an object": (lab(ImagePaths={"Win": True}), "ImagePathsInvalid"),
    "paths are a number": (lab(ImagePaths=3), "ImagePathsInvalid"),
    "paths twice": (repeated("ImagePaths", '["Linux"]'), "DuplicateKey"),
    "paths twice in another case": (GOOD.replace(b'"ImagePaths":', b'"imagepaths": [], "ImagePaths":'), "DuplicateKey"),
    "name twice": (repeated("LabName", '"lab-b"'), "DuplicateKey"),
    "the same lab a hundred times": (labs_json(*[asks("lab-a", "Win")] * 100), "LabDuplicate"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("data", "code"), ASIDE.values(), ids=ASIDE.keys())
def test_a_lab_that_is_wrong_gets_nothing_and_is_told_why(given: Factory, data: bytes, code: str) -> None:
    report = run(given, data)
    assert report["state"] == ("Failed" if report["pairs"] else "PartiallySucceeded")
    assert code in finding_codes(report)
    assert {row["state"] for row in report["pairs"]} <= {"failed"}
    assert given.operations(effects_only=True) == []


ENTRIES: dict[str, Any] = {
    "null": None, "a number": 5, "a list": ["Win"], "an object": {}, "empty": "", "a star": "Win/*", "dots": "../Win",
    "far up": "../" * 80 + "etc/passwd", "a drive": "C:\\Config\\GoldenImages\\Win", "a share": "\\\\server\\Win",
    "a URL": "https://example.com/Win?sig=c2VjcmV0", "a file URL": "file:///etc/passwd", "a lone surrogate": "Win\udc00",
    "a zero": "Win\u0000/Server.json", "invisible": "Win\u200b", "very long": "W" * 50_000, "many folders": "a/" * 5000,
    "a tab that was a backslash": "Win\test.json", "SQL": "Win' OR '1'='1", "HTML": "<img src=x onerror=alert(1)>",
    "a pattern": "(W+)+$", "another encoding": "%2e%2e/Win", "overlong": "..%c0%afWin", "right to left": "\u202eniW",
}  # fmt: skip


@pytest.mark.slow
def test_entries_that_are_wrong_are_set_aside_one_by_one_and_the_good_one_is_served(given: Factory) -> None:
    given.give(World().behaving(copySeconds=0, imageSeconds=0).lab("lab-a").golden_image("Win\\Server.json", WIN, 1))
    given.configure({"labs.json": lab(ImagePaths=[*ENTRIES.values(), "Win"]), "GoldenImages/Win/Server.json": b"{}"})
    given.control.clear_operations()
    report = given.run()
    assert report["state"] == "PartiallySucceeded"
    assert endings(report, "lab-a") == {"delivered": 1}
    places = [finding["path"] for finding in report["findings"] if finding["severity"] == "error"]
    assert sorted(places) == sorted(f"$.Labs[0].ImagePaths[{number}]" for number in range(len(ENTRIES)))
    assert "c2VjcmV0" not in json.dumps(report)
    made = [call for call in given.operations(effects_only=True) if call["service"] == "arm"]
    assert [call["path"].rpartition("/")[2] for call in made] == [WIN]


def utf_16(data: bytes) -> bytes:
    return data.decode().encode("utf-16")


READABLE: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "with a byte-order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": utf_16,
    "UTF-16, big-endian": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    "Windows line ends": lambda data: data.replace(b"\n", b"\r\n"),
    "one line": lambda data: json.dumps(json.loads(data)).encode(),
    "keys in another case": lambda data: re.sub(rb'"(\w+)":', lambda key: key[0].upper(), data),
    "unknown keys": lambda data: data.replace(b'"LabName"', b'"Owner": {"x": [1]}, "__proto__": null, "LabName"'),
    "one object": lambda data: data.replace(b"[\n    {", b"{").replace(b"}\n  ]", b"}"),
    "escaped": lambda data: data.replace(b'"Win"', rb'"\u0057in"'),
    "almost a megabyte": lambda data: data + b" " * (2**20 - len(data)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("form", READABLE.values(), ids=READABLE.keys())
def test_a_file_that_can_be_read_is_served_in_whatever_form(given: Factory, form: Callable[[bytes], bytes]) -> None:
    report = run(given, form(GOOD), name="Labs.json")
    assert report["state"] == "Succeeded"
    assert set(endings(report, "lab-a")) <= {"delivered", "present"}
    assert image_names(given.world(), "lab-a") == {WIN}


@pytest.mark.slow
def test_good_labs_among_bad_ones_are_served(given: Factory) -> None:
    given.give(
        World().behaving(copySeconds=0, imageSeconds=0).lab("lab-a").lab("lab-b", subscription=OTHER)
        .golden_image("Win\\Server.json", WIN, 1)
    )  # fmt: skip
    bad = [json.loads(data)["Labs"][0] for data, code in ASIDE.values() if code not in ("DuplicateKey", "LabDuplicate")]
    others = [entry | {"LabName": f"bad-{number}"} for number, entry in enumerate(bad) if entry["LabName"] == "lab-a"]
    unnamed: list[Any] = [None, 1, "x", []]
    report = run(
        given, json.dumps({"Labs": [*unnamed, *others, asks("lab-a", "Win"), asks("lab-b", "Win", subscription=OTHER)]}).encode()
    )  # fmt: skip
    assert report["state"] == "PartiallySucceeded"
    assert endings(report, "lab-a") == endings(report, "lab-b", OTHER) == {"delivered": 1}
    assert {row["lab"] for row in report["pairs"] if row["state"] == "delivered"} == {"lab-a", "lab-b"}
    made = [call for call in given.operations(effects_only=True) if call["service"] == "arm"]
    assert len(made) == 2


@pytest.mark.slow
def test_five_thousand_wrong_labs_are_all_reported_and_the_good_one_is_served(given: Factory) -> None:
    wrong = [asks(f"lab-{number}", "Win", subscription="x") for number in range(5000)]
    report = run(given, compact(*wrong, asks("lab-a", "Win")))
    assert len(report["pairs"]) == 5001
    assert set(endings(report, "lab-a")) <= {"delivered", "present"}
    assert {row["code"] for row in report["pairs"] if row["state"] == "failed"} == {"SubscriptionIdInvalid"}


@pytest.mark.soak
def test_five_thousand_missing_labs_are_all_reported_and_the_one_that_is_there_is_served(given: Factory) -> None:
    missing = [asks(f"lab-{number}", "Win") for number in range(5000)]
    report = run(given, compact(*missing, asks("lab-a", "Win")))
    assert len(report["pairs"]) == 5001
    assert set(endings(report, "lab-a")) <= {"delivered", "present"}
    assert {row["code"] for row in report["pairs"] if row["state"] == "failed"} == {"LabNotFound"}


@pytest.mark.slow
def test_while_the_file_is_broken_runs_use_the_last_good_one_and_say_so(given: Factory) -> None:
    world = World().behaving(copySeconds=0, imageSeconds=0).lab("lab-a")
    given.give(world.golden_image("Win\\Server.json", WIN, 1))
    assert run(given, GOOD)["state"] == "Succeeded"
    for _ in range(2):
        report = run(given, GOOD[:-20])
        assert report["state"] == "PartiallySucceeded"
        assert finding_codes(report) == {"LastGoodUsed", "NotJson"}
        assert report["configuration"]["sha256"] == hashlib.sha256(GOOD).hexdigest()
        assert endings(report, "lab-a") == {"present": 1}
        assert given.operations(effects_only=True) == []
    assert run(given, GOOD)["state"] == "Succeeded"


def compact(*labs: Json) -> bytes:
    return json.dumps({"Labs": labs}, separators=(",", ":")).encode()
