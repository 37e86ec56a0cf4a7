"""A delivery's activities: each safe to repeat, none with an effect once the fence has closed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from activities import delivery as module
from activities.delivery import (
    DeliveryEnd,
    DeliveryWork,
    begin_copy,
    begin_custom_image,
    begin_image_removal,
    copy_pending,
    custom_image_pending,
    image_removal_pending,
    settle_delivery,
)
from activities.inspection import Chunk, LabIndex, find_resource_groups, inspect_factory, inspect_lab
from activities.marks import COPY
from local.azure import Control
from shared.azure.labs import get_lab
from shared.azure.vhds import Vhds
from shared.domain.distribution import Delivery
from shared.domain.labs import LabId
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import Run, Terms
from shared.domain.tickets import Kind
from shared.errors import PermanentError, RejectedError
from shared.journal import FactoryInventory, Journal, ReadClaim, read_claim, write_claim
from shared.settings import settings
from tests.activities.conftest import configured, effects, lose_claim, started, upload
from tests.activities.interleaving import just_before
from tests.e2e.worlds import SUBSCRIPTION, World, asks, labs_json

pytestmark = pytest.mark.slow

TERMS = Terms(20, timedelta(hours=1), timedelta(hours=1), 1)
NAME = "Win2016_Datacenter-Nov-1-2026"
Give = Callable[[World], Control]


def world(**behave: object) -> World:
    given = World().lab("lab-a").golden_image("Win2016\\Datacenter.json", NAME, 1)
    given.behave |= behave
    return given


def work(control: Control, **changes: object) -> DeliveryWork:
    """The delivery of the world's golden image to lab-a, by a run that holds the claim."""
    run = started()
    upload(control, "labs.json", labs_json(asks("lab-a", "Win2016")))
    configured(run)
    inspect_factory(run)
    [image] = Journal(run.id).read("factory.json", FactoryInventory).images
    lab = get_lab(LabId(SUBSCRIPTION, "rg-lab-a", "lab-a"))
    control.clear_operations()
    return DeliveryWork(run, Delivery(run.id, lab, image, "sha", **changes), TERMS)  # type: ignore[arg-type]


def finish(control: Control, work: DeliveryWork) -> None:
    copy = begin_copy(work)
    control.advance(60)
    assert not copy_pending(copy).pending


def copies(work: DeliveryWork) -> list[str]:
    return [blob.name for blob in Vhds(work.delivery.lab.account).list() if blob.metadata.get("kind") == COPY]


def test_a_delivery_makes_the_image_and_leaves_no_copy(given: Give) -> None:
    control = given(world())
    delivery = work(control)
    finish(control, delivery)
    creation = begin_custom_image(delivery)
    assert custom_image_pending(creation).pending
    control.advance(60)
    assert not custom_image_pending(creation).pending
    outcome = settle_delivery(DeliveryEnd(delivery, Outcome(Ending.DELIVERED)))
    assert outcome.state is Ending.DELIVERED
    assert copies(delivery) == []
    kinds = [effect for effect, _ in effects(control)]
    assert kinds.count("copy") == 1
    assert kinds.count("grant") == 1, "one user delegation key"
    assert kinds.count("delete") == 1


def test_a_copy_under_way_is_adopted_and_not_started_again(given: Give) -> None:
    control = given(world(copySeconds=600))
    delivery = work(control)
    first, second = begin_copy(delivery), begin_copy(delivery)
    assert first == second
    assert [effect for effect, _ in effects(control)].count("copy") == 1
    assert copy_pending(second).pending


def test_an_image_of_this_run_is_adopted(given: Give) -> None:
    control = given(world())
    delivery = work(control)
    finish(control, delivery)
    begin_custom_image(delivery)
    assert begin_custom_image(delivery).operation.name == ""
    assert [path for effect, path in effects(control) if effect == "create" and "customimages" in path.lower()] != []


def test_a_delivery_of_a_run_that_lost_the_claim_does_nothing(given: Give) -> None:
    control = given(world())
    delivery = work(control)
    lose_claim(delivery.run)
    control.clear_operations()
    for late in (begin_copy, begin_custom_image, begin_image_removal):
        with pytest.raises(PermanentError, match="does not hold the claim"):
            late(delivery)
    with pytest.raises(PermanentError):
        settle_delivery(DeliveryEnd(delivery, Outcome(Ending.DELIVERED)))
    assert effects(control) == []


def test_a_late_copy_finds_the_outcome_and_does_nothing(given: Give) -> None:
    control = given(world())
    delivery = work(control)
    settle_delivery(DeliveryEnd(delivery, Outcome(Ending.FAILED, "Overdue")))
    control.clear_operations()
    with pytest.raises(PermanentError, match="has ended"):
        begin_copy(delivery)
    assert effects(control) == []


@pytest.mark.parametrize("closes", ["claim", "outcome"])
def test_a_copy_begun_while_the_fence_closes_is_taken_back(
    given: Give, monkeypatch: pytest.MonkeyPatch, closes: str
) -> None:
    control = given(world(copySeconds=600))
    delivery = work(control)
    fence, looks = module.fence, []

    def closing(run: Run, *what: object) -> None:
        looks.append(run)
        if len(looks) == 2 and closes == "claim":
            lose_claim(run)
        if len(looks) == 2 and closes == "outcome":
            Journal(run.id).settle(Kind.PAIRS, delivery.delivery.key, Outcome(Ending.FAILED, "Overdue"))
        fence(run, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "fence", closing)
    with pytest.raises(PermanentError, match="nothing was done"):
        begin_copy(delivery)
    assert copies(delivery) == []


@pytest.mark.parametrize("closes", ["claim", "outcome"])
def test_a_copy_whose_start_was_not_answered_is_taken_back_too(
    given: Give, monkeypatch: pytest.MonkeyPatch, closes: str
) -> None:
    control = given(world(copySeconds=600))
    delivery = work(control)
    control.fault(f"PUT .*{delivery.delivery.vhd}", times=2, when="after", status=500)

    def close() -> None:
        if closes == "claim":
            lose_claim(delivery.run)
        else:
            settle_delivery(DeliveryEnd(delivery, Outcome(Ending.FAILED, "Overdue")))

    just_before(monkeypatch, Vhds, "begin_copy", close)
    with pytest.raises(PermanentError, match="nothing was done"):
        begin_copy(delivery)
    assert copies(delivery) == []


def test_the_first_outcome_wins_and_a_repeat_finishes_the_removal(given: Give) -> None:
    control = given(world())
    delivery = work(control)
    finish(control, delivery)
    Journal(delivery.run.id).settle(Kind.PAIRS, delivery.delivery.key, Outcome(Ending.FAILED, "First", "said first"))
    assert len(copies(delivery)) == 1, "the settle was killed before it removed the copy"
    outcome = settle_delivery(DeliveryEnd(delivery, Outcome(Ending.DELIVERED)))
    assert (outcome.code, outcome.message) == ("First", "said first")
    assert copies(delivery) == []


def test_a_copy_that_an_image_creation_reads_is_kept_and_swept_by_a_later_run(given: Give) -> None:
    control = given(world(imageSeconds=600))
    delivery = work(control)
    finish(control, delivery)
    begin_custom_image(delivery)
    settle_delivery(DeliveryEnd(delivery, Outcome(Ending.FAILED, "Overdue")))
    assert len(copies(delivery)) == 1
    assert swept_by_next_run(control, delivery, 1) == 1, "still being read"
    control.advance(3600)
    assert swept_by_next_run(control, delivery, 2) == 0


def swept_by_next_run(control: Control, delivery: DeliveryWork, number: int) -> int:
    """Another run takes over and inspects the lab; how many copies are left."""
    read = read_claim(delivery.run.account)
    next_run = f"20990101T00000{number}Z-next"
    assert read.claim
    assert write_claim(delivery.run.account, read.claim.handed_to(next_run), read)
    run = started(next_run)
    configured(run)
    find_resource_groups(Chunk(run, 0))
    inspect_lab(LabIndex(run, 0))
    control.clear_operations()
    return len(copies(delivery))


def test_a_sweep_leaves_copies_of_its_own_run_and_what_others_put_there_b40(given: Give) -> None:
    control = given(world().blob("stlaba", "foreign.vhd", vhd={"sizeGb": 1, "seed": "f"}))
    delivery = work(control)
    finish(control, delivery)
    find_resource_groups(Chunk(delivery.run, 0))
    inspect_lab(LabIndex(delivery.run, 0))
    assert {blob.name for blob in Vhds("stlaba").list()} == {"foreign.vhd", delivery.delivery.vhd}


@pytest.mark.parametrize(
    ("statuses", "code"), [(["Pending", "Failed"], "CopyFailed"), (["Pending", "Aborted"], "CopyFailed")]
)
def test_a_copy_that_fails_never_becomes_an_image_i3(given: Give, statuses: list[str], code: str) -> None:
    control = given(world(copy={"*": {"statuses": statuses, "total": 10}}))
    delivery = work(control)
    copy = begin_copy(delivery)
    control.advance(60)
    with pytest.raises(RejectedError) as caught:
        copy_pending(copy)
    assert caught.value.code == code
    settle_delivery(DeliveryEnd(delivery, Outcome.failed(caught.value)))
    assert copies(delivery) == []


def test_a_copy_of_the_wrong_length_is_refused_i3(given: Give) -> None:
    control = given(world())
    delivery = work(control)
    copy = begin_copy(delivery)
    control.advance(60)
    with pytest.raises(RejectedError, match="instead of") as caught:
        copy_pending(replace(copy, size_bytes=4096))
    assert caught.value.code == "CopyLength"


def test_a_failed_image_of_ours_is_deleted_and_anothers_is_not_b31(given: Give) -> None:
    given_world = world().image("lab-a", NAME, "Failed", ImagePath="Win2016\\Datacenter.json")
    control = given(given_world)
    delivery = work(control, repair=True)
    assert not begin_image_removal(delivery).pending
    with pytest.raises(RejectedError) as caught:
        begin_custom_image(delivery)
    assert caught.value.code == "ImageConflict"
    assert [path for effect, path in effects(control) if effect == "delete"] == []


def test_a_failed_image_of_ours_goes_so_that_it_can_be_made_anew_b31(given: Give) -> None:
    given_world = world().image("lab-a", NAME, "Failed", ImagePath="Win2016\\Datacenter.json")
    control = given(given_world)
    given_world.subscriptions[SUBSCRIPTION]["images"][0]["tags"]["FactoryId"] = settings().factory
    control = given(given_world)
    delivery = work(control, repair=True)
    assert begin_image_removal(delivery).pending
    control.advance(120)
    assert not image_removal_pending(delivery).pending
    finish(control, delivery)
    assert begin_custom_image(delivery).operation.name


def test_an_image_that_fails_tells_why(given: Give) -> None:
    control = given(world(deploy={f"lab-a/{NAME}": "Failed"}))
    delivery = work(control)
    finish(control, delivery)
    creation = begin_custom_image(delivery)
    control.advance(60)
    with pytest.raises(RejectedError) as caught:
        custom_image_pending(creation)
    assert caught.value.message.endswith(
        f" could not make the custom image {NAME}: Creating the image '{NAME.lower()}' failed."
    )


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("QuotaExceeded", "Ask for more quota in that region, or delete images; then run again."),
        ("ImageCreationFailed", "The next run deletes the failed image and makes it again."),
    ],
)
def test_an_image_that_fails_tells_what_to_do_about_its_cause(given: Give, code: str, advice: str) -> None:
    failed = {"state": "Failed", "code": code, "message": "No room."}
    control = given(world(deploy={f"lab-a/{NAME}": failed}))
    delivery = work(control)
    finish(control, delivery)
    creation = begin_custom_image(delivery)
    control.advance(60)
    with pytest.raises(RejectedError) as caught:
        custom_image_pending(creation)
    assert (caught.value.code, caught.value.next_step) == (code, advice)


def test_the_claim_read_is_what_a_write_depends_on(given: Give) -> None:
    control = given(world())
    run = work(control).run
    stale = read_claim(run.account)
    assert stale.claim
    assert write_claim(run.account, stale.claim, stale), "a ring rewrites it"
    assert not write_claim(run.account, stale.claim.released(), ReadClaim(stale.claim, stale.etag))
