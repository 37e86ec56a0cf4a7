"""The list of mutants keeps up with the code that it breaks; whether they are seen takes long (`make mutants`)."""

import pytest

from tests.resilience.mutants import MUTANTS, REPOSITORY, Mutant, mutated


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_every_mutant_has_its_place_and_can_be_compiled(mutant: Mutant) -> None:
    text = mutated((REPOSITORY / mutant.file).read_text("utf-8"), mutant)
    compile(text, mutant.file, "exec")


def test_there_are_enough_of_them() -> None:
    assert len(MUTANTS) == len(set(MUTANTS)) >= 60
