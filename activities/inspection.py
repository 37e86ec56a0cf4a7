"""Look at the factory lab and at the labs, and sweep there what a dead run left."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from activities.configuration import LABS_PER_CHILD
from activities.generalizing_images import sweep_generalizing_images
from activities.golden_vms import looked_at
from activities.grants import end_grants_of_dead_runs
from activities.marks import GOLDEN, is_leftover, sweep_copies
from shared.azure import labs
from shared.azure.blobs import ListedBlob
from shared.azure.lab_vms import list_vms
from shared.azure.vhds import Vhds
from shared.domain.distribution import LabStock
from shared.domain.findings import Finding, Severity
from shared.domain.generalizing import Fallback
from shared.domain.golden_vms import GoldenVm
from shared.domain.images import GoldenImage, ImageState
from shared.domain.labs import Lab, LabId, LabRequest
from shared.domain.manifest import read_manifest
from shared.domain.outcomes import Outcome
from shared.domain.quoting import printable
from shared.domain.runs import Run
from shared.errors import ConfigurationError, MissingError, PermanentError, RejectedError
from shared.journal import FactoryInventory, FrozenConfiguration, Journal, fence
from shared.redaction import redacted
from shared.settings import settings
from shared.side_by_side import side_by_side

LONGEST_MANIFEST = 1024 * 1024
"""Bytes: what is called `.json` in a container of VHDs may be one of 127 GB."""


@dataclass(frozen=True)
class Inspected:
    vms: int
    images: int


def inspect_factory(run: Run) -> Inspected:
    """List the factory lab's VMs and golden images; sweep exports, golden VHDs and copies that a dead run left there.

    Repeat-safe: what is recorded stays; the sweep finds nothing the second time.
    """
    fence(run, begins=True)
    lab = labs.factory_lab()
    vhds = Vhds(lab.account)
    blobs = {blob.name: blob for blob in vhds.list(copies=True)}
    images, findings = _golden_images(vhds, blobs)
    findings += end_grants_of_dead_runs(run)
    _sweep_unfinished_captures(run, vhds, blobs, images)
    if settings().generalize_fallback is Fallback.CUSTOM_IMAGE:
        sweep_generalizing_images(run)
    vms = _vms(lab)
    Journal(run.id).write("factory.json", FactoryInventory(lab, vms, images, findings))
    return Inspected(len(vms), len(images))


def look_at_factory() -> FactoryInventory:
    """The same inventory for a plan: without a claim, and nothing is swept."""
    lab = labs.factory_lab()
    vhds = Vhds(lab.account)
    images, findings = _golden_images(vhds, {blob.name: blob for blob in vhds.list(copies=True)})
    return FactoryInventory(lab, _vms(lab), images, findings)


def _vms(lab: Lab) -> tuple[GoldenVm, ...]:
    return tuple(side_by_side(partial(_looked_at, lab), list_vms(lab.id)))


def _looked_at(lab: Lab, vm: GoldenVm) -> GoldenVm:
    return looked_at(lab.account, vm) if vm.is_candidate else vm


def _golden_images(vhds: Vhds, blobs: dict[str, ListedBlob]) -> tuple[tuple[GoldenImage, ...], tuple[Finding, ...]]:
    """Every manifest that can be read, ours and the original's, with the length of its VHD; the others as findings (B46)."""

    def read(blob: ListedBlob) -> tuple[GoldenImage | None, tuple[Finding, ...]]:
        if blob.size_bytes > LONGEST_MANIFEST:
            return None, (_set_aside(vhds, blob, f"It has {blob.size_bytes:,} bytes, more than any manifest."),)
        found = vhds.find(blob.name, LONGEST_MANIFEST)
        if found is None:
            return None, ()
        try:
            image, findings = read_manifest(found.data, blob.name, found.modified)
        except ConfigurationError as error:
            return None, (_set_aside(vhds, blob, error.message, error.next_step),)
        vhd = blobs.get(image.vhd)
        return replace(image, size_bytes=vhd.size_bytes if vhd else None, manifest=blob.name), findings

    manifests = [blob for blob in blobs.values() if blob.name.lower().endswith(".json")]
    results = side_by_side(read, manifests)
    images = tuple(image for image, _ in results if image is not None)
    return images, tuple(finding for _, findings in results for finding in findings)


def _set_aside(vhds: Vhds, blob: ListedBlob, reason: str, next_step: str = "") -> Finding:
    name = printable(blob.name)
    message = redacted(f"The manifest {vhds}/{name} is set aside: {reason}")
    advice = next_step or f"Delete {name} if it is none; its VHD stays."
    return Finding(Severity.WARNING, "ManifestUnreadable", message, advice, name)


def _sweep_unfinished_captures(
    run: Run, vhds: Vhds, blobs: dict[str, ListedBlob], images: tuple[GoldenImage, ...]
) -> None:
    """Remove golden VHDs of dead runs that got no manifest; one whose manifest cannot be read is no orphan (B46)."""
    finished = {image.vhd for image in images}
    for blob in blobs.values():
        has_manifest = blob.name in finished or f"{blob.name.removesuffix('.vhd')}.json" in blobs
        if is_leftover(run, GOLDEN, blob) and blob.name.endswith(".vhd") and not has_manifest:
            vhds.remove(blob.name, blob.etag)


# --- Labs


@dataclass(frozen=True)
class Chunk:
    """Up to `LABS_PER_CHILD` labs of the configuration, by position."""

    run: Run
    number: int

    def indices(self, labs: int) -> range:
        first = self.number * LABS_PER_CHILD
        return range(first, min(first + LABS_PER_CHILD, labs))


@dataclass(frozen=True)
class LabIndex:
    run: Run
    index: int


@dataclass(frozen=True)
class Unlisted:
    """A subscription that cannot be listed, and why: all its labs are set aside for that."""

    subscription: str
    problem: Outcome


@dataclass(frozen=True)
class Places:
    """Where the labs are that labs.json names without a resource group."""

    found: tuple[LabId, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()


@dataclass(frozen=True)
class Listed:
    labs: int


def find_resource_groups(chunk: Chunk) -> Listed:
    """Record where the chunk's labs without a resource group are; each subscription is listed once."""
    journal = Journal(chunk.run.id)
    configured = journal.read("configuration.json", FrozenConfiguration).labs
    places = _places(configured[index] for index in chunk.indices(len(configured)))
    journal.write(f"labs/places-{chunk.number}.json", places)
    return Listed(len(places.found))


def _places(requests: Iterable[LabRequest]) -> Places:
    wanted = {
        (request.subscription.lower(), request.name.lower()) for request in requests if not request.resource_group
    }
    found: list[LabId] = []
    unlisted: list[Unlisted] = []
    for subscription in sorted({subscription for subscription, _ in wanted}):
        try:
            found += [lab for lab in labs.list_labs(subscription) if (subscription, lab.name.lower()) in wanted]
        except PermanentError as error:
            unlisted.append(Unlisted(subscription, Outcome.failed(error)))
    return Places(tuple(found), tuple(unlisted))


@dataclass(frozen=True)
class UnlistedChunk:
    chunk: Chunk
    problem: Outcome


def give_up_listing(unlisted: UnlistedChunk) -> Listed:
    """Record that a chunk's subscriptions could not be listed for so long that its labs without a group are set aside."""
    journal = Journal(unlisted.chunk.run.id)
    configured = journal.read("configuration.json", FrozenConfiguration).labs
    subscriptions = sorted(
        {configured[index].subscription.lower() for index in unlisted.chunk.indices(len(configured))}
    )
    places = Places(unlisted=tuple(Unlisted(subscription, unlisted.problem) for subscription in subscriptions))
    journal.write(f"labs/places-{unlisted.chunk.number}.json", places)
    return Listed(0)


def inspect_lab(position: LabIndex) -> Inspected:
    """Read one lab and its custom images and sweep the copies that a dead run left in its account.

    A lab that cannot be read is an outcome of its own, recorded like any other. Repeat-safe as `inspect_factory`.
    """
    run = position.run
    fence(run, begins=True)
    journal = Journal(run.id)
    request = journal.read("configuration.json", FrozenConfiguration).labs[position.index]
    name = f"labs/places-{position.index // LABS_PER_CHILD}.json"
    places = Places() if request.resource_group else journal.read(name, Places)
    stock = _stock(request, places, lambda vhds, being_read: sweep_copies(run, vhds, being_read))
    journal.write(f"labs/{position.index}.json", stock)
    return Inspected(0, len(stock.images))


def look_at_labs(requests: Sequence[LabRequest]) -> list[LabStock]:
    """The same stocks for a plan: without a claim, and nothing is swept, only listed as the sweep will list it."""
    places = _places(requests)

    def list_copies(vhds: Vhds, _being_read: frozenset[str]) -> None:
        for _ in vhds.list(copies=True):
            pass

    return side_by_side(lambda request: _stock(request, places, list_copies), requests)


@dataclass(frozen=True)
class LabAside:
    position: LabIndex
    problem: Outcome


def set_lab_aside(aside: LabAside) -> Inspected:
    """Record why a lab could not be inspected after many attempts: its neighbours go on."""
    stock = LabStock(problem=aside.problem)
    Journal(aside.position.run.id).write(f"labs/{aside.position.index}.json", stock)
    return Inspected(0, 0)


def _lab_id(request: LabRequest, places: Places) -> LabId:
    group = request.resource_group
    if not group:
        subscription, name = request.subscription.lower(), request.name.lower()
        for unlisted in places.unlisted:
            if unlisted.subscription == subscription:
                raise RejectedError(unlisted.problem.code, unlisted.problem.message, unlisted.problem.next)
        found = sorted(
            lab.resource_group
            for lab in places.found
            if (lab.subscription.lower(), lab.name.lower()) == (subscription, name)
        )
        if not found:
            raise MissingError(
                "LabNotFound",
                f"There is no lab {request.name!r} in subscription {request.subscription}.",
                "Correct LabName or SubscriptionId in labs.json; or give the app's identity the role to see the lab.",
            )
        if len(found) > 1:
            raise ConfigurationError(
                "LabAmbiguous",
                f"Subscription {request.subscription} has {len(found)} labs named {request.name!r}:"
                f" in the resource groups {', '.join(sorted(found))}.",
                f'Add "ResourceGroup": "{found[0]}" (or the other) to the entry in labs.json.',
            )
        group = found[0]
    return LabId(request.subscription, group, request.name)


def _stock(request: LabRequest, places: Places, sweep: Callable[[Vhds, frozenset[str]], None]) -> LabStock:
    """The lab with its custom images, its account swept; or why it is set aside."""
    try:
        lab = _lab(_lab_id(request, places))
        images = tuple(labs.list_custom_images(lab.id))
        sweep(
            Vhds(lab.account),
            frozenset(image.vhd_url.lower() for image in images if image.state == ImageState.CREATING),
        )
    except PermanentError as error:
        return LabStock(problem=Outcome.failed(error))
    return LabStock(lab, images)


def _lab(lab_id: LabId) -> Lab:
    try:
        return labs.get_lab(lab_id)
    except MissingError as error:
        if error.code == "SubscriptionNotFound":
            raise
        raise MissingError("LabNotFound", error.message, "Correct the entry in labs.json, or remove it.") from None
