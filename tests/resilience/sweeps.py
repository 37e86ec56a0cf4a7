"""The sweeps: every call fails in every way, the host dies everywhere, every activity comes again; and at random."""

import random
from collections.abc import Iterator

from local.azure.resources import Json
from local.host.misbehaviour import Mischief
from tests.resilience import checker
from tests.resilience.checker import Violation
from tests.resilience.laboratory import Conditions, Laboratory
from tests.resilience.reference import expected_pairs, reference_world
from tests.resilience.trial import Aimed, Experiment, Trial, baseline, begun_activities, recover
from tests.resilience.troubles import FOR_GOOD, TRANSIENT, Trouble, Way


def one_fault(trial: Trial, text: str) -> None:
    """E1: a call fails once, or twice, so that the SDK's own retry does not hide it. What is transient changes nothing."""
    trouble = Trouble.parse(text)
    trial.laboratory.troubles.planned = [trouble]
    trial.run()
    is_transient = trouble.way in TRANSIENT
    trial.judge(is_clean=is_transient, is_delivered=is_transient)
    if is_transient:
        trial.judge_state()
    recover(trial)


def for_good(trial: Trial, text: str) -> None:
    """E2: a call fails for good. Only what it is about is touched, and the next run makes good."""
    trouble = Trouble.parse(text)
    laboratory = trial.laboratory
    laboratory.troubles.planned = [trouble]
    trial.run()
    trial.judge(
        is_clean=False, is_delivered=False, is_reported=not _is_about_books(laboratory.troubles.calls[trouble.call])
    )
    if lab := _only_lab(laboratory.troubles.calls[trouble.call]):
        # An outcome is recorded before anything is cleaned up: what cannot be cleaned up costs no delivery.
        unsettled = [row for row in trial.rows if row.get("code") == "Unfinished"]
        trial.violations += [Violation("settling", f"it has no outcome of its own: {row}") for row in unsettled]
        missing = [violation.what for violation in checker.undelivered(trial.evidence)]
        touched = [what for what in missing if f"'{lab}'" not in what]
        trial.violations += [Violation("blast radius", f"{what}, but only {lab} was in trouble") for what in touched]
    recover(trial)


def _is_about_books(call: str) -> bool:
    """Claim, journal, or the token without which neither can be reached."""
    return any(f"{book}" in f"{call}/" for book in (*checker.BOOKS, "/msi/token"))


def _only_lab(call: str) -> str:
    """The lab that a call is about; empty when it is about more."""
    for lab, _ in expected_pairs():
        if f"/{lab}/" in f"{call}/" or f"/st{lab.replace('-', '')}/" in call:
            return lab
    return ""


def killed(trial: Trial, _: str) -> None:
    """E3: the host dies somewhere and goes on from its history: the same end state, and no run after it that nobody asked for."""
    trial.run()
    reports = [path for path in trial.evidence.after.blobs if path.endswith("/report.json")]
    if len(reports) > 1:
        trial.violations.append(Violation("configuration", f"{len(reports)} runs came of one start"))
    trial.judge()
    trial.judge_state()
    trial.judge_repeat()


def twice(trial: Trial, text: str) -> None:
    """E4: an activity is delivered again: at once, interleaved, or six minutes later.

    Then the next run is at work, or none (`alone`), or the same one still, with one lane (`slow`).
    """
    number, mischief, *how = text.split(":")
    trial.laboratory.misbehaviour = Aimed(int(number), Mischief[mischief])
    trial.laboratory.restart_host()
    trial.done += 1
    trial.run(is_awaited=how == ["slow"], lanes=1 if how == ["slow"] else None)
    if how == ["alone"]:
        done = len(list(trial.evidence.effects()))
        trial.laboratory.go_on()
        late = list(trial.evidence.effects())[done:]
        trial.violations += [
            Violation("fence", f"a run that is over did {call['method']} {call['path']}") for call in late
        ]
    trial.judge_state()
    if how:
        trial.judge()
    trial.run()
    trial.judge()
    trial.judge_state()
    trial.judge_repeat()


def stood_still(trial: Trial, text: str) -> None:
    """E21: an activity is delivered twice, and the second one stands still before one of its calls, for nearly two minutes.

    Meanwhile the run goes on without it. What it begins too late it takes back, also where the run's own copy has failed. Or it
    stands still until the copies have just ended (`copied`).
    """
    laboratory = trial.laboratory
    number, call, *how = text.split(":")
    begun = begun_activities(laboratory)[int(number)]
    laboratory.misbehaviour = Aimed(int(number), Mischief.TWICE_AT_ONCE)
    laboratory.restart_host()

    def stand_still() -> None:
        trial.done += 1
        laboratory.sleep(65 if how == ["copied"] else 110)

    # The second one begins where the first has ended.
    laboratory.watch.acts[begun.last + 1 + int(call)] = stand_still
    trial.run()
    trial.judge(is_delivered=how != ["failing"])
    laboratory.state.merge_behave({"copy": {disk: {"seconds": 60} for disk in _CAPTURED}})
    recover(trial)


_CAPTURED = ("stfactory/vm-windows-os.vhd", "stfactory/vm-linux-os.vhd")


def at_random(trial: Trial, text: str) -> None:
    """E5: two faults, sometimes a kill, a host that misbehaves, threads in any order."""
    seed = int(text)
    planned = random.Random(f"troubles {seed}")
    ways = list(Way)
    count = len(baseline(trial.laboratory).calls)
    troubles = [
        Trouble(planned.randrange(count), planned.choice(ways), planned.choice((1, 1, 2, 3, FOR_GOOD)))
        for _ in range(2)
    ]
    trial.laboratory.troubles.planned = troubles
    trial.run()
    is_lasting = any(trouble.times == FOR_GOOD for trouble in troubles)
    is_transient = all(trouble.way in TRANSIENT and trouble.times != FOR_GOOD for trouble in troubles)
    trial.judge(is_clean=False, is_delivered=False, is_reported=not is_lasting)
    if is_transient:
        trial.judge(is_delivered=False)
    recover(trial)


def _faults(laboratory: Laboratory) -> Iterator[str]:
    for call in range(len(baseline(laboratory).calls)):
        for way in Way:
            yield str(Trouble(call, way))
        yield str(Trouble(call, Way.BUSY, 2))
        yield str(Trouble(call, Way.TIMEOUT_AFTER, 2))


def _for_good(laboratory: Laboratory) -> Iterator[str]:
    for call in range(len(baseline(laboratory).calls)):
        yield str(Trouble(call, Way.FORBIDDEN, FOR_GOOD))
        yield str(Trouble(call, Way.BROKEN, FOR_GOOD))


def _places(laboratory: Laboratory) -> Iterator[str]:
    return (str(number) for number in range(len(baseline(laboratory).places)))


def _activities(laboratory: Laboratory) -> Iterator[str]:
    for number in range(len(begun_activities(laboratory))):
        for mischief in (Mischief.TWICE_AT_ONCE, Mischief.AGAIN_LATER, Mischief.RESULT_LOST, Mischief.WORKER_DIED):
            yield f"{number}:{mischief.name}"
        yield f"{number}:{Mischief.AGAIN_LATER.name}:alone"
    for number in range(len(begun_activities(laboratory, 1))):
        yield f"{number}:{Mischief.AGAIN_LATER.name}:slow"


def still_cases(laboratory: Laboratory, activity: str = "") -> Iterator[str]:
    """Those of all activities, or of some."""
    for number, begun in enumerate(begun_activities(laboratory)):
        if activity not in ("", begun.name):
            continue
        for call, _ in enumerate(begun.calls, 1):
            yield f"{number}:{call}"
            if begun.name in ("begin_copy", "begin_capture_copy"):
                yield f"{number}:{call}:copied"
            if begun.name == "begin_capture_copy":
                yield f"{number}:{call}:failing"


def _failing_world(text: str) -> Json:
    world = reference_world()
    if text.endswith(":failing"):
        world["behave"]["copy"] = {disk: {"statuses": ["failed"], "seconds": 0.01} for disk in _CAPTURED}
    return world


def _seeds(_: Laboratory) -> Iterator[str]:
    return (str(seed) for seed in range(10**9))


def _random_conditions(text: str) -> Conditions:
    drawn = random.Random(f"conditions {text}")
    kills = (drawn.randrange(1400),) if drawn.random() < 0.4 else ()
    return Conditions(seed=int(text), mixes=True, misbehaves=True, kills=kills)


SWEEPS = (
    Experiment("E1", "each call fails once", one_fault, _faults),
    Experiment("E2", "each call fails for good", for_good, _for_good),
    Experiment("E3", "the host dies at each place", killed, _places, lambda text: Conditions(kills=(int(text),))),
    Experiment("E4", "each activity is delivered again", twice, _activities, lambda _: Conditions(mixes=True)),
    Experiment("E5", "random double faults, kills, misbehaviour", at_random, _seeds, _random_conditions, True),
    Experiment("E21", "a repeat stands still", stood_still, still_cases, world=_failing_world),
)
