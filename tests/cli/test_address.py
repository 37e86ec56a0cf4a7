"""Where the app is: named, or the local one of this folder."""

from pathlib import Path

import pytest

from cli.address import find_address
from cli.ending import CommandError, Exit


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("my-factory.azurewebsites.net", "https://my-factory.azurewebsites.net"),
        ("https://my-factory.azurewebsites.net/", "https://my-factory.azurewebsites.net"),
        ("https://my-factory.azurewebsites.net/api/", "https://my-factory.azurewebsites.net"),
        ("http://localhost:7071", "http://localhost:7071"),
        ("localhost:7071", "http://localhost:7071"),
        ("https://gateway.example.com:8443/factory", "https://gateway.example.com:8443/factory"),
    ],
)
def test_a_host_name_or_a_url_is_taken(given: str, url: str) -> None:
    assert find_address(given, Path("/")).url == url


@pytest.mark.parametrize(
    "given",
    [
        "ftp://host",
        "https://",
        "https://host/?code=secret",
        "https://me:pw@host",
        "https://host:port",
        "https://[::1",
        "::",
    ],
)
def test_what_is_no_address_is_wrong_usage_and_no_key_in_it_is_told(given: str) -> None:
    with pytest.raises(CommandError) as refused:
        find_address(given, Path("/"))
    assert refused.value.exit_code is Exit.USAGE
    assert refused.value.next_step
    assert "secret" not in refused.value.message


def test_a_key_is_not_sent_unencrypted() -> None:
    with pytest.raises(CommandError, match="not encrypted") as refused:
        find_address("http://my-factory.azurewebsites.net", Path("/"))
    assert refused.value.next_step == "Write https://my-factory.azurewebsites.net"


def test_without_one_it_is_the_local_one_of_this_folder_or_one_above(tmp_path: Path) -> None:
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    with pytest.raises(CommandError, match="No app is named") as refused:
        find_address("", below)
    assert refused.value.exit_code is Exit.USAGE
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/host.url").write_text("http://127.0.0.1:4711\n")
    assert find_address("", below).url == "http://127.0.0.1:4711"
    assert find_address("", below).is_local
