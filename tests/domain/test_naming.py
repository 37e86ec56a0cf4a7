"""Names of images: every row of the names table (B23, B24, X19, X20)."""

import locale
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.naming import first_free, image_name, is_legal
from shared.errors import ConfigurationError

DAY = date(2026, 11, 23)

ROWS = [
    ("Datacenter.json", "Datacenter-Nov-23-2026"),
    (r"Win2016\Datacenter.json", "Win2016_Datacenter-Nov-23-2026"),
    (r"Win2016\SQLServer 2016 Express.json", "Win2016_SQLServer-2016-Express-Nov-23-2026"),
    (r"Windows\Server\2019\Core.json", "2019_Core-Nov-23-2026"),
    (r"Linux\Ubuntu 22.04 LTS.json", "Linux_Ubuntu-22_04-LTS-Nov-23-2026"),
    (r"Apps v1.2\Tool.v3.json", "Apps-v1_2_Tool_v3-Nov-23-2026"),
    (r"Lin ux\My  Box.json", "Lin-ux_My--Box-Nov-23-2026"),
    (r"A\Win2016\Web.json", "Win2016_Web-Nov-23-2026"),
    (r"Win2016\Datacenter.JSON", "Win2016_Datacenter-Nov-23-2026"),
    ("Win2016/Datacenter.json", "Win2016_Datacenter-Nov-23-2026"),
    (r"old.jsonfiles\x.json", "old_jsonfiles_x-Nov-23-2026"),
    (r"Dev (x86)\VS+Tools.json", "Dev-(x86)_VS-Tools-Nov-23-2026"),
    (r"\lead.json", "lead-Nov-23-2026"),
    ("trail\\", "trail-Nov-23-2026"),
    ("a.json.json", "a_json-Nov-23-2026"),
    (r"Win2016\Datacenter", "Win2016_Datacenter-Nov-23-2026"),
    ("Üml/B.json", "-ml_B-Nov-23-2026"),
    ("U\u0308ml/B.json", "-ml_B-Nov-23-2026"),
]


@pytest.mark.parametrize(("path", "name"), ROWS)
def test_b23_the_name_is_the_last_two_segments_and_the_day(path: str, name: str) -> None:
    assert image_name(path, DAY) == name


def test_b23_the_day_has_no_leading_zero() -> None:
    assert image_name(r"Win2016\Datacenter.json", date(2018, 8, 1)) == "Win2016_Datacenter-Aug-1-2018"
    assert image_name("x.json", datetime(2026, 3, 5, 23, 59, tzinfo=UTC)) == "x-Mar-5-2026"


def test_b23_months_are_english_in_every_locale() -> None:
    before = locale.setlocale(locale.LC_TIME)
    foreign = [name for name in ("fr_FR.UTF-8", "de_DE.UTF-8", "es_ES.UTF-8", "cs_CZ.UTF-8") if _is_there(name)]
    try:
        for name in ["C", *foreign]:
            locale.setlocale(locale.LC_TIME, name)
            months = [image_name("x.json", date(2026, month, 1)).split("-")[1] for month in range(1, 13)]
            assert months == ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    finally:
        locale.setlocale(locale.LC_TIME, before)


def _is_there(name: str) -> bool:
    before = locale.setlocale(locale.LC_TIME)
    try:
        locale.setlocale(locale.LC_TIME, name)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_TIME, before)
    return True


@pytest.mark.parametrize("path", ["", ".json", r"Win2016\.JSON", "\\", "//", r"a\..\b.json", "./b.json", ".."])
def test_x20_a_path_without_a_file_name_or_with_dots_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        image_name(path, DAY)
    assert refused.value.code == "ImagePathInvalid"


def test_a_name_of_80_characters_is_not_cut() -> None:
    name = image_name("x" * 68 + ".json", DAY)
    assert name == "x" * 68 + "-Nov-23-2026"
    assert len(name) == 80


def test_a_longer_name_is_cut_and_told_apart_by_the_whole_path() -> None:
    one, other = (image_name(f"{folder}/{'x' * 90}.json", DAY) for folder in "ab")
    assert one != other
    assert one.endswith("-Nov-23-2026")
    assert is_legal(one)
    same = image_name(f"A\\{'X' * 90}", DAY)
    assert same.lower() == one.lower()


def test_b24_a_taken_name_gets_a_letter_whatever_the_case() -> None:
    base = "Win2016_Datacenter-Nov-23-2026"
    assert first_free(base, []) == base
    assert first_free(base, [base.upper()]) == base + "A"
    assert first_free(base, [base, base + "a"]) == base + "B"
    assert first_free(base, [base, base + "B"]) == base + "A"
    assert first_free(base, [base + "A"]) == base


def test_x19_after_z_comes_aa() -> None:
    base = "Win2016_Datacenter-Nov-23-2026"
    taken = [base, *(base + chr(code) for code in range(ord("A"), ord("Z") + 1))]
    assert first_free(base, taken) == base + "AA"
    assert first_free(base, [*taken, base + "AA"]) == base + "AB"


def test_a_letter_never_makes_a_name_too_long() -> None:
    base = image_name("x" * 68 + ".json", DAY)
    named = [base]
    for _ in range(30):
        named.append(first_free(base, named))
    assert all(map(is_legal, named))
    assert named[1].endswith("x-Nov-23-2026A")
    assert len({name.lower() for name in named}) == 31


@given(st.text(max_size=120), st.dates())
def test_every_name_is_legal_and_the_same_each_time(path: str, day: date) -> None:
    try:
        name = image_name(path, day)
    except ConfigurationError:
        return
    assert is_legal(name)
    assert name == image_name(path, day)


@pytest.mark.parametrize(
    ("name", "legal"), [("a-(b)_1", True), ("", False), ("a" * 80, True), ("a" * 81, False), ("a\n", False)]
)
def test_azure_allows_80_letters_digits_and_a_few_signs(name: str, legal: bool) -> None:
    assert is_legal(name) is legal


@pytest.mark.parametrize("name", ["a.b", "a b", "ü", "a/b", "a+b", "a[b"])
def test_azure_allows_no_other_sign(name: str) -> None:
    assert not is_legal(name)
