"""Walk every interleaving of uploads with runs that do the whole job and runs that do a part of it.

The claim is the app's own (`shared.domain.claim`): how it is taken, rung and left is not written again here. Ends: what was
uploaded last has been read by a whole run, whoever worked when it came.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from shared.domain.claim import Claim, ClaimState, take

Left = Callable[[Claim, bool, str, str], Claim]


class Run(NamedTuple):
    """The instance of the factory: there is at most one. `read` and `version` are what its release has read."""

    id: str
    whole: bool
    step: str = "take"
    etag: int = 0
    read: Claim | None = None
    version: int = 0


class State(NamedTuple):
    """`version` is the claim's ETag; `rings` are the events that have read the claim and are about to rewrite it."""

    claim: Claim = Claim("app", "run-00", ClaimState.RELEASED, seen_etag="0")
    version: int = 0
    etag: int = 0
    events: int = 0
    uploads_left: int = 3
    parts_left: int = 2
    nights_left: int = 1
    started: int = 0
    run: Run | None = None
    rings: tuple[tuple[Claim, int], ...] = ()
    served: int = 0


def explore(left: Left = Claim.left_by, most: int = 2_000_000) -> tuple[int, str]:
    """(states seen, the first violation or nothing)."""
    start = State()
    seen, waiting = {start}, deque([start])
    while waiting:
        state = waiting.popleft()
        followers = list(_followers(state, left))
        if not followers and state.served != state.etag:
            return len(seen), f"upload {state.etag} was never read by a whole run"
        if not followers and state.run is None and state.claim.state is ClaimState.HELD:
            return len(seen), "the claim stays held"
        if state.started > _MOST_RUNS:
            return len(seen), "one run starts the next without end"
        for follower in followers:
            if follower not in seen:
                seen.add(follower)
                waiting.append(follower)
        assert len(seen) < most, "the model grows too large"
    return len(seen), ""


_MOST_RUNS = 9
"""Three uploads, two parts and a night need no more."""


def _followers(state: State, left: Left) -> Iterator[State]:
    if state.uploads_left:
        yield state._replace(etag=state.etag + 1, events=state.events + 1, uploads_left=state.uploads_left - 1)
    if state.events:
        yield from _event(state)
    for read, version in state.rings:
        others = list(state.rings)
        others.remove((read, version))
        calm = state._replace(rings=tuple(others))
        if version == state.version:
            yield _written(calm, read.ring())
        else:
            yield calm._replace(events=calm.events + 1)
    if state.parts_left and state.run is None:
        yield _begun(state._replace(parts_left=state.parts_left - 1), whole=False)
    if state.nights_left and state.run is None:
        yield _begun(state._replace(nights_left=0), whole=True)
    if state.run is not None:
        yield from _step(state, state.run, left)


def _event(state: State) -> Iterator[State]:
    """The blob trigger: nothing for what was seen, a ring for a run that works, else a start; again later where it is refused."""
    heard = state._replace(events=state.events - 1)
    if state.claim.seen_etag == str(state.etag):
        yield heard
    elif state.claim.state is ClaimState.HELD:
        yield heard._replace(rings=tuple(sorted((*state.rings, (state.claim, state.version)), key=str)))
    elif state.run is None:
        yield _begun(heard, whole=True)


def _begun(state: State, whole: bool) -> State:
    number = state.started + 1
    return state._replace(started=number, run=Run(f"run-{number:02}", whole))


def _step(state: State, run: Run, left: Left) -> Iterator[State]:
    def to(step: str, **read: object) -> State:
        return state._replace(run=run._replace(step=step, **read))  # pyright: ignore

    match run.step:
        case "take":
            yield _written(to("see" if run.whole else "work"), take(state.claim, run.id, "app"))
        case "see":
            yield _written(to("read"), state.claim.having_seen(str(state.etag)))
        case "read":
            # It may be another one by now: what was read is what was seen.
            read = to("work")._replace(served=state.etag)
            yield _written(read, state.claim.having_seen(str(state.etag)))
        case "work":
            yield to("release", read=state.claim, version=state.version)
        case "release":
            yield to("leave", etag=state.etag)
        case _:
            assert run.read is not None
            if run.version != state.version:
                yield to("work")
                return
            claim = left(run.read, run.whole, str(run.etag), f"run-{state.started + 1:02}")
            gone = _written(state._replace(run=None), claim)
            yield _begun(gone, whole=True) if claim.state is ClaimState.HELD else gone


def _written(state: State, claim: Claim) -> State:
    return state._replace(claim=claim, version=state.version + (claim != state.claim or claim.rung))
