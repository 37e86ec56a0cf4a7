"""A run says which configuration it saw before it reads it: one that no run can read starts no run after run."""

from dataclasses import dataclass

import pytest

from activities import configuration
from activities.configuration import Asked, read_configuration
from shared.domain.claim import Claim, ClaimState
from shared.domain.runs import Run, RunRequest
from shared.journal import ReadClaim

RUN = Run("20261123T020509Z-3fa2", "f", "account", "app")


@dataclass(frozen=True)
class EmptyJournal:
    run_id: str

    def has(self, name: str) -> bool:
        return not name

    def write(self, name: str, document: object) -> None:
        raise AssertionError(f"{name} was written with {document}")


def crash() -> None:
    raise ZeroDivisionError("a bug in the reader")


def test_a_file_that_crashes_its_reader_has_been_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the release finds another ETag than the one seen, hands over, and the next run crashes as well, for ever."""
    claims = [Claim("app", RUN.id, ClaimState.HELD, seen_etag="1")]

    def write_claim(_account: str, claim: Claim, _read: ReadClaim) -> bool:
        claims.append(claim)
        return True

    monkeypatch.setattr(configuration, "fence", lambda _run, **_: None)
    monkeypatch.setattr(configuration, "Journal", EmptyJournal)
    monkeypatch.setattr(configuration, "configuration_etag", lambda: "2")
    monkeypatch.setattr(configuration, "read_claim", lambda _account: ReadClaim(claims[-1]))
    monkeypatch.setattr(configuration, "write_claim", write_claim)
    monkeypatch.setattr(configuration, "found_now", crash)
    with pytest.raises(ZeroDivisionError):
        read_configuration(Asked(RUN, RunRequest(RUN.id)))
    assert claims[-1].seen_etag == "2"
