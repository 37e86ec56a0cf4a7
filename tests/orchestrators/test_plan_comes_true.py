"""A plan comes true: in any world, what a dry run tells is what the run that follows does."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.capture import CaptureWork, Manifested
from activities.delivery import DeliveryEnd
from activities.planning import Planned, captures_planned, distribution_planned
from shared.domain.distribution import LabStock
from shared.domain.images import CustomImage, GoldenImage
from shared.domain.outcomes import Ending, Outcome
from shared.domain.report import capture_rows, pair_rows
from shared.domain.run_plan import Effect, Pace, capture_effects, captured_images, pair_effects
from shared.domain.runs import Run, Terms
from shared.domain.tickets import Kind
from shared.journal import FactoryInventory, FrozenConfiguration
from tests.domain.random_worlds import FACTORY, RandomWorld, random_worlds
from tests.domain.test_distribution_plan import FACTORY_LAB
from tests.orchestrators.world import RUN, World, play

ENDS = {
    Effect.DELIVER: Ending.DELIVERED,
    Effect.CAPTURE: Ending.CAPTURED,
    Effect.PRESENT: Ending.PRESENT,
    Effect.SKIP: Ending.SKIPPED,
    Effect.FAIL: Ending.FAILED,
}
PLANNED_BY = Run("20261123T015900Z-plan", FACTORY, "factorystorage", "app")


class FactoryWorld(World):
    """The fakes plan and act on a factory: its golden images, and the custom images of its labs."""

    def __init__(self, world: RandomWorld) -> None:
        super().__init__(labs=0)
        asked = [
            (request, stock)
            for request, stock in world.labs
            if world.selection.asks_for_lab(request.subscription, request.name)
        ]
        self.labs = len(asked)
        self.copy_time = self.image_time = timedelta(seconds=1)
        terms = Terms(3, timedelta(hours=12), timedelta(hours=2), world.versions)
        self.terms, self.selection = terms, world.selection
        self.configuration = FrozenConfiguration(
            "labs.json",
            "1",
            "sha",
            True,
            terms,
            tuple(request for request, _ in asked),
            definitions=world.definitions,
            selection=world.selection,
        )
        self.inventory = FactoryInventory(FACTORY_LAB, world.vms, world.images)
        self.stocks = [stock for _, stock in asked]
        self.made: list[GoldenImage] = []
        self.captures, self.distribution = captures_planned(self.inventory, world.selection, RUN), None

    def plan_captures_of_run(self, run: Run) -> Planned:
        self.captures = captures_planned(self.inventory, self.selection, run.id)
        self.work[Kind.CAPTURES] = self.captures.captures
        return super().plan_captures_of_run(run)

    def write_capture_manifest(self, released: CaptureWork) -> Manifested:
        written = super().write_capture_manifest(released)
        self.made.append(released.capture.golden_image(written.size_bytes, (released.capture.digest,)))
        return written

    def plan_distribution_of_run(self, run: Run) -> Planned:
        run = replace(run, factory=FACTORY)
        self.distribution = distribution_planned(self.configuration, self.inventory, self.stocks, self.made, run)
        self.work[Kind.PAIRS] = self.distribution.deliveries
        return super().plan_distribution_of_run(run)

    def settle_delivery(self, end: DeliveryEnd) -> Outcome:
        outcome = super().settle_delivery(end)
        delivery = end.work.delivery
        if outcome.state is Ending.DELIVERED:
            image = delivery.image
            delivered = CustomImage(image.name, "Succeeded", image.image_path, FACTORY, RUN, image.digest)
            self.stocks = [
                with_image(stock, delivered) if stock.lab == delivery.lab else stock for stock in self.stocks
            ]
        return outcome


def with_image(stock: LabStock, image: CustomImage) -> LabStock:
    others = (other for other in stock.images if other.name.lower() != image.name.lower())
    return replace(stock, images=(*others, image))


EndState = list[set[tuple[str, str, str, str]]]


def images(stocks: list[LabStock]) -> EndState:
    """Of each lab: its custom images by name, state, path and content."""
    return [{(i.name.lower(), str(i.state), i.image_path, i.digest) for i in stock.images} for stock in stocks]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random_worlds())
def test_what_is_planned_is_what_the_run_does_in_any_world(random_world: RandomWorld) -> None:
    world = FactoryWorld(random_world)
    captures = captures_planned(world.inventory, world.selection, PLANNED_BY.id)
    coming = captured_images(captures)
    pairs = distribution_planned(world.configuration, world.inventory, world.stocks, coming, PLANNED_BY)
    of_vms, of_pairs = capture_effects(captures, Pace()), pair_effects(pairs, Pace())
    predicted = list(world.stocks)
    for delivery in pairs.deliveries:
        image = delivery.image
        made = CustomImage(image.name, "Succeeded", image.image_path, FACTORY, RUN, image.digest)
        predicted = [with_image(stock, made) if stock.lab == delivery.lab else stock for stock in predicted]

    play(world)

    assert images(world.stocks) == images(predicted)
    ran = capture_rows(world.captures, world.outcomes[Kind.CAPTURES])
    assert [(row.vm, row.image, row.state, row.code) for row in ran] == [
        (effect.vm, effect.image, ENDS[effect.effect], effect.code) for effect in of_vms
    ]
    assert [(e.image, e.bytes) for e in of_vms if e.effect is Effect.CAPTURE] == [
        (row.image, row.bytes) for row in ran if row.state is Ending.CAPTURED
    ]
    rows = pair_rows(world.distribution, world.outcomes[Kind.PAIRS]) if world.distribution else ()
    assert [(row.lab, row.image_path, row.image, row.state, row.code) for row in rows] == [
        (effect.lab, effect.image_path, effect.image, ENDS[effect.effect], effect.code) for effect in of_pairs
    ]
    assert {i.image_path for i in world.made} == {capture.image_path for capture in captures.captures}


@given(random_worlds(), st.data())
def test_a_plan_tells_the_same_whatever_the_order_in_which_azure_lists(world: RandomWorld, data: st.DataObject) -> None:
    shuffled = replace(
        world,
        vms=tuple(data.draw(st.permutations(world.vms))),
        images=tuple(data.draw(st.permutations(world.images))),
    )
    plans = [
        (
            capture_effects(of.captures, Pace()),
            distribution_planned(of.configuration, of.inventory, of.stocks, captured_images(of.captures), PLANNED_BY),
        )
        for of in map(FactoryWorld, (world, shuffled))
    ]
    assert plans[0] == plans[1]
