"""Run ids sort as their runs were started, whatever the clocks say."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.runs import TAKEOVER_PAUSE, Run, child_id, is_run_id, mint_run_id, started

NOW = datetime(2026, 11, 23, 2, 5, 9, tzinfo=UTC)
SUFFIX = "3fa2c81b-9d4e-4c55-8b1e-77d0a5e6f001"


def test_a_run_id_is_the_utc_second_and_four_characters() -> None:
    berlin = timezone(timedelta(hours=1))
    assert mint_run_id(NOW, SUFFIX) == "20261123T020509Z-3fa2"
    assert mint_run_id(NOW.astimezone(berlin), SUFFIX) == "20261123T020509Z-3fa2"


def test_a_run_that_is_started_in_the_same_second_sorts_after_the_one_before() -> None:
    assert mint_run_id(NOW, "0000", after="20261123T020509Z-ffff") == "20261123T020510Z-0000"


def test_a_clock_that_went_back_does_not_make_an_older_run() -> None:
    assert mint_run_id(NOW, "0000", after="20261231T235959Z-ffff") == "20270101T000000Z-0000"


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC)), st.uuids())  # noqa: DTZ001
def test_each_run_id_sorts_after_the_one_it_follows(now: datetime, suffix: object) -> None:
    first = mint_run_id(now, str(suffix))
    assert is_run_id(first)
    assert mint_run_id(NOW, str(suffix), after=first) > first


def test_the_day_of_a_run_is_the_utc_date_of_its_start() -> None:
    assert Run("20261123T235959Z-3fa2", "f", "account", "app").day == date(2026, 11, 23)
    assert started("20261123T020509Z-3fa2") == NOW


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20261123T020509Z",
        "20261123T020509Z-",
        "20261123T020509Z-abcde",
        "20261123T020509Z-a/.b",
        "20261123T020509Z-äöüß",
        "20261323T020509Z-abcd",
        "../../etc/passwd",
        "20261123T020509Z-abcd/../x",
    ],
)
def test_what_is_not_a_run_id_never_becomes_a_path(text: str) -> None:
    assert not is_run_id(text)


def test_a_childs_id_names_run_kind_key_and_round() -> None:
    assert child_id("20261123T020509Z-3fa2", "deliver", "0123456789abcdef", 2) == (
        "20261123T020509Z-3fa2:deliver:0123456789abcdef:2"
    )


def test_who_takes_over_waits_longer_than_an_activity_can_last() -> None:
    assert timedelta(minutes=3) <= TAKEOVER_PAUSE
