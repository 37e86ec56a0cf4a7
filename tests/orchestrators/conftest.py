"""Orchestrators are tested as they are deployed: the SDK's codec is strict."""

from functools import lru_cache

import pytest
from azure.durable_functions.models.history import HistoryEvent


@pytest.fixture(autouse=True)
def as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "1")
    # Four fifths of a replay is parsing the same times again (`durable-facts.md` section 3).
    module = __import__(HistoryEvent.__module__, fromlist=["dt_parse"])
    monkeypatch.setattr(module, "dt_parse", lru_cache(maxsize=None)(module.dt_parse))
