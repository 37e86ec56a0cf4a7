"""The claim: the one blob that says which run may touch Azure (`run-protocol.md`, "The claim")."""

from dataclasses import dataclass, replace
from enum import StrEnum

from shared.errors import RejectedError


class ClaimState(StrEnum):
    HELD = "held"
    RELEASED = "released"


@dataclass(frozen=True)
class Claim:
    """`seen_etag` is the ETag of the configuration that the last whole run saw at its start; empty when there was none.

    `rung`: an upload came while the run worked. `cancelled`: it is to begin nothing more and to end (decision 5).
    """

    app: str
    run: str
    state: ClaimState
    took_over: bool = False
    seen_etag: str = ""
    rung: bool = False
    cancelled: bool = False

    def held_by(self, run: str) -> bool:
        return self.state is ClaimState.HELD and self.run == run

    def released(self) -> "Claim":
        return replace(self, state=ClaimState.RELEASED, rung=False, cancelled=False)

    def handed_to(self, run: str) -> "Claim":
        return replace(self, run=run, took_over=False, rung=False, cancelled=False)

    def ring(self) -> "Claim":
        return replace(self, rung=True)

    def cancel(self) -> "Claim":
        return replace(self, cancelled=True)

    def left_by(self, whole: bool, etag: str, next_run: str) -> "Claim":
        """The claim as a run leaves it that finds the configuration's `etag` at its end.

        It is handed over when the configuration is not the one that the last whole run saw. A run that did a part only, or was
        cancelled (maybe before it saw any), hands over when it was rung, too: an upload that has not rung yet will find the
        claim released and start a run itself.
        """
        owed = etag != self.seen_etag and (self.rung or (whole and not self.cancelled))
        return self.handed_to(next_run) if owed else self.released()

    def having_seen(self, etag: str) -> "Claim":
        return replace(self, seen_etag=etag)


def take(claim: Claim | None, run: str, app: str) -> Claim:
    """The claim as it is once `run` has it; the same value when nothing is to be written.

    Raises RejectedError `ClaimedByOtherApp` or `Superseded` when the run may not have it.
    """
    if claim is None:
        return Claim(app, run, ClaimState.HELD)
    if claim.held_by(run):
        return claim
    if claim.state is ClaimState.HELD and claim.app != app:
        raise RejectedError(
            "ClaimedByOtherApp",
            f"The function app {claim.app!r} works on this factory lab: its run {claim.run} holds the claim.",
            f"Let that run end. If the app {claim.app!r} is gone for good, delete the blob imagefactory/active-run"
            " in the factory lab's storage account.",
        )
    if claim.run >= run:
        raise RejectedError(
            "Superseded", f"Run {claim.run} is not older than run {run}, which therefore does nothing.", "Start again."
        )
    held = claim.state is ClaimState.HELD
    return Claim(app, run, ClaimState.HELD, took_over=held, seen_etag=claim.seen_etag)
