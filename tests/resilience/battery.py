"""Play what is most apt to show a mutant, until something turns red: `python -m tests.resilience.battery ABOUT ...`."""

import faulthandler
import sys
from collections.abc import Iterator
from itertools import chain, islice, zip_longest

from tests.resilience.cases import play
from tests.resilience.happenings import LEGACY_VHD
from tests.resilience.laboratory import A_CALL, Laboratory
from tests.resilience.sweeps import still_cases
from tests.resilience.trial import Begun, baseline, begun_activities
from tests.resilience.troubles import FOR_GOOD, Trouble, Way

_STEPS = 9
_MOST = 60
_LONGEST = 120.0
"""Seconds of real time for one case; three are usual."""

_NAMED: dict[str, tuple[str, ...]] = {
    "storm": tuple(f"E6 {seed}" for seed in range(4)),
    "long": ("E7 long",),
    "stalled": (f"E8 stlab3/{LEGACY_VHD}:stalled:0",),
    "partial": (f"E8 stlab3/{LEGACY_VHD}:failed:30", f"E8 stlab5/{LEGACY_VHD}:aborted:0.6"),
    "partial capture": ("E8 stfactory/vm-windows-os.vhd:failed:30", "E8 stfactory/vm-windows-os.vhd:stalled:0"),
    "short": (f"E8 stlab3/{LEGACY_VHD}:short:30", "E8 stfactory/vm-windows-os.vhd:short:30"),
    "mixed": tuple(f"E5 {seed}" for seed in range(20, 32)),
    "cancel": tuple(f"E18 {place}" for place in (*range(60, 420, 40), *range(420, 2200, 200))),
    "operator": tuple(f"E17 {seed}" for seed in range(12)),
    "abandoned": tuple(f"E19 {place}" for place in range(95, 1400, 90)),
    "one lane": ("E12 one-lane",),
}


def battery(laboratory: Laboratory, about: list[str]) -> Iterator[str]:
    """What each of `about` asks for, turn by turn; then a little of everything."""
    yield "E12 reference"
    for name in about:
        yield from _NAMED.get(name) or _placed(laboratory, name)
    yield from (
        "E12 one-lane",
        "E7 long",
        *(f"E5 {seed}" for seed in range(1, 7)),
        *(f"E17 {seed}" for seed in range(1, 5)),
    )
    yield from _placed(laboratory, "two")
    yield from _placed(laboratory, "configuration")


def _placed(laboratory: Laboratory, name: str) -> Iterator[str]:
    places = baseline(laboratory).places
    match name:
        case "two":
            for place in range(40, len(places), len(places) // _STEPS):
                yield f"E10 other:{place}"
                yield f"E10 same:{place}"
        case "configuration":
            releasing = places.index("before release_claim")
            yield f"E9 fewer:{places.index('before read_configuration') + 5}"
            yield f"E9 fewer:{places.index('before-episode factory_run', 200)}:again"
            yield from (f"E9 fewer:{place}" for place in (200, 700, *range(releasing, releasing + 5)))
            yield from (f"E3 {place}" for place in range(releasing, releasing + 5))
            yield from (f"E9 fewer:{place}:late" for place in range(releasing, len(places)))
        case "slow":
            first, last = places.index("before inspect_factory"), places.index("before plan_distribution_of_run")
            yield from (f"E10 slow:{place}" for place in range(first, last, 9))
        case "secrets":
            known = [place for place, name in enumerate(places) if A_CALL in name]
            yield from (f"E15 bug:{place}" for place in known[60::100])
            yield from (f"E15 {call}:{way}:for-good" for call in (60, 150, 270, 420) for way in ("403", "500"))
        case "vanished":
            yield from (
                f"E11 {what}:{place}" for place in (100, 500, 900) for what in ("lab", "locked", "account", "vm")
            )
        case "ended":
            yield from (f"E11 {what}:{place}" for place in range(200, 1400, 150) for what in ("lane", "work"))
        case "lasting":
            calls = range(10, len(baseline(laboratory).calls), 40)
            yield from (f"E2 {Trouble(call, Way.BROKEN, FOR_GOOD)}" for call in calls)
        case activity:
            yield from _about_activity(laboratory, activity)


def _about_activity(laboratory: Laboratory, activity: str) -> Iterator[str]:
    """The activity again, dead, and with each of its calls failing: turn by turn, because who knows what shows first."""
    turns = zip_longest(
        _failing(laboratory, activity),
        _again(laboratory, activity),
        _dead(laboratory, activity),
        (f"E21 {text}" for text in still_cases(laboratory, activity)),
        fillvalue="",
    )
    yield from filter(None, chain.from_iterable(turns))


def _again(laboratory: Laboratory, activity: str) -> Iterator[str]:
    begun, slowly = (_numbers(begun_activities(laboratory, lanes), activity) for lanes in (None, 1))
    for mischief in ("RESULT_LOST", "AGAIN_LATER:alone", "AGAIN_LATER", "WORKER_DIED", "TWICE_AT_ONCE"):
        yield from (f"E4 {number}:{mischief}" for number in begun)
        if mischief == "RESULT_LOST":
            yield from (f"E4 {number}:AGAIN_LATER:slow" for number in slowly)


def _numbers(activities: list[Begun], activity: str) -> list[int]:
    """Its first and its last time."""
    numbers = [number for number, begun in enumerate(activities) if begun.name == activity]
    return list(dict.fromkeys((numbers[0], numbers[-1])))


def _dead(laboratory: Laboratory, activity: str) -> Iterator[str]:
    begun = _first(laboratory, activity)
    return (f"E3 {place}" for place in range(begun.last, begun.first, -1))


def _failing(laboratory: Laboratory, activity: str) -> Iterator[str]:
    call_at = baseline(laboratory).call_at
    calls = [call_at[place] for place in _first(laboratory, activity).calls][:14]
    ways = ((Way.BROKEN, 2), (Way.BUSY, 2), (Way.THROTTLED, 2), (Way.TIMEOUT_AFTER, 2), (Way.BROKEN_AFTER, 1))
    for way, times in ways:
        yield f"E1 {Trouble(calls[0], way, times)}"
    for number in reversed(calls):
        yield f"E2 {Trouble(number, Way.FORBIDDEN, FOR_GOOD)}"
        yield f"E1 {Trouble(number, Way.BROKEN_AFTER)}"
    yield from (f"E1 {Trouble(number, way, times)}" for way, times in reversed(ways[:-1]) for number in calls[1:])


def _first(laboratory: Laboratory, activity: str) -> Begun:
    return next(begun for begun in begun_activities(laboratory) if begun.name == activity)


def main() -> int:
    """The last line that is printed is what turned red, if the process ends with another code than 0."""
    laboratory = Laboratory()
    _begin("the reference run")
    for lanes in (None, 1):
        baseline(laboratory, lanes)
    for case in islice(dict.fromkeys(battery(laboratory, sys.argv[1:])), _MOST):
        _begin(case)
        if play(laboratory, case).violations:
            return 1
    return 0


def _begin(what: str) -> None:
    """What goes on for ever (a loop within an activity, say) ends the process with 1."""
    print(what, flush=True)
    faulthandler.dump_traceback_later(_LONGEST, exit=True)


if __name__ == "__main__":
    sys.exit(main())
