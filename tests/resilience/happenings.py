"""What happens to a run from outside: throttling, clocks, copies that stop, operators, other factories, things that vanish."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from local.azure.blob_store import BlobPath
from local.azure.in_process import played
from local.azure.resources import Json, Lab, LabVm
from local.azure.world import SYSTEM_ACCOUNT
from local.host.misbehaviour import Mischief
from shared.starting import instance_id
from tests.e2e.worlds import SUBSCRIPTION
from tests.resilience import checker
from tests.resilience.checker import Snapshot, Violation
from tests.resilience.laboratory import A_CALL, Conditions, Laboratory
from tests.resilience.reference import WANTS, reference_configuration, reference_world
from tests.resilience.trial import Aimed, Experiment, Trial, baseline, begun_activities, recover
from tests.resilience.troubles import FOR_GOOD, Storm, Trouble, Way

LEGACY_VHD = "00000001-0000-4000-8000-000000000001.vhd"
SHORT = 512 * 1024**2
"""Bytes: half of what a VHD of the reference world has."""

STORM = timedelta(minutes=10)
STALLED = timedelta(hours=3)
DEADLINE = timedelta(hours=12)
CANCELLED_WITHIN = timedelta(minutes=10)
"""The mark is met at the next poll, and polls are five minutes apart at most."""


# --- E6: throttling


def storm(trial: Trial, text: str) -> None:
    """E6: four of five calls are throttled for ten minutes. The run is patient, honours Retry-After, and ends well."""
    laboratory = trial.laboratory
    storm = Storm(random.Random(f"storm {text}"), laboratory.clock, laboratory.clock.now() + STORM)
    laboratory.troubles.storm = storm
    trial.run()
    trial.judge()
    trial.judge_state()
    sent = sum(1 for call in laboratory.log.entries if call["service"] == "arm")
    if sent > (200 + 10 * STORM.total_seconds()) * 1.05:
        trial.violations.append(Violation("throttle manners", f"{sent} calls to ARM"))
    trial.violations += [Violation("throttle manners", f"{what} was sent too early") for what in storm.impatient]
    trial.judge_repeat()


# --- E7: clocks


def clocks(trial: Trial, text: str) -> None:
    """E7: the clock jumps an hour on or back, the host sleeps for three days: the same end state. A copy of 14 hours is aborted."""
    laboratory = trial.laboratory
    what, _, place = text.partition(":")
    if what == "long":
        trial.run()
        trial.judge(is_delivered=False)
        lived = [lived for lived in checker.copies_lived(trial.evidence) if lived.length > timedelta(hours=1)]
        if len(lived) != len(LONG):
            trial.violations.append(Violation("deadline", f"{len(lived)} copies were aborted instead of {len(LONG)}"))
        for path, length in lived:
            if not DEADLINE <= length <= min(DEADLINE + timedelta(minutes=10), laboratory.lifetimes[path]):
                what = f"{path} was aborted after {length}; its address lives {laboratory.lifetimes[path]}"
                trial.violations.append(Violation("deadline", what))
        laboratory.state.merge_behave({"copy": {key: {"seconds": 60} for key in LONG}})
    elif what != "asleep":
        hour = timedelta(hours=1 if what == "on" else -1)

        def jump() -> None:
            laboratory.clock._now += hour
            trial.done += 1

        laboratory.watch.acts[int(place)] = jump
    recover(trial)
    # An activity under which the clock jumps only seems to take an hour.
    trial.violations = [violation for violation in trial.violations if what == "long" or violation.invariant != "time"]


LONG = (f"stlab3/{LEGACY_VHD}", "stfactory/vm-windows-os.vhd")


def _clock_cases(laboratory: Laboratory) -> Iterator[str]:
    yield "long"
    for place in range(0, len(baseline(laboratory).places), 20):
        yield f"on:{place}"
        yield f"back:{place}"
        yield f"asleep:{place}"


def _clock_conditions(text: str) -> Conditions:
    what, _, place = text.partition(":")
    return Conditions(kills=(int(place),), asleep=timedelta(days=3)) if what == "asleep" else Conditions()


def _clock_world(text: str) -> Json:
    world = reference_world()
    if text == "long":
        world["behave"]["copy"] = {key: {"seconds": 14 * 3600} for key in LONG}
    return world


# --- E8: copies that stop


def partial(trial: Trial, text: str) -> None:
    """E8: a copy stops on its way, or holds too little. No image comes of it; all others are delivered; the next run makes good."""
    laboratory = trial.laboratory
    target = text.partition(":")[0]
    account = target.partition("/")[0]
    trial.run()
    trial.done += 1
    trial.judge(is_delivered=False)
    missing = {violation.what for violation in checker.undelivered(trial.evidence)}
    if not missing:
        trial.violations.append(Violation("end state", "a copy that stopped was not noticed"))
    told = {row.get("code") for row in trial.rows if row["state"] == "failed"}
    if _TOLD[text.split(":")[1]] not in told:
        trial.violations.append(Violation("reason", f"the report says {told}"))
    for path, length in checker.copies_lived(trial.evidence):
        if length > STALLED:
            trial.violations.append(Violation("deadline", f"{path} stood still for {length} before it was given up"))
    lab = account.replace("stlab", "lab-")
    if lab in WANTS:
        trial.violations += [Violation("blast radius", what) for what in missing if f"'{lab}'" not in what]
    laboratory.state.merge_behave({"copy": {target: {"seconds": 60}}})
    recover(trial)


_TOLD = {"aborted": "CopyFailed", "failed": "CopyFailed", "stalled": "Stalled", "short": "CopyLength"}
"""Why a copy was given up, as the report has it."""


def _partial_cases(_: Laboratory) -> Iterator[str]:
    for target in (
        f"stlab3/{LEGACY_VHD}",
        f"stlab5/{LEGACY_VHD}",
        *(f"stfactory/vm-{os}-os.vhd" for os in ("windows", "linux")),
    ):
        for end in ("aborted", "failed"):
            for seconds in (0.01, 0.6, 30, 59.9):
                yield f"{target}:{end}:{seconds}"
        yield f"{target}:stalled:0"
        yield f"{target}:short:30"


def _partial_world(text: str) -> Json:
    target, end, seconds = text.split(":")
    world = reference_world()
    script: Json = {"length": SHORT} if end == "short" else {"statuses": [end]}
    world["behave"]["copy"] = {target: script | {"seconds": float(seconds)}}
    return world


# --- E9: the configuration changes


def reconfigured(trial: Trial, text: str) -> None:
    """E9: labs.json is replaced while a run works. The run keeps its own, the next one takes the new one, nothing is deleted."""
    laboratory = trial.laboratory
    kind, place, *again = text.split(":")
    first = _etag(laboratory)
    if again:
        # The release is delivered twice: whoever has handed the claim over finds it with the next run. Late: when all is over.
        release = [begun.name for begun in begun_activities(laboratory)].index("release_claim")
        laboratory.misbehaviour = Aimed(release, Mischief.AGAIN_LATER if again == ["late"] else Mischief.RESULT_LOST)
        laboratory.restart_host()

    was_held = False

    def upload() -> None:
        """The doorbell rings when the claim is held; else the upload starts a run of its own, which is no matter of this case."""
        nonlocal was_held
        trial.done += 1
        put = laboratory.blobs.put_text
        played(put(BlobPath(SYSTEM_ACCOUNT, "configuration", "labs.json"), _LABS[kind](), {}, {}))
        was_held = _changed_claim(laboratory)

    laboratory.watch.acts[int(place)] = upload
    trial.run()
    after = Snapshot(laboratory)
    reports = sorted(path.split("/")[-2] for path in after.blobs if path.endswith("/report.json"))
    etags = [(after.document(run, "report.json") or {}).get("configuration", {}).get("etag", "") for run in reports]
    # One that cannot be used, or would take everything from everybody, is seen and not followed: the last good one is.
    followed = first if kind in ("invalid", "empty") else _etag(laboratory)
    if len(etags) > 2 or (len(etags) == 2 and etags != [first, followed]):
        trial.violations.append(Violation("configuration", f"{len(reports)} runs used {etags}"))
    if was_held and after.claim().get("seenEtag") != _etag(laboratory):
        trial.violations.append(Violation("configuration", "an upload was lost"))
    evidence = trial.evidence
    # What a dead run left in a lab that is asked for no more stays until it is asked for again: nobody looks there.
    trial.violations += _left_behind_anew(trial)
    trial.violations += (
        checker.golden_images_stay(evidence) + checker.others_things(evidence) + checker.whole_images(evidence)
    )
    trial.last = reports[-1]
    laboratory.upload("labs.json", reference_configuration()["labs.json"])
    recover(trial)


def _left_behind_anew(trial: Trial) -> list[Violation]:
    """Without what an earlier run, a dead one, left."""
    left = checker.left_behind(trial.evidence)
    return [violation for violation in left if violation.what.split()[0] not in trial.before.blobs]


def _changed_claim(laboratory: Laboratory, **marks: bool) -> bool:
    """Write the claim anew, as the doorbell and a cancel do; False when nobody holds it."""
    claim = Snapshot(laboratory).claim()
    if claim.get("state") != "held":
        return False
    data = json.dumps(claim | marks).encode()
    played(laboratory.blobs.put_text(BlobPath("stfactory", "imagefactory", "active-run"), data, {}, {}))
    return True


def _etag(laboratory: Laboratory) -> str:
    return Snapshot(laboratory).blobs[f"{SYSTEM_ACCOUNT}/configuration/labs.json"].etag


def _labs(*entries: Json) -> bytes:
    return json.dumps({"Labs": entries}).encode()


def _entry(lab: str, *paths: str) -> Json:
    return {"SubscriptionId": SUBSCRIPTION, "LabName": lab, "ImagePaths": list(paths)}


_LABS: dict[str, Callable[[], bytes]] = {
    "fewer": lambda: _labs(_entry("lab-1", "Win2022")),
    "invalid": lambda: b'{"Labs": [',
    "empty": _labs,
    "larger": lambda: _labs(
        *(_entry(lab, *paths) for lab, paths in WANTS.items()), *(_entry(f"lab-none-{n}", "Linux") for n in range(45))
    ),
}


def _reconfigured_cases(laboratory: Laboratory) -> Iterator[str]:
    places = baseline(laboratory).places
    releasing = places.index("before release_claim")
    for number, place in enumerate(places):
        if place.endswith(" factory_run") or number >= releasing:
            for kind in _LABS:
                yield f"{kind}:{number}"
        if place == "before-episode factory_run":
            yield f"fewer:{number}:again"
        if number >= releasing:
            yield f"fewer:{number}:late"


# --- E10: two at once


def at_once(trial: Trial, text: str) -> None:
    """E10: a second host starts a run while the first works: as another app it is refused, as the same one it takes over."""
    laboratory = trial.laboratory
    who, _, place = text.partition(":")
    second = laboratory.begin_second("another-app" if who == "other" else "laboratory")

    def begin() -> None:
        trial.done += 1
        laboratory.start(after=trial.last, hub=second)
        if who == "slow":
            # Whoever is about to call Azure does so nearly two minutes later, and knows nothing of the second run.
            laboratory.sleep(110)

    laboratory.watch.acts[int(place)] = begin
    # Few lanes: the first run still has copies to begin when the second one has waited for its last activities.
    trial.run(lanes=_FEW_LANES)
    instance = second.find(instance_id())
    if trial.done and (instance is None or instance.status != "Completed"):
        trial.violations.append(Violation("ends", f"the second run is {instance.status if instance else 'not there'}"))
    laboratory.second = None
    evidence = trial.evidence
    trial.violations += checker.single_writers(evidence) + checker.left_behind(evidence)
    trial.violations += checker.reported_once(evidence, trial.last)
    if who == "other" and len(laboratory.copies) > len(evidence.expected.pairs) + 2:
        trial.violations.append(Violation("I8", f"{len(laboratory.copies)} copies, though only one app may work"))
    recover(trial)


_FEW_LANES = 2


def _at_once_cases(laboratory: Laboratory) -> Iterator[str]:
    for place in range(0, len(baseline(laboratory, _FEW_LANES).places), 3):
        yield f"other:{place}"
        yield f"same:{place}"
    yield from (f"slow:{place}" for place in _calls(laboratory, _FEW_LANES)[::3])


def _calls(laboratory: Laboratory, lanes: int | None = None) -> list[int]:
    """The places before calls to Azure."""
    return [number for number, place in enumerate(baseline(laboratory, lanes).places) if A_CALL in place]


# --- E11: things vanish


def vanished(trial: Trial, text: str) -> None:
    """E11: a lab, an account, a VM is gone or refuses while the run works. Its pairs are reported, the others delivered.

    Or an orchestration is ended by force: the second round does what it leaves.
    """
    laboratory = trial.laboratory
    what, _, place = text.partition(":")
    do, undo = _VANISHING[what]

    def happen() -> None:
        trial.done += 1
        do(laboratory)

    laboratory.watch.acts[int(place)] = happen
    trial.run()
    trial.judge(is_clean=what not in ("account", "locked"), is_delivered=False)
    others = [violation.what for violation in checker.undelivered(trial.evidence) if "'lab-2'" not in violation.what]
    if what != "vm":
        trial.violations += [Violation("blast radius", what) for what in others]
    undo(laboratory)
    recover(trial)


def _lab_two(laboratory: Laboratory) -> Any:
    return laboratory.state.labs.get(SUBSCRIPTION, "rg-lab-2/lab-2")


def _delete_lab(laboratory: Laboratory) -> None:
    laboratory.state.labs.delete(SUBSCRIPTION, "rg-lab-2/lab-2")


def _restore_lab(laboratory: Laboratory) -> None:
    """An account of its own and nothing else, as it was at the beginning."""
    lab = Lab(SUBSCRIPTION, "rg-lab-2", "lab-2", "westeurope", "stlab2")
    laboratory.state.labs.put(SUBSCRIPTION, "rg-lab-2/lab-2", lab)


def _deny(denied: bool) -> Callable[[Laboratory], None]:
    def act(laboratory: Laboratory) -> None:
        account = laboratory.state.accounts.get("", "stlab2")
        assert account is not None
        laboratory.state.accounts.put("", "stlab2", replace(account, denied=denied))

    return act


def _lock(denied: bool) -> Callable[[Laboratory], None]:
    def act(laboratory: Laboratory) -> None:
        laboratory.state.labs.put(SUBSCRIPTION, "rg-lab-2/lab-2", replace(_lab_two(laboratory), denied=denied))

    return act


def _quota(state: str) -> Callable[[Laboratory], None]:
    return lambda laboratory: laboratory.state.merge_behave(
        {"deploy": {"lab-2/*": {"state": state, "code": "QuotaExceeded", "message": "Out of quota."}}}
    )


def _start_vm(power: str) -> Callable[[Laboratory], None]:
    """An operator starts the golden VM (or stops it again): its disk cannot be exported meanwhile."""

    def act(laboratory: Laboratory) -> None:
        vm = next(vm for vm in laboratory.state.compute_vms.all() if vm.name == "vm-windows")
        statuses = tuple(
            replace(status, code=f"PowerState/{power}") if "PowerState" in status.code else status
            for status in vm.statuses
        )
        laboratory.state.compute_vms.put(vm.subscription, f"{vm.rg}/{vm.name}", replace(vm, statuses=statuses))

    return act


def _end(name: str) -> Callable[[Laboratory], None]:
    """An operator ends one of the run's orchestrations, the first that works."""

    def act(laboratory: Laboratory) -> None:
        working = [each.id for each in laboratory.hub.all() if each.name == name and not each.ended]
        for instance in working[:1]:
            laboratory.hub.terminate(instance, "enough")

    return act


def _leave(_: Laboratory) -> None:
    """Nothing is to be undone."""


_VANISHING: dict[str, tuple[Callable[[Laboratory], None], Callable[[Laboratory], None]]] = {
    "lab": (_delete_lab, _restore_lab),
    "account": (_deny(True), _deny(False)),
    "locked": (_lock(True), _lock(False)),
    "quota": (_quota("Failed"), _quota("Succeeded")),
    "vm": (_start_vm("running"), _start_vm("deallocated")),
    "lane": (_end("lane_of_work"), _leave),
    "work": (_end("deliver"), _leave),
}


def _vanished_cases(laboratory: Laboratory) -> Iterator[str]:
    for place in range(0, len(baseline(laboratory).places), 25):
        for what in _VANISHING:
            yield f"{what}:{place}"


# --- E12: again


def again(trial: Trial, text: str) -> None:
    """E12: a run right after a good one writes nothing; nor does the one after an hour."""
    trial.run(lanes=1 if text == "one-lane" else None)
    trial.judge_state()
    trial.violations += _out_of_time(trial)
    trial.judge()
    trial.judge_repeat()
    trial.laboratory.pass_by(3600)
    trial.judge_repeat()


def _out_of_time(trial: Trial) -> Iterator[Violation]:
    """Work ends while its run is at work: one clock tells both here."""
    for row in trial.rows:
        times = [trial.report["startedAt"], row.get("endedAt") or trial.report["endedAt"], trial.report["endedAt"]]
        if (moments := [datetime.fromisoformat(time) for time in times]) != sorted(moments):
            yield Violation("I4", f"{row} has ended at another time than between {times[0]} and {times[2]}")


# --- E15: secrets


def told(trial: Trial, text: str) -> None:
    """E15: Azure's message of a failure, or a bug's, holds a signed address and a token. (Each case looks for secrets.)"""
    laboratory = trial.laboratory
    secret = f"See https://st.blob.core.windows.net/c/b?sv=2024-11-04&sig={_SIGNATURE} and Bearer {_TOKEN}."
    what, _, place = text.partition(":")

    def blunder() -> None:
        trial.done += 1
        raise ValueError(secret)

    if what == "bug":
        laboratory.watch.acts[int(place)] = blunder
    else:
        laboratory.troubles.planned, laboratory.troubles.tells = [Trouble.parse(text)], secret
    laboratory.secrets |= {_SIGNATURE, _TOKEN}
    trial.run()
    trial.judge(is_clean=False, is_delivered=False, is_reported=False)
    if what == "bug":
        trial.violations = [violation for violation in trial.violations if violation.invariant != "bug"]


_SIGNATURE = "Q0FOQVJZQ0FOQVJZQ0FOQVJZQ0FOQVJZQ0FOQVJZQ0E%3D"
_TOKEN = ".".join(("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9", "eyJhdWQiOiJjYW5hcnkifQ", "Y2FuYXJ5Y2FuYXJ5"))


def _told_cases(laboratory: Laboratory) -> Iterator[str]:
    for call in range(1, len(baseline(laboratory).calls), 3):
        yield str(Trouble(call, Way.FORBIDDEN, FOR_GOOD))
        yield str(Trouble(call, Way.BROKEN, FOR_GOOD))
    yield from (f"bug:{number}" for number in _calls(laboratory)[::10])


# --- E17: an operator


def operated(trial: Trial, text: str) -> None:
    """E17: an operator does what operators do, at random: runs, ends runs by force, deletes images, edits the configuration."""
    laboratory, drawn = trial.laboratory, random.Random(f"operator {text}")
    for _ in range(5):
        trial.done += 1
        deed = drawn.choice(("run", "terminate", "delete", "edit", "trouble", "kill"))
        laboratory.tell("start", f"the operator's deed: {deed}")
        if deed == "terminate":
            place = len(laboratory.watch.places) + drawn.randrange(1200)
            laboratory.watch.acts[place] = lambda: laboratory.hub.terminate(instance_id(), "enough")
        elif deed == "kill":
            laboratory.watch.kill_at(len(laboratory.watch.places) + drawn.randrange(1200))
        elif deed == "trouble":
            call = len(laboratory.troubles.calls) + drawn.randrange(500)
            laboratory.troubles.planned = [Trouble(call, drawn.choice(list(Way)), drawn.choice((1, 2, 3)))]
        elif deed == "delete":
            ours = [image for key, image in Snapshot(laboratory).images.items() if key not in trial.before.images]
            if ours:
                laboratory.delete_image(drawn.choice(ours))
        elif deed == "edit":
            laboratory.upload("labs.json", _LABS[drawn.choice(list(_LABS))]())
        trial.last = laboratory.start(after=trial.last)
        laboratory.go_on(until=trial.has_ended)
    laboratory.watch.leave_alone()
    laboratory.go_on()
    laboratory.upload("labs.json", reference_configuration()["labs.json"])
    recover(trial)


def _seeds(_: Laboratory) -> Iterator[str]:
    return (str(seed) for seed in range(10**9))


# --- E18: a cancel


def cancelled(trial: Trial, text: str) -> None:
    """E18: a run is cancelled at any moment. It begins nothing more, ends soon, leaves nothing; the next run does the rest."""
    laboratory = trial.laboratory
    marked: datetime | None = None
    done = 0

    def cancel() -> None:
        nonlocal marked, done
        if _changed_claim(laboratory, cancelled=True):
            trial.done += 1
            marked, done = laboratory.clock.now(), len(laboratory.log.entries)

    laboratory.watch.acts[int(text)] = cancel
    trial.run()
    trial.judge(is_clean=False, is_delivered=False)
    trial.violations += _left_behind_anew(trial)
    state = trial.report.get("state")
    if state not in ("Succeeded", "Cancelled") or (state == "Cancelled") > trial.done:
        trial.violations.append(Violation("cancel", f"the run is {state}"))
    failed = [row for row in trial.rows if row["state"] == "failed"]
    trial.violations += [Violation("cancel", f"reported as failed: {row}") for row in failed]
    if marked:
        took = laboratory.clock.now() - marked
        if took > CANCELLED_WITHIN:
            trial.violations.append(Violation("cancel", f"the run went on for {took}"))
        # An activity that had passed the fence begins what it was about to begin, an export and its copy, and takes it back.
        in_flight = A_CALL in laboratory.watch.places[int(text)]
        begun = list(_begun(laboratory.log.entries[done:]))[2 * in_flight :]
        trial.violations += [Violation("cancel", f"begun after it: {what}") for what in begun]
    recover(trial)


def _begun(log: list[Json]) -> Iterator[str]:
    """What a run begins: copies, exports, custom images, changes of a VM."""
    for call in log:
        is_arms = call["service"] == "arm" and call["effect"] in ("grant", "create", "update")
        if call["caller"] == "app" and (is_arms or call["effect"] == "copy"):
            yield f"{call['method']} {call['path']}"


def _cancelled_cases(laboratory: Laboratory) -> Iterator[str]:
    return (str(place) for place in range(0, 3 * len(baseline(laboratory).places) // 2, 6))


def _slow_world(_: str) -> Json:
    """Copies take half an hour, so that a run which goes on is seen. It has half as many places again."""
    world = reference_world()
    world["behave"]["copySeconds"] = 1800
    return world


# --- E19: all is ended by force


def abandoned(trial: Trial, text: str) -> None:
    """E19: all of a run is ended by force, and its golden VMs are gone before the next one: that one leaves nothing of it."""
    laboratory = trial.laboratory
    machines = laboratory.state.lab_vms
    gone: list[LabVm] = []

    def abandon() -> None:
        trial.done += 1
        for instance in laboratory.hub.all():
            if not instance.ended:
                laboratory.hub.terminate(instance.id, "enough")
        gone.extend(machines.all())
        for vm in gone:
            machines.delete(vm.lab_id, vm.name)

    laboratory.watch.acts[int(text)] = abandon
    trial.last = laboratory.start()
    laboratory.go_on()
    trial.run()
    trial.judge(is_delivered=False)
    for vm in gone:
        machines.put(vm.lab_id, vm.name, vm)
    recover(trial)


def _abandoned_cases(laboratory: Laboratory) -> Iterator[str]:
    return (str(place) for place in range(0, len(baseline(laboratory).places), 5))


HAPPENINGS = (
    Experiment("E6", "a throttling storm", storm, _seeds, lambda text: Conditions(seed=int(text)), True),
    Experiment("E7", "clocks jump, hosts sleep, copies last", clocks, _clock_cases, _clock_conditions, False, _clock_world),
    Experiment("E8", "copies stop on their way", partial, _partial_cases, world=_partial_world),
    Experiment("E9", "the configuration changes mid-run", reconfigured, _reconfigured_cases),
    Experiment("E10", "two hosts at once", at_once, _at_once_cases, lambda _: Conditions(mixes=True)),
    Experiment("E11", "labs, accounts, VMs vanish mid-run", vanished, _vanished_cases),
    Experiment("E12", "run again right after success", again, lambda _: iter(["reference", "one-lane"])),
    Experiment("E15", "Azure tells secrets", told, _told_cases),
    Experiment("E17", "a random operator", operated, _seeds, lambda text: Conditions(seed=int(text), mixes=True), True),
    Experiment("E18", "a run is cancelled", cancelled, _cancelled_cases, world=_slow_world),
    Experiment("E19", "a run is ended by force", abandoned, _abandoned_cases),
)  # fmt: skip
