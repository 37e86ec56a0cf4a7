"""What may go wrong with one call of the app, and where: the n-th call of a run, once, several times or for good."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from xml.sax.saxutils import escape

from local.azure.faults import Fault, Faults
from local.azure.operation_log import Service
from local.host.clock import VirtualClock


class Way(StrEnum):
    """How a call fails (`durable-facts.md` section 9, E1)."""

    TIMEOUT_BEFORE = "timeout-before"
    TIMEOUT_AFTER = "timeout-after"
    THROTTLED = "429"
    BROKEN = "500"
    BUSY = "503"
    FORBIDDEN = "403"
    MISSING = "404"
    CONFLICT = "409"
    RESET = "reset"
    BROKEN_AFTER = "500-after"


TRANSIENT = (Way.TIMEOUT_BEFORE, Way.TIMEOUT_AFTER, Way.THROTTLED, Way.BROKEN, Way.BUSY, Way.RESET, Way.BROKEN_AFTER)
"""Azure means them: the call may be made again. The others are answers that are wrong."""

TWICE = 2
FOR_GOOD = 10**9
RETRY_AFTER = 17
"""Seconds: longer than the SDK's clients may sleep, so that it crosses the seam."""

_CODES: dict[Way, dict[Service, str]] = {
    Way.THROTTLED: {"arm": "TooManyRequests", "blob": "ServerBusy", "identity": "TooManyRequests"},
    Way.BROKEN: {"arm": "InternalServerError", "blob": "InternalError", "identity": "InternalServerError"},
    Way.BROKEN_AFTER: {"arm": "InternalServerError", "blob": "InternalError", "identity": "InternalServerError"},
    Way.BUSY: {"arm": "ServiceUnavailable", "blob": "ServerBusy", "identity": "ServiceUnavailable"},
    Way.FORBIDDEN: {"arm": "AuthorizationFailed", "blob": "AuthorizationPermissionMismatch", "identity": "Forbidden"},
    Way.MISSING: {"arm": "ResourceNotFound", "blob": "BlobNotFound", "identity": "NotFound"},
    Way.CONFLICT: {"arm": "Conflict", "blob": "AccountBeingCreated", "identity": "Conflict"},
}


@dataclass(frozen=True)
class Trouble:
    """The `call`-th call of the app (from 0) fails in this way, and so do the next ones like it, `times` in all."""

    call: int
    way: Way
    times: int = 1

    def __str__(self) -> str:
        often = "for-good" if self.times == FOR_GOOD else f"x{self.times}" if self.times > 1 else ""
        return f"{self.call}:{self.way}{often and ':' + often}"

    @classmethod
    def parse(cls, text: str) -> "Trouble":
        call, way, often = [*text.split(":"), ""][:3]
        return cls(int(call), Way(way), FOR_GOOD if often == "for-good" else int(often[1:] or 1) if often else 1)


class Storm:
    """Four of five calls are throttled until a moment; it notes who does not wait as long as it was told."""

    def __init__(self, drawn: random.Random, clock: VirtualClock, until: datetime) -> None:
        self._drawn, self._clock, self._until = drawn, clock, until
        self._not_before: dict[str, datetime] = {}
        self.impatient: list[str] = []

    def throttles(self, service: Service, what: str) -> int | None:
        """Retry-After in seconds, if this call is throttled."""
        now = self._clock.now()
        # Of ARM each call belongs to one activity; the claim, say, is read by all of them.
        if service == "arm" and now < self._not_before.pop(what, now):
            self.impatient.append(what)
        # MSAL remembers a refusal of the identity endpoint by the real clock, which stands still here.
        if service == "identity" or now >= self._until or self._drawn.random() > 0.8:
            return None
        seconds = self._drawn.randint(1, 30)
        self._not_before[what] = now + timedelta(seconds=seconds)
        return seconds


class Troubles(Faults):
    """Counts the calls that arrive, and lets those fail that are to."""

    def __init__(self, *planned: Trouble) -> None:
        super().__init__()
        self.planned = list(planned)
        self.calls: list[str] = []
        self.injected = 0
        self.is_silent = False
        self.storm: Storm | None = None
        self.tells = ""
        """What a failing call's message has beside its code."""
        self._hit: dict[str, Trouble] = {}
        self._left: dict[str, int] = {}
        self._whose: dict[str, object] = {}
        self.caller: Callable[[], object] = lambda: None
        """Whose call it is that arrives: the claim, say, is read by all."""

    def end(self) -> None:
        """Everything works again."""
        self.planned, self._hit, self._left, self.storm, self.tells = [], {}, {}, None, ""
        self.clear()

    def take(self, service: Service, method: str, raw_path: str) -> Fault | None:
        what = f"{method} {raw_path.partition('?')[0]}"
        number = len(self.calls)
        self.calls.append(what)
        if self.storm and (seconds := self.storm.throttles(service, what)):
            self.injected += 1
            fault = _fault(Way.THROTTLED, service, method)
            return replace(fault, headers={**fault.headers, "Retry-After": str(seconds)})
        for trouble in self.planned:
            if trouble.call == number:
                self._hit[what], self._left[what] = trouble, trouble.times
                # Twice means: the client's own retry fails, too.
                self._whose[what] = self.caller() if trouble.times == TWICE else None
        if self._left.get(what, 0) <= 0 or self._whose[what] not in (None, self.caller()):
            return super().take(service, method, raw_path)
        self._left[what] -= 1
        self.injected += 1
        way = self._hit[what].way
        self.is_silent = way in (Way.TIMEOUT_BEFORE, Way.TIMEOUT_AFTER)
        return _fault(way, service, method, self.tells)


def _fault(way: Way, service: Service, method: str, tells: str = "") -> Fault:
    after = way in (Way.TIMEOUT_AFTER, Way.BROKEN_AFTER)
    when = "after" if after else "before"
    if way in (Way.TIMEOUT_BEFORE, Way.TIMEOUT_AFTER):
        return Fault("", when=when, reset=True)
    if way is Way.RESET:
        return Fault("", reset=True)
    code = _CODES[way][service]
    headers = {"Retry-After": str(RETRY_AFTER)} if way is Way.THROTTLED else {}
    message = f"{code}, says the laboratory. {tells}"
    body: Any = {"error": {"code": code, "message": message}}
    if service == "blob":
        headers |= {"x-ms-error-code": code}
        body = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Fault(
        "", when=when, status=int(way.partition("-")[0]), headers=headers, body=None if method == "HEAD" else body
    )
