"""Plan a run without starting it: look at everything, touch nothing."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from activities.configuration import configuration_now
from activities.inspection import look_at_factory, look_at_labs
from activities.planning import captures_planned, distribution_planned
from shared.domain.distribution import LabStock
from shared.domain.findings import Finding, Severity
from shared.domain.outcomes import Ending
from shared.domain.report import ConfigurationRead
from shared.domain.run_plan import (
    Pace,
    RunPlan,
    capture_effects,
    captured_images,
    counts,
    minutes,
    pair_effects,
)
from shared.domain.runs import Run, mint_run_id
from shared.domain.selection import PairName, Selection, check
from shared.errors import RejectedError
from shared.journal import FactoryInventory, FrozenConfiguration
from shared.requests import RequestError, RunParameters
from shared.settings import settings
from shared.watching import pairs_of
from shared.wire import to_json


@dataclass(frozen=True)
class World:
    """What a plan is made from, as it is now."""

    configuration: FrozenConfiguration
    factory: FactoryInventory
    stocks: tuple[LabStock, ...]


def checked(parameters: RunParameters) -> Selection:
    """The selection, once everything that it names was found; raises RequestError with all that was not.

    Nothing is looked up for a run that asks for the whole job.
    """
    selection = parameters.selection
    if not (selection.labs or selection.images or selection.retry_failed_of):
        return selection
    found: list[Finding] = []
    if selection.retry_failed_of:
        selection = _with_failed_pairs(selection)
        if not selection.pairs:
            found.append(_nothing_failed(selection.retry_failed_of))
    everything = configuration_now()
    if everything.usable:
        labs = (*everything.labs, *(aside.request for aside in everything.set_aside))
        found += check(selection, labs, everything.definitions)
    if found:
        raise RequestError(found, "SelectionNotFound")
    return selection


def _with_failed_pairs(selection: Selection) -> Selection:
    """The selection with the pairs that failed in the run that is to be retried."""
    if not selection.retry_failed_of:
        return selection
    failed = (row for row in pairs_of(selection.retry_failed_of) if row.state is Ending.FAILED)
    return replace(selection, pairs=tuple(PairName(row.subscription_id, row.lab, row.image_path) for row in failed))


def _nothing_failed(run_id: str) -> Finding:
    known = bool(pairs_of(run_id))
    code = "NothingFailed" if known else "RunNotFound"
    message = f"No pair of run {run_id} failed." if known else f"There is no run {run_id} that had planned anything."
    advice = "There is nothing to retry." if known else "GET /api/runs lists the runs."
    return Finding(Severity.ERROR, code, message, advice, "$.retryFailedOf")


def plan_now(selection: Selection, lanes: int | None = None) -> RunPlan:
    """What a run of this selection would do now. Reads only: no claim, no sweep, no grant, no journal."""
    configuration = configuration_now(selection, lanes)
    read = ConfigurationRead(configuration.etag, configuration.sha256)
    if not configuration.usable:
        return RunPlan(_plan_id(selection, configuration), False, read, counts((), ()), 0, 0, configuration.findings)
    world = look(configuration)
    run_id = mint_run_id(datetime.now(UTC), uuid4().hex)
    run = Run(run_id, settings().factory, world.factory.lab.account, settings().app)
    captures = captures_planned(world.factory, selection, run_id, configuration.terms.generalize)
    pairs = distribution_planned(configuration, world.factory, world.stocks, captured_images(captures), run)
    pace = Pace()
    of_vms, of_pairs = capture_effects(captures, pace), pair_effects(pairs, pace)
    return RunPlan(
        _plan_id(selection, configuration, world, [capture.image for capture in captures.captures]),
        True,
        read,
        counts(of_vms, of_pairs),
        sum(effect.bytes or 0 for effect in (*of_vms, *of_pairs)),
        minutes(of_vms, of_pairs, configuration.terms.lanes),
        (*configuration.findings, *world.factory.findings),
        of_vms,
        of_pairs,
    )


def look(configuration: FrozenConfiguration) -> World:
    """The world as far as this configuration needs it."""
    labs = configuration.labs if configuration.selection.distributes else ()
    return World(configuration, look_at_factory(), tuple(look_at_labs(labs)))


def hold_to(plan_id: str, selection: Selection) -> None:
    """Raise RejectedError `PlanMoved` unless a plan of this selection would be the same now."""
    if plan_now(selection).plan_id != plan_id:
        raise RejectedError(
            "PlanMoved",
            "The configuration, the parameters or the world are not those that this plan was made from; nothing was started.",
            "Plan again with the same parameters, look at what is new, and start with the new planId.",
        )


def _plan_id(
    selection: Selection, configuration: FrozenConfiguration, world: World | None = None, names: object = ()
) -> str:
    """Stands for everything that the plan was made from.

    The names of the images to capture stand for the day. How many copies run at once changes nothing of what is done.
    """
    seen = [selection, configuration.sha256, configuration.definitions, configuration.terms.versions, names]
    if world is not None:
        vms = sorted(world.factory.vms, key=lambda vm: vm.name)
        images = sorted(world.factory.images, key=lambda image: image.manifest)
        stocks = [(stock.lab, stock.problem, sorted(stock.images, key=lambda i: i.name)) for stock in world.stocks]
        seen += [world.factory.lab, vms, images, stocks]
    return hashlib.sha256(to_json(seen)).hexdigest()
