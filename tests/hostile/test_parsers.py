"""The corpus and what is made up, fed to the app's pure parts (see promises.py); more of it with `-m soak`."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.configuration import read_configuration
from shared.domain.runs import is_run_id
from shared.errors import ConfigurationError
from shared.requests import read_parameters
from tests.hostile import corpus
from tests.hostile.generators import NASTY, TAG, as_tag, damaged, labs_documents, manifest_documents
from tests.hostile.promises import (
    DEFINITIONS,
    asks_for_a_run_or_is_refused,
    captures_are_legal,
    is_not_ours,
    leads_nowhere_else,
    serves_what_it_says,
    vm,
)

LABS_FILES, MANIFESTS, BODIES = corpus.labs_files(), corpus.manifests(), corpus.bodies()
MADE_UP: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]] = {
    "labs.json": (labs_documents().map(json.dumps).map(str.encode), serves_what_it_says),
    "labs.json, damaged": (damaged(LABS_FILES), serves_what_it_says),
    "a manifest": (manifest_documents().map(json.dumps).map(str.encode), leads_nowhere_else),
    "a manifest, damaged": (damaged(MANIFESTS), leads_nowhere_else),
    "tags of VMs": (
        st.lists(st.builds(vm, st.text(max_size=9), TAG, TAG, st.none() | TAG), max_size=4),
        captures_are_legal,
    ),
    "tags of images": (st.tuples(TAG, TAG, TAG, TAG), is_not_ours),
    "a body": (st.dictionaries(NASTY, NASTY, min_size=1).map(json.dumps).map(str.encode), asks_for_a_run_or_is_refused),
    "a body, damaged": (damaged(BODIES), asks_for_a_run_or_is_refused),
}


@pytest.mark.parametrize("name", LABS_FILES)
def test_no_file_serves_more_than_it_says(name: str) -> None:
    serves_what_it_says(LABS_FILES[name])
    configuration = read_configuration(LABS_FILES[name], DEFINITIONS)
    assert {request.name for request in configuration.labs} <= {"lab-a", *corpus.TEXTS.values()}


@pytest.mark.parametrize("name", MANIFESTS)
def test_no_manifest_leads_anywhere_else(name: str) -> None:
    leads_nowhere_else(MANIFESTS[name])


@pytest.mark.parametrize("text", [as_tag(text) for text in corpus.TEXTS.values()], ids=corpus.TEXTS)
def test_a_tag_is_refused_or_makes_a_legal_name(text: str) -> None:
    captures_are_legal([vm("one", text, text), vm("two", text, ""), vm("three", f"Win\\{text}", "", text)])


@pytest.mark.parametrize("name", BODIES)
def test_no_body_starts_anything(name: str) -> None:
    asks_for_a_run_or_is_refused(BODIES[name])
    with pytest.raises(ConfigurationError):
        read_parameters(BODIES[name])


@pytest.mark.parametrize("text", corpus.TEXTS.values(), ids=corpus.TEXTS)
def test_no_text_is_a_run_id(text: str) -> None:
    for candidate in (
        text,
        f"20261123T020509Z-{text}",
        f"{text}/../20261123T020509Z-aaaa",
        f"20261123T020509Z-aaaa{text}",
    ):
        assert not is_run_id(candidate)


@pytest.mark.parametrize("what", MADE_UP)
@pytest.mark.parametrize("examples", [100, pytest.param(5000, marks=pytest.mark.soak)])
def test_nothing_that_is_made_up_breaks_a_promise(what: str, examples: int) -> None:
    strategy, promise = MADE_UP[what]
    settings(max_examples=examples)(given(strategy)(promise))()
