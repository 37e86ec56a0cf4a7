"""Take the claim, and give it back or hand it over."""

from dataclasses import dataclass
from enum import StrEnum

from activities.configuration import configuration_etag
from shared.azure.labs import factory_lab
from shared.domain.claim import take
from shared.domain.runs import Run, RunRequest, started
from shared.errors import PermanentError
from shared.journal import CONTENDED, Journal, RunRecord, contended, read_claim, write_claim
from shared.settings import settings


@dataclass(frozen=True)
class Taken:
    """`took_over`: from a run that did not end; what it had in flight may still act for a while."""

    run: Run
    took_over: bool


def take_claim(request: RunRequest) -> Taken:
    """Record the run and take the claim; raises RejectedError when another run or app has it.

    Repeat-safe: run.json is created once, and a claim that is ours already is left as it is.
    """
    factory = settings().factory
    record = RunRecord(request.run_id, factory, settings().app, started(request.run_id))
    Journal(request.run_id).write("run.json", record)
    run = Run(request.run_id, factory, factory_lab().account, settings().app)
    for _ in range(CONTENDED):
        read = read_claim(run.account)
        taken = take(read.claim, run.id, run.app)
        if taken == read.claim or write_claim(run.account, taken, read):
            return Taken(run, taken.took_over)
    raise contended("The claim")


@dataclass(frozen=True)
class Release:
    """`next_run` gets the claim if the configuration changed while this run worked (`Claim.left_by`)."""

    run: Run
    next_run: str
    whole: bool = True


class Released(StrEnum):
    RELEASED = "released"
    HANDED_OVER = "handed over"
    LOST = "lost"


@dataclass(frozen=True)
class ReleaseAnswer:
    state: Released


def release_claim(release: Release) -> ReleaseAnswer:
    """Release the claim, or hand it to the next run when another configuration lies there than the one this run saw.

    A ring of the doorbell between the look at the configuration and the write fails the write's If-Match: then both are looked
    at again, so that no upload is lost. Repeat-safe: a claim that is released or handed over already is left as it is.
    """
    run = release.run
    for _ in range(CONTENDED):
        read = read_claim(run.account)
        claim = read.claim
        if claim is not None and claim.held_by(release.next_run):
            return ReleaseAnswer(Released.HANDED_OVER)
        if claim is None or claim.run != run.id:
            return ReleaseAnswer(Released.LOST)
        if not claim.held_by(run.id):
            return ReleaseAnswer(Released.RELEASED)
        left = claim.left_by(release.whole, _etag_or(claim.seen_etag), release.next_run)
        if write_claim(run.account, left, read):
            return ReleaseAnswer(Released.HANDED_OVER if left.run == release.next_run else Released.RELEASED)
    raise contended("The claim")


def _etag_or(seen: str) -> str:
    """The configuration's ETag; when it cannot be read for good, the one seen: a claim must not stay held for that."""
    try:
        return configuration_etag()
    except PermanentError:
        return seen
