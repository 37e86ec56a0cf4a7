"""Manifests: ours and the original's (B9, B45, B46, X12, X13, X27; section 4 of the original's description)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.images import GoldenImage, OsState, OsType
from shared.domain.manifest import read_manifest, write_manifest
from shared.errors import ConfigurationError

BLOB = "0d9c1f6e-8a27-4a55-9a39-6b3f5f1e7c10.json"
MODIFIED = datetime(2026, 11, 23, 2, 10, tzinfo=UTC)
FIELDS: dict[str, object] = {
    "imageName": "Win2016_Datacenter-Nov-23-2026",
    "imagePath": "Win2016\\Datacenter.json",
    "description": "Windows Server 2016",
    "osType": "Windows",
    "vhdFileName": "other.vhd",
    "timestamp": "2026-11-23T02:05:09Z",
}


def read(fields: object, modified: datetime = MODIFIED) -> GoldenImage:
    image, _ = read_manifest(json.dumps(fields).encode(), BLOB, modified)
    return image


def built(timestamp: object, name: str = "v1", modified: datetime = MODIFIED) -> tuple[datetime, list[str]]:
    fields = FIELDS | {"timestamp": timestamp, "imageName": name}
    image, findings = read_manifest(json.dumps(fields).encode(), BLOB, modified)
    return image.built, [finding.code for finding in findings]


def test_b9_the_six_keys_of_the_original_are_read() -> None:
    image, findings = read_manifest(json.dumps(FIELDS).encode(), BLOB, MODIFIED)
    assert findings == ()
    assert image == GoldenImage(
        name="Win2016_Datacenter-Nov-23-2026",
        image_path=r"Win2016\Datacenter.json",
        os_type=OsType.WINDOWS,
        vhd="other.vhd",
        built=datetime(2026, 11, 23, 2, 5, 9, tzinfo=UTC),
        description="Windows Server 2016",
        manifest=BLOB,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_x12_every_encoding_that_powershell_writes_is_read(encoding: str) -> None:
    text = json.dumps(FIELDS | {"imagePath": "Üml\\B.json"}, ensure_ascii=False, indent=1).replace("\n", "\r\n")
    bom = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    image, _ = read_manifest(bom + text.encode(encoding), BLOB, MODIFIED)
    assert image.image_path == r"Üml\B.json"


def test_keys_are_read_in_any_case_and_unknown_ones_ignored() -> None:
    fields = {key.upper(): value for key, value in reversed(FIELDS.items())}
    assert read(fields | {"size": 7, "more": [None]}) == read(FIELDS)


def test_a_number_of_any_length_is_no_obstacle() -> None:
    data = json.dumps(FIELDS | {"size": "#"}).replace('"#"', "1" * 100_000).encode()
    assert read_manifest(data, BLOB, MODIFIED)[0] == read(FIELDS)


def test_a_path_with_slashes_is_the_same_path() -> None:
    assert read(FIELDS | {"imagePath": "Win2016/Datacenter.json"}).image_path == r"Win2016\Datacenter.json"


@pytest.mark.parametrize(
    ("said", "meant"),
    [("linux", OsType.LINUX), ("WINDOWS", OsType.WINDOWS), (None, OsType.UNKNOWN), ("BSD", OsType.UNKNOWN)],
)
def test_an_operating_system_that_is_not_told_is_unknown_and_no_guess(said: object, meant: OsType) -> None:
    assert read(FIELDS | {"osType": said}).os_type is meant


def test_b37_the_state_comes_from_the_manifest_and_the_original_made_generalized_images_only() -> None:
    assert read(FIELDS).os_state is OsState.GENERALIZED
    assert read(FIELDS | {"osState": "specialized"}).os_state is OsState.SPECIALIZED


WITHOUT_NAME = {key: value for key, value in FIELDS.items() if key != "imageName"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{ broken",
        b"[]",
        b"null",
        b"\xff\xfe{",
        b"\x80abc",
        b"[" * 100_000,
        b'{"a": ' * 100_000,
        json.dumps(WITHOUT_NAME).encode(),
        json.dumps(FIELDS | {"imagePath": None}).encode(),
        json.dumps(FIELDS | {"imagePath": "\\"}).encode(),
        json.dumps(FIELDS | {"vhdFileName": "  "}).encode(),
        json.dumps(FIELDS | {"vhdFileName": 7}).encode(),
        json.dumps(FIELDS | {"imageName": "\ud800"}).encode(),
        json.dumps(FIELDS | {"ImageName": "twice"}).encode(),
        json.dumps(FIELDS | {"osState": "half"}).encode(),
        json.dumps(FIELDS | {"captureKeys": "x"}).encode(),
        json.dumps(FIELDS | {"captureKeys": [1]}).encode(),
    ],
)
def test_b46_a_manifest_that_cannot_be_read_is_named(data: bytes) -> None:
    with pytest.raises(ConfigurationError) as unreadable:
        read_manifest(data, BLOB, MODIFIED)
    assert unreadable.value.code == "ManifestUnreadable"
    assert BLOB in unreadable.value.message
    unreadable.value.message.encode()


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_make_the_reader_crash(data: bytes) -> None:
    with pytest.raises(ConfigurationError):
        read_manifest(data, BLOB, MODIFIED)


CERTAIN = [
    ("8/24/2018 1:14:33 PM", "2018-08-24T13:14:33"),
    ("8/24/2018 1:14:33\u00a0PM", "2018-08-24T13:14:33"),
    ("8/24/2018 1:14:33\u202fPM", "2018-08-24T13:14:33"),
    ("8/24/2018 12:14:33 AM", "2018-08-24T00:14:33"),
    ("8/24/2018 12:14:33 PM", "2018-08-24T12:14:33"),
    ("24/08/2018 13:14:33", "2018-08-24T13:14:33"),
    ("24/08/2018 1:14:33 pm", "2018-08-24T13:14:33"),
    ("24.08.2018 13:14:33", "2018-08-24T13:14:33"),
    ("24-08-2018 13:14:33", "2018-08-24T13:14:33"),
    ("2018/8/24 13:14:33", "2018-08-24T13:14:33"),
    ("2018-08-24 13:14:33", "2018-08-24T13:14:33"),
    ("2018-08-24T13:14:33Z", "2018-08-24T13:14:33"),
    ("2018-08-24T15:14:33+02:00", "2018-08-24T13:14:33"),
    ("2018-08-24T13:14:33.1234567Z", "2018-08-24T13:14:33.123456"),
    ("8/24/2018", "2018-08-24T00:00:00"),
    ("8/8/2018 1:14:33 PM", "2018-08-08T13:14:33"),
]


@pytest.mark.parametrize(("text", "time"), CERTAIN)
def test_x13_a_timestamp_of_any_culture_is_utc(text: str, time: str) -> None:
    assert built(text) == (datetime.fromisoformat(time).replace(tzinfo=UTC), [])


NOV_1 = datetime(2026, 11, 1, 21, 38, 35, tzinfo=UTC)
JAN_11 = datetime(2026, 1, 11, 21, 38, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "name", "time"),
    [
        ("01/11/2026 21:38:35", "Win2016_Datacenter-Nov-1-2026", NOV_1),
        ("01/11/2026 21:38:35", "Win2016_Datacenter-Nov-2-2026B", NOV_1),
        ("01/11/2026 21:38:35", "Win2016_Datacenter-Oct-31-2026", NOV_1),
        ("01/11/2026 21:38:35", "Win2016_Datacenter-Jan-11-2026", JAN_11),
        ("01/11/2026 21:38:35", "Win2016_Datacenter-nov.-1-2026", NOV_1),
        ("01/11/2026 21:38:35", "Win2016_Datacenter-janv.-11-2026", JAN_11),
        ("01.11.2026 21:38:35", "Win2016_Datacenter-Nov-1-2026[", NOV_1),
    ],
)
def test_x13_swapped_day_and_month_are_told_by_the_date_in_the_name(text: str, name: str, time: datetime) -> None:
    assert built(text, name) == (time, [])


def test_x13_swapped_day_and_month_are_told_by_last_modified() -> None:
    assert built("01/11/2026 21:38:35", modified=NOV_1 + timedelta(hours=3)) == (NOV_1, [])
    assert built("01/11/2026 21:38:35", modified=JAN_11 + timedelta(hours=3)) == (JAN_11, [])
    # Written before the blob was last copied, and not in its future.
    assert built("01/11/2026 21:38:35", modified=JAN_11 + timedelta(days=90)) == (JAN_11, [])


def test_x13_month_first_by_default_is_a_guess_and_told() -> None:
    assert built("01/11/2026 21:38:35") == (JAN_11, ["TimestampGuessed"])


def test_x13_between_dots_the_day_comes_first() -> None:
    assert built("01.11.2026 21:38:35") == (NOV_1, ["TimestampGuessed"])


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        20261123,
        "31/31/2026 1:00:00 AM",
        "1/2/2026 25:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "13/1/2026 13:00:00 PM",
        "1/1/1600",
    ],
)
def test_x13_without_a_time_last_modified_counts_and_is_told(text: object) -> None:
    assert built(text) == (MODIFIED, ["TimestampGuessed"])


def test_x13_a_missing_timestamp_is_told_at_its_blob() -> None:
    fields = {key: value for key, value in FIELDS.items() if key != "timestamp"}
    _, (finding,) = read_manifest(json.dumps(fields).encode(), BLOB, MODIFIED)
    assert finding.path == BLOB
    assert "2026-11-23T02:10:00Z" in finding.message


def golden() -> GoldenImage:
    return replace(read(FIELDS), os_state=OsState.SPECIALIZED, digest="d1", size_bytes=512, captures=("k1", "k2"))


def test_what_is_written_is_read_again() -> None:
    data = write_manifest(golden(), {"vm": "vm1", "run": ""})
    image, findings = read_manifest(data, BLOB, MODIFIED)
    assert findings == ()
    assert image == replace(golden(), size_bytes=None)


@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    st.timedeltas(timedelta(0), timedelta(days=30_000)),
)
def test_every_description_and_time_survives(text: str, age: timedelta) -> None:
    image = replace(golden(), description=text, built=datetime(2015, 1, 1, tzinfo=UTC) + age, size_bytes=None)
    assert read_manifest(write_manifest(image, {}), BLOB, MODIFIED)[0] == image


def test_x12_our_manifest_is_ascii_and_has_the_original_keys_first() -> None:
    image = replace(
        golden(), image_path="Üml/B.json", built=datetime(2026, 11, 23, 4, 5, 9, tzinfo=timezone(timedelta(hours=2)))
    )
    data = write_manifest(image, {"vm": "vm1", "factory": None, "note": "", "list": []})
    assert max(data) < 128
    assert b"\xef\xbb\xbf" not in data
    fields = json.loads(data)
    assert list(fields) == [*FIELDS, "schemaVersion", "osState", "digest", "sizeBytes", "captureKeys", "vm"]
    assert fields["imagePath"] == "Üml\\B.json"
    assert fields["timestamp"] == "2026-11-23T02:05:09Z"


def test_a_fact_of_the_manifest_cannot_be_overwritten() -> None:
    with pytest.raises(ValueError, match="Digest"):
        write_manifest(golden(), {"Digest": "other"})
