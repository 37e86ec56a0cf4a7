"""Make the plans: pure decisions over what the inspections recorded, stored before anything is done."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.azure.vhds import Vhds
from shared.domain.capture import Capture, CapturePlan, plan_captures
from shared.domain.distribution import DistributionPlan, LabStock, Order, plan_distribution
from shared.domain.generalizing import Generalize
from shared.domain.images import GoldenImage
from shared.domain.manifest import read_manifest
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import Run
from shared.domain.selection import Selection, selected_pairs, selected_vms
from shared.domain.tickets import Kind
from shared.journal import (
    CAPTURE_PLAN,
    DISTRIBUTION_PLAN,
    FactoryInventory,
    FrozenConfiguration,
    Journal,
    fence,
)
from shared.side_by_side import side_by_side


@dataclass(frozen=True)
class Planned:
    """How much is to be done, and how much is decided without work."""

    work: int
    decided: int


def plan_captures_of_run(run: Run) -> Planned:
    """Decide what happens to every VM of the factory lab and record it. Repeat-safe: a recorded plan stays."""
    fence(run, begins=True)
    journal = Journal(run.id)
    if not journal.has(CAPTURE_PLAN):
        inventory = journal.read("factory.json", FactoryInventory)
        configuration = journal.read("configuration.json", FrozenConfiguration)
        policy = configuration.terms.generalize
        journal.write(CAPTURE_PLAN, captures_planned(inventory, configuration.selection, run.id, policy))
    plan = journal.read(CAPTURE_PLAN, CapturePlan)
    return Planned(len(plan.captures), len(plan.decided))


def plan_distribution_of_run(run: Run) -> Planned:
    """Pair every lab with the images that it asks for and record it. Repeat-safe: a recorded plan stays."""
    fence(run, begins=True)
    journal = Journal(run.id)
    if not journal.has(DISTRIBUTION_PLAN):
        journal.write(DISTRIBUTION_PLAN, _distribution(run, journal))
    plan = journal.read(DISTRIBUTION_PLAN, DistributionPlan)
    return Planned(len(plan.deliveries), len(plan.pairs) - len(plan.deliveries))


def captures_planned(
    inventory: FactoryInventory, selection: Selection, run_id: str, policy: Generalize = Generalize.NEVER
) -> CapturePlan:
    """Which VMs a run of this id captures."""
    if not selection.captures:
        return CapturePlan()
    return plan_captures(selected_vms(inventory.vms, selection), inventory.images, run_id, policy)


def distribution_planned(
    configuration: FrozenConfiguration,
    inventory: FactoryInventory,
    stocks: Iterable[LabStock],
    captured: Iterable[GoldenImage],
    run: Run,
) -> DistributionPlan:
    """Which images a run delivers to which labs, once it has made those that are `captured`."""
    if not configuration.selection.distributes:
        return DistributionPlan()
    aside = [
        (lab.request, LabStock(problem=Outcome(Ending.FAILED, lab.code, lab.message, lab.next)))
        for lab in configuration.set_aside
    ]
    order = Order(run.id, run.factory, inventory.lab, configuration.terms.versions, configuration.sha256)
    labs = [*zip(configuration.labs, stocks, strict=True), *aside]
    plan = plan_distribution(order, labs, (*inventory.images, *captured), configuration.definitions)
    return selected_pairs(plan, configuration.selection)


def _distribution(run: Run, journal: Journal) -> DistributionPlan:
    configuration = journal.read("configuration.json", FrozenConfiguration)
    inventory = journal.read("factory.json", FactoryInventory)
    stocks = journal.read_all([f"labs/{index}.json" for index in range(len(configuration.labs))], LabStock)
    return distribution_planned(configuration, inventory, stocks, _captured(run, journal), run)


def _captured(run: Run, journal: Journal) -> list[GoldenImage]:
    """The golden images that this run has just made, as their manifests tell."""
    lengths = {key: o.bytes for key, o in journal.outcomes(Kind.CAPTURES) if o.state is Ending.CAPTURED}
    captures = journal.read(CAPTURE_PLAN, CapturePlan).captures if lengths else ()
    vhds = Vhds(run.account)

    def read(capture: Capture) -> GoldenImage:
        manifest = vhds.get(capture.manifest)
        image, _ = read_manifest(manifest.data, manifest.name, manifest.modified)
        return replace(image, size_bytes=lengths[capture.key])

    return side_by_side(read, [capture for capture in captures if capture.key in lengths])
