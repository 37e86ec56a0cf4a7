"""The one matcher (B3, B4, X10, X11) and the entries that it refuses to read."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.matching import ImageEntry, canonical_path, parse_entry, path_key
from shared.domain.suggestion import suggestion
from shared.errors import ConfigurationError

DATACENTER = r"Win2016\Datacenter.json"

TAKEN = [
    ("Win2016", DATACENTER),
    ("Win2016/", DATACENTER),
    ("Win2016\\", DATACENTER),
    ("win2016", DATACENTER),
    ("/Win2016", DATACENTER),
    ("\\Win2016", DATACENTER),
    ("Win2016/Datacenter", DATACENTER),
    ("Win2016/Datacenter.json", DATACENTER),
    ("Win2016\\Datacenter.json", DATACENTER),
    ("win2016/DATACENTER.JSON", DATACENTER),
    ("Win2016/Datacenter.json", "Win2016/Datacenter.json"),
    ("Win2016/Datacenter.json", r"Win2016\Datacenter"),
    ("Win2016", r"Win2016\deep\er\x.json"),
    ("Win2016", "Win2016.json"),
    ("Win2016.json", "Win2016"),
    ("Datacenter.prod", "Datacenter.prod.json"),
    ("x.json", r"x.json\y.json"),
    ("café", "cafe\u0301/x.json"),
    ("ÜML/b", r"üml\B.json"),
    ("ΟΔΟΣ", "οδος.json"),
    ("J\u030c", "\u01f0.json"),
]

NOT_TAKEN = [
    ("Win2016", r"Win2016Core\x.json"),
    ("Win2016", r"Win2016-old\x.json"),
    ("Win", DATACENTER),
    ("Win2016/D", DATACENTER),
    ("Win2016/Datacenter.json", r"Win2016\Datacenter.json.bak.json"),
    ("Win2016/Datacenter.json", r"Win2016\Datacenter.prod.json"),
    ("Win2016/Datacenter.json/", DATACENTER),
    ("Win2016/Datacenter/", DATACENTER),
    ("Win2016.json", DATACENTER),
    ("Win2016", r"A\Win2016\Web.json"),
    ("Datacenter.json", DATACENTER),
    ("*", DATACENTER),
    ("Win2016/*", DATACENTER),
    (" Win2016", DATACENTER),
    ("Win2016 ", DATACENTER),
    ("strasse", r"straße\x.json"),
    ("Win", r"Win\..\Secret.json"),
    ("Win2016", ""),
    ("x", r"x\.json\..\y"),
]

REFUSED = [
    (None, "EntryNotText"),
    (5, "EntryNotText"),
    ("", "EntryEmpty"),
    ("  ", "EntryEmpty"),
    ("/", "EntryEmpty"),
    ("Win2016//Datacenter.json", "EntryDoubledSeparator"),
    ("Win2016\\/Datacenter.json", "EntryDoubledSeparator"),
    (r"\\server\share", "EntryDoubledSeparator"),
    ("Win2016//", "EntryDoubledSeparator"),
    (".", "EntryDots"),
    ("./Win2016", "EntryDots"),
    ("Win2016/../x.json", "EntryDots"),
    (r"..\x", "EntryDots"),
    (r"C:\Config\GoldenImages\Win2016", "EntryDrive"),
    ("c:x", "EntryDrive"),
    ("/C:/Win2016", "EntryDrive"),
    ("https://host/GoldenImages/Win2016?sig=x", "EntryUrl"),
    ("file:///x", "EntryUrl"),
    ("http:/x", "EntryUrl"),
    ("Win\u00ad2016", "EntryInvisible"),
    ("Win\u200d2016", "EntryInvisible"),
    ("Win2016\0", "EntryInvisible"),
    ("Win2016\b", "EntryInvisible"),
    ("Win\ufe0f2016", "EntryInvisible"),
    ("Win\ud8002016", "EntryInvisible"),
    ("\ufeffWin2016", "EntryInvisible"),
    ("x" * 257, "EntryTooLong"),
]


@pytest.mark.parametrize(("entry", "path"), TAKEN)
def test_b3_b4_an_entry_takes_its_file_and_everything_in_its_folder(entry: str, path: str) -> None:
    assert parse_entry(entry).takes(path)


@pytest.mark.parametrize(("entry", "path"), NOT_TAKEN)
def test_b3_an_entry_takes_nothing_that_it_does_not_name_segment_by_segment(entry: str, path: str) -> None:
    assert not parse_entry(entry).takes(path)


@pytest.mark.parametrize(("entry", "code"), REFUSED)
def test_an_entry_that_is_no_path_is_refused_with_a_code_of_its_kind(entry: object, code: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_entry(entry)
    assert refused.value.code == code
    assert refused.value.next_step
    refused.value.message.encode()  # no lone surrogate gets into a message


@pytest.mark.parametrize(
    ("entry", "replacement"),
    [
        ("Win2016//Datacenter.json", '"Win2016/Datacenter.json"'),
        (r"\\Win2016\x", '"Win2016/x"'),
        (r".\Win2016", '"Win2016"'),
        (r"C:\Config\GoldenImages\Win2016\x.json", '"Win2016/x.json"'),
        ("https://host/c/GoldenImages/Win2016?sv=1", '"Win2016"'),
        ("Win\u00ad2016", '"Win2016"'),
        ("Linux\bionic", '"Linux/bionic"'),
    ],
)
def test_a_refused_entry_comes_with_its_replacement_where_one_can_be_told(entry: str, replacement: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_entry(entry)
    assert replacement in refused.value.next_step


def test_an_entry_tells_that_it_is_a_folder_or_begins_with_a_separator() -> None:
    assert parse_entry("/Win2016/") == ImageEntry("/Win2016/", ("win2016",), folder_only=True, leading_slash=True)
    assert parse_entry("Win2016") == ImageEntry("Win2016", ("win2016",))


def test_a_path_is_written_to_tags_with_backslashes_and_its_own_letters() -> None:
    assert canonical_path("Win2016/SQLServer 2016 Express.json") == r"Win2016\SQLServer 2016 Express.json"
    assert canonical_path(r"\Win2016\\x.json") == r"Win2016\x.json"


def test_only_one_extension_is_left_out_of_a_key() -> None:
    assert path_key("a.json") == path_key("A") == "a"
    assert path_key("a.json.json") == path_key("a.json.JSON") != path_key("a.json")
    assert path_key(r"Win\.json") != path_key("Win")
    assert path_key(".json") != path_key("")


NAMES = st.text(st.sampled_from("aAbBüÜ1 .-_ßΣςé"), min_size=1, max_size=6).filter(
    lambda name: name.strip(". ") == name
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@given(PATHS)
def test_the_matcher_does_not_care_for_separators_extension_or_unicode_form(path: str) -> None:
    variants = [path, path.replace("/", "\\"), unicodedata.normalize("NFD", path), path + ".json", path + ".JSON"]
    for variant in variants[:3]:
        assert all(parse_entry(variant).takes(other) for other in variants)
        assert all(path_key(variant) == path_key(other) for other in variants if not path.lower().endswith(".json"))


@given(st.text(st.sampled_from("abüé1 /-"), min_size=1, max_size=9), st.text(st.sampled_from("abüé1 /-."), max_size=9))
def test_the_matcher_does_not_care_for_case(entry: str, path: str) -> None:
    try:
        lower, upper = parse_entry(entry), parse_entry(entry.upper())
    except ConfigurationError:
        return
    assert lower.takes(path) == upper.takes(path) == lower.takes(path.upper())


@given(PATHS, PATHS)
def test_two_paths_have_one_key_exactly_if_each_taken_as_a_file_takes_the_other(one: str, other: str) -> None:
    same = path_key(one) == path_key(other)
    deep = one.count("/") == other.count("/")
    assert same == (deep and parse_entry(one).takes(other))


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_text_makes_the_matcher_crash(entry: str, path: str) -> None:
    path_key(path)
    try:
        parsed = parse_entry(entry)
    except ConfigurationError:
        return
    parsed.takes(path)
    suggestion(parsed, [path, "Win2016/Datacenter.json"])


PATHS_THERE = ["Win2016/Datacenter.json", "Win2016/SQL.json", r"Linux\Ubuntu 22.04 LTS.json"]


@pytest.mark.parametrize(
    ("entry", "replacement"),
    [
        ("Win", '"Win2016"'),
        ("Win2016/Data", '"Win2016/Datacenter.json"'),
        ("Linux/Ubuntu 22", '"Linux/Ubuntu 22.04 LTS.json"'),
        ("GoldenImages/Win2016", '"Win2016"'),
        ("Win2016/SQL.json/", '"Win2016/SQL.json"'),
        ("SQL.json", '"Win2016/SQL.json"'),
        (" Win2016", '"Win2016"'),
        ("Linux/Ubuntu  22.04 LTS.json", '"Linux/Ubuntu 22.04 LTS.json"'),
        ("Win2016/*", 'no wildcards: write "Win2016"'),
        ("Win2016/Datacentre.json", '"Win2016/Datacenter.json"'),
        ("Windows2016", '"Win2016"'),
    ],
)
def test_an_entry_that_matches_nothing_hears_what_was_probably_meant(entry: str, replacement: str) -> None:
    said = suggestion(parse_entry(entry), PATHS_THERE)
    assert said is not None
    assert replacement in said


def test_nothing_is_suggested_for_what_is_nothing_like_it() -> None:
    assert suggestion(parse_entry("zzz"), PATHS_THERE) is None
