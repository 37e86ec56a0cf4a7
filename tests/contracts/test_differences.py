"""docs/differences.md lists what the tests know, once each, and the tests know what it lists."""

import pytest

from tests.e2e.differences import PAGE, Wanted, wanted_differences
from tests.e2e.original_rules import PREDICATES
from tests.e2e.test_original_worlds import run_name, runs

WANTED = wanted_differences()
RUNS = {run_name(*run) for run in runs()}


def test_every_line_of_the_table_is_read() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    assert len(WANTED) == len(lines) - 2


def test_a_difference_is_listed_once() -> None:
    assert len({(row.kind, row.where, row.rule) for row in WANTED}) == len(WANTED)


def test_the_rules_are_those_of_the_table() -> None:
    assert {row.rule for row in WANTED} == set(PREDICATES)


@pytest.mark.skipif(
    RUNS.isdisjoint(row.example for row in WANTED), reason="other cases than the page's are here, or none"
)
@pytest.mark.parametrize("row", WANTED, ids=lambda row: f"{row.rule}-{row.where}")
def test_the_example_of_a_difference_is_one_of_the_runs(row: Wanted) -> None:
    assert row.example in RUNS
