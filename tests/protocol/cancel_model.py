"""Walk every interleaving of a cancel with the run protocol: one pair, a run and the one it hands over to, repeated activities.

The moves are those of the activities, cut where the world can change between two calls to Azure. A ghost is a second execution of
an activity that may begin at any later time, also after its run has ended. A cancel reads the claim and writes it; an upload rings.
`explore` answers the first violation that it finds, or how many states it has seen.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

RULES = frozenset(
    {
        "cancel is written with If-Match",
        "a mark ends with its run",
        "settle passes the fence of a cancelled run",
        "release passes the fence of a cancelled run",
        "what has no outcome is closed",
        "an image that is being made is waited for",
        "the second look obeys the cancel or the outcome",
        "a ring of a cancelled run is heard",
    }
)
FIRST, NEXT = 1, 2


class Claim(NamedTuple):
    run: int
    held: bool = True
    cancelled: bool = False
    rung: bool = False


class Flight(NamedTuple):
    """An execution of an activity: how far it is, what it has read; a ghost's end moves no orchestration."""

    activity: str
    run: int
    at: int = 0
    read: Claim | None = None
    is_ghost: bool = False


class State(NamedTuple):
    """`reading` is what those who cancel the first run have read of the claim; `owed`: an upload rang and has no run yet."""

    claim: Claim | None = None
    outcomes: tuple[str, str] = ("", "")
    copies: tuple[str, str] = ("", "")
    image: tuple[str, int] = ("", 0)
    steps: tuple[str, str] = ("take", "")
    flights: frozenset[Flight] = frozenset()
    ghosts: frozenset[tuple[str, int]] = frozenset()
    ghosts_left: int = 1
    cancels_left: int = 2
    reading: tuple[Claim, ...] = ()
    rings_left: int = 1
    owed: bool = False


class Violation(Exception):  # noqa: N818 - it is what is looked for, not an error
    """The protocol allows what must not happen."""


def explore(rules: frozenset[str] = RULES, ghosts: int = 1, most: int = 2_000_000) -> tuple[int, str]:
    """(states seen, the first violation or nothing).

    Without ghosts nothing at all may be left. With them one thing may, as in the protocol: the copy that an image creation of a
    repeat reads, begun when its delivery was just settled; the next run's sweep finds it.
    """
    start = State(ghosts_left=ghosts)
    seen, waiting = {start}, deque([start])
    while waiting:
        state = waiting.popleft()
        try:
            followers = list(_followers(state, rules))
            if not followers:
                _check_end(state, may_be_read=ghosts > 0)
        except Violation as violation:
            return len(seen), str(violation)
        for follower in followers:
            if follower not in seen:
                seen.add(follower)
                waiting.append(follower)
        assert len(seen) < most, "the model grows too large"
    return len(seen), ""


def _check_end(state: State, may_be_read: bool) -> None:
    """Nothing can happen any more."""
    claim = state.claim
    if claim is None or claim.held:
        raise Violation("I2: the claim of an ended run is held")
    if claim.cancelled or claim.rung:
        raise Violation("a mark outlives its run")
    for run, step in zip((FIRST, NEXT), state.steps, strict=True):
        if step not in ("", "done"):
            raise Violation(f"run {run} is stuck in {step!r}")
        if step == "done" and not state.outcomes[run - 1]:
            raise Violation("I4: a planned pair has no outcome")
    left = [run for run in (FIRST, NEXT) if state.copies[run - 1]]
    if any(not (may_be_read and state.image[1] == run) for run in left):
        raise Violation("I2: a copy is left")
    if "delivered" in state.outcomes and state.image[0] != "done":
        raise Violation("delivered, but there is no image")
    if state.owed:
        raise Violation("an upload that rang got no run")


def _followers(state: State, rules: frozenset[str]) -> Iterator[State]:
    yield from _world(state, rules)
    for run in (FIRST, NEXT):
        yield from _orchestration(state, run, rules)
    for flight in state.flights:
        yield from _activity(state._replace(flights=state.flights - {flight}), flight, rules)
    for name, run in state.ghosts:
        flight = Flight(name, run, is_ghost=True)
        yield state._replace(ghosts=state.ghosts - {(name, run)}, flights=state.flights | {flight})


def _world(state: State, rules: frozenset[str]) -> Iterator[State]:
    """Copies and images end, uploads ring, somebody cancels the first run."""
    for run in (FIRST, NEXT):
        if state.copies[run - 1] == "pending":
            yield state._replace(copies=_put(state.copies, run, "ok"))
    if state.image[0] == "creating":
        yield state._replace(image=("done", state.image[1]))
    claim = state.claim
    if claim is not None and claim.held and claim.run == FIRST and state.rings_left:
        yield state._replace(claim=claim._replace(rung=True), rings_left=0, owed=True)
    if claim is not None and claim.held and claim.run == FIRST and state.cancels_left:
        yield state._replace(cancels_left=state.cancels_left - 1, reading=(*state.reading, claim))
    for read in state.reading:
        others = list(state.reading)
        others.remove(read)
        left = state._replace(reading=tuple(others))
        if "cancel is written with If-Match" not in rules or claim == read:
            if claim != read and claim is not None and not claim.held:
                raise Violation("a cancel takes back a claim that was released")
            yield left._replace(claim=read._replace(cancelled=True))
        else:
            # It has changed: the caller looks again and finds a claim to mark, or that the run has ended.
            yield left._replace(cancels_left=left.cancels_left + 1) if claim and claim.run == FIRST else left
    if claim is not None and claim.run == NEXT and claim.cancelled:
        raise Violation("the cancel of a run has cancelled the next one")


def _orchestration(state: State, run: int, rules: frozenset[str]) -> Iterator[State]:
    step = state.steps[run - 1]
    waits_for_image = "an image that is being made is waited for" in rules
    cancelled = state.claim is not None and state.claim.run == run and state.claim.cancelled
    if step in ("take", "plan", "begin_copy", "begin_image", "settle", "close", "release"):
        yield from _scheduled(state, run, step)
    elif step == "copying":
        # Asked while the copy runs, a cancelled run's copy is given up; otherwise it goes on until it ends.
        if cancelled or state.copies[run - 1] == "":
            yield _to(state, run, "settle")
        if state.copies[run - 1] == "ok":
            yield _to(state, run, "begin_image")
    elif step == "creating" and (state.image[0] == "done" or (cancelled and not waits_for_image)):
        yield _to(state, run, "settle")


def _scheduled(state: State, run: int, step: str) -> Iterator[State]:
    scheduled = _to(state, run, f"{step}...")._replace(flights=state.flights | {Flight(step, run)})
    yield scheduled
    if state.ghosts_left:
        yield scheduled._replace(ghosts=state.ghosts | {(step, run)}, ghosts_left=state.ghosts_left - 1)


def _activity(state: State, flight: Flight, rules: frozenset[str]) -> Iterator[State]:  # noqa: C901 - a case per move
    run, claim = flight.run, state.claim
    holds = claim is not None and claim.held and claim.run == run
    cancelled = holds and claim is not None and claim.cancelled

    def goes_on(changed: State, at: int) -> State:
        return changed._replace(flights=changed.flights | {flight._replace(at=at)})

    def ends(changed: State, step: str) -> State:
        return changed if flight.is_ghost else _to(changed, run, step)

    match flight.activity, flight.at:
        case "take", _:
            if claim is None or (not claim.held and claim.run < run) or (claim.held and claim.run == run):
                yield ends(state._replace(claim=claim if holds else Claim(run)), "plan")
            else:
                yield ends(state, "superseded")
        case "plan", _:
            # Without a plan there is no pair; here it stands for what was planned, so that it must be closed.
            yield ends(state, "close" if cancelled or not holds else "begin_copy")
        case "begin_copy", 0:
            closed = not holds or cancelled or state.outcomes[run - 1]
            yield ends(state, "settle") if closed else goes_on(state, 1)
        case "begin_copy", 1:
            yield goes_on(state._replace(copies=_put(state.copies, run, state.copies[run - 1] or "pending")), 2)
        case "begin_copy", _:
            closed = not holds or cancelled or bool(state.outcomes[run - 1])
            if closed and "the second look obeys the cancel or the outcome" in rules:
                yield ends(_removed(state, run), "settle")
            else:
                yield ends(state, "copying")
        case "begin_image", 0:
            closed = not holds or cancelled or state.outcomes[run - 1]
            yield ends(state, "settle") if closed else goes_on(state, 1)
        case "begin_image", _:
            if state.image[0]:
                yield ends(state, "creating" if state.image[1] == run else "settle")
            elif state.copies[run - 1] == "ok":
                yield ends(state._replace(image=("creating", run)), "creating")
            else:
                yield ends(state, "settle")
        case "settle", 0:
            passes = holds and (not cancelled or "settle passes the fence of a cancelled run" in rules)
            result = "delivered" if state.image == ("done", run) else "left"
            outcome = state.outcomes[run - 1] or result
            settled = state._replace(outcomes=_put(state.outcomes, run, outcome))
            yield goes_on(settled, 1) if passes else ends(state, "close")
        case "settle", _:
            yield ends(_removed(state, run), "close")
        case "close", _:
            outcome = state.outcomes[run - 1]
            if holds and not outcome and "what has no outcome is closed" in rules:
                outcome = "left"
            yield ends(state._replace(outcomes=_put(state.outcomes, run, outcome)), "release")
        case "release", 0:
            if not holds or (cancelled and "release passes the fence of a cancelled run" not in rules):
                yield ends(state, "done")
            else:
                yield state._replace(flights=state.flights | {flight._replace(at=1, read=claim)})
        case "release", _:
            yield from _released(state, flight, ends(state, "done"), rules)
        case _:
            raise AssertionError(flight)


def _released(state: State, flight: Flight, ended: State, rules: frozenset[str]) -> Iterator[State]:
    read = flight.read
    assert read is not None
    if state.claim != read:
        # A ring or a cancel came in between: look again.
        yield state._replace(flights=state.flights | {flight._replace(at=0, read=None)})
    elif read.rung and flight.run == FIRST and (not read.cancelled or "a ring of a cancelled run is heard" in rules):
        kept = "a mark ends with its run" not in rules and read.cancelled
        handed = ended._replace(claim=Claim(NEXT, cancelled=kept), owed=False)
        yield _to(handed, NEXT, "take") if not handed.steps[1] else handed
    else:
        kept = "a mark ends with its run" not in rules and read.cancelled
        yield ended._replace(claim=Claim(flight.run, held=False, cancelled=kept))


def _removed(state: State, run: int) -> State:
    """The copy goes, unless an image creation reads it."""
    return state if state.image == ("creating", run) else state._replace(copies=_put(state.copies, run, ""))


def _to(state: State, run: int, step: str) -> State:
    return state._replace(steps=(step, state.steps[1]) if run == FIRST else (state.steps[0], step))


def _put(pair: tuple[str, str], run: int, value: str) -> tuple[str, str]:
    return (value, pair[1]) if run == FIRST else (pair[0], value)
