"""The task hub on disk: what was saved is found by the next one who opens it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.host.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hub.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store(file)
    yield store
    store.close()


def document(instance_id: str, **more: Any) -> dict[str, Any]:
    return {"id": instance_id, "status": "Running", **more}


def test_a_second_store_finds_what_the_first_has_saved(store: Store, file: Path):
    store.save(document("one", name="chain"), [("first", 0, '{"a": 1}'), ("first", 1, '{"b": 2}')])
    # The first is not closed: a host that is killed closes nothing.
    other = Store(file)
    assert other.instances() == [document("one", name="chain")]
    assert other.history("one", "first") == ['{"a": 1}', '{"b": 2}']
    other.close()


def test_a_history_comes_in_its_order_and_grows(store: Store):
    store.save(document("one"), [("first", number, str(number)) for number in (10, 2, 0)])
    store.save(document("one"), [("first", 11, "11")])
    assert store.history("one", "first") == ["0", "2", "10", "11"]


def test_executions_do_not_mix(store: Store):
    store.save(document("one"), [("first", 0, "old")])
    store.save(document("one"), [("second", 0, "new")])
    assert store.history("one", "second") == ["new"]
    assert store.history("one", "first") == ["old"], "kept, so that secrets are looked for in it, too"


def test_instances_do_not_mix(store: Store):
    store.save(document("one"), [("same", 0, "a")])
    store.save(document("two"), [("same", 0, "b")])
    store.delete("one")
    assert store.history("one", "same") == []
    assert store.history("two", "same") == ["b"]
    assert [instance["id"] for instance in store.instances()] == ["two"]


def test_an_instance_is_saved_with_its_history_or_not_at_all(store: Store):
    store.save(document("one"), [("first", 0, "a")])
    with pytest.raises(sqlite3.Error):
        store.save(document("one", status="Completed"), [("first", 1, "b"), ("first", 2, object())])  # type: ignore[list-item]
    assert store.instances() == [document("one")]
    assert store.history("one", "first") == ["a"]


def test_everything_tells_inputs_and_events_as_text(store: Store):
    store.save(document("one", input='"in the input"'), [("first", 0, "in the history")])
    text = "\n".join(store.everything())
    assert "in the input" in text
    assert "in the history" in text


def test_a_receipt_is_for_one_function_and_one_blob_and_the_last_wins(store: Store, file: Path):
    assert store.receipt("arrived", "a.json") == ""
    store.sign("arrived", "a.json", "0x1")
    store.sign("arrived", "a.json", "0x2")
    assert store.receipt("arrived", "b.json") == store.receipt("other", "a.json") == ""
    again = Store(file)
    assert again.receipt("arrived", "a.json") == "0x2"
    again.close()
