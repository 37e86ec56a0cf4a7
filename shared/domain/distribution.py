"""Which image goes to which lab, and how every other pair ends without work."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from shared.domain.images import CustomImage, GoldenImage, ImageState, OsType
from shared.domain.labs import Lab, LabRequest
from shared.domain.matching import canonical_path, path_key
from shared.domain.naming import is_legal
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import short_hash


@dataclass(frozen=True)
class LabStock:
    """What the inspection of a lab found: the lab and its custom images, or the reason why it is set aside."""

    lab: Lab | None = None
    images: tuple[CustomImage, ...] = ()
    problem: Outcome | None = None


@dataclass(frozen=True)
class Delivery:
    """One image on its way into one lab.

    `direct`: the golden VHD lies in the lab's own account, no copy is made (B41). `adopt`: our image of an earlier run is still
    being created. `repair`: our image of that name has failed and is made again (B31).
    """

    run: str
    lab: Lab
    image: GoldenImage
    configuration: str
    direct: bool = False
    adopt: bool = False
    repair: bool = False

    @property
    def key(self) -> str:
        return pair_key(self.lab.id.subscription, self.lab.id.name, self.lab.id.resource_group, self.image.name)

    @property
    def vhd(self) -> str:
        """The blob that the custom image is made from; a copy's name holds the run, so that no run writes into another's."""
        return self.image.vhd if self.direct else f"{self.run}-{self.key}.vhd"

    @property
    def copy_bytes(self) -> int:
        """How much is to be copied."""
        return 0 if self.direct or self.adopt else self.image.size_bytes or 0


@dataclass(frozen=True)
class Pair:
    """One (lab, image) of the plan: either a delivery or an outcome that is known already."""

    subscription: str
    lab: str
    image_path: str
    image: str = ""
    key: str = ""
    size_bytes: int | None = None
    outcome: Outcome | None = None
    resource_group: str = ""
    os_state: str = ""


@dataclass(frozen=True)
class DistributionPlan:
    """Every pair once; the pairs without an outcome are `deliveries`, in the order in which lanes take them."""

    pairs: tuple[Pair, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


def pair_key(subscription: str, lab: str, resource_group: str, image: str) -> str:
    return short_hash("|".join((subscription, resource_group, lab, image)).lower())


@dataclass(frozen=True)
class Order:
    """What this distribution is asked to do, frozen with the run."""

    run: str
    factory: str
    factory_lab: Lab
    versions: int
    configuration: str


def plan_distribution(
    order: Order,
    labs: Iterable[tuple[LabRequest, LabStock]],
    images: Iterable[GoldenImage],
    definitions: Collection[str] | None,
) -> DistributionPlan:
    """Pair every lab with the images that it asks for; the order depends on content only (X8)."""
    newest = newest_versions(images, order.versions)
    paths = {path_key(path): canonical_path(path) for path in definitions or ()}
    paths |= {key: canonical_path(versions[0].image_path) for key, versions in newest.items()}
    pairs: list[Pair] = []
    deliveries: list[Delivery] = []
    for request, stock in sorted(labs, key=lambda lab: lab[0].key):
        lab_pairs, lab_deliveries = _plan_lab(order, request, stock, newest, paths)
        pairs += lab_pairs
        deliveries += lab_deliveries
    # Largest first: the long copies must not come last (`design.md`, "Lanes that pull").
    deliveries.sort(key=lambda d: (-(d.image.size_bytes or 0), d.lab.id.key, path_key(d.image.image_path), d.image.vhd))
    return DistributionPlan(tuple(pairs), tuple(deliveries))


def newest_versions(images: Iterable[GoldenImage], versions: int) -> dict[str, tuple[GoldenImage, ...]]:
    """The newest `versions` of each image path, newest first, by path key."""
    by_path: defaultdict[str, list[GoldenImage]] = defaultdict(list)
    for image in images:
        by_path[path_key(image.image_path)].append(image)
    return {
        key: tuple(sorted(found, key=lambda image: (image.built, image.manifest), reverse=True)[:versions])
        for key, found in sorted(by_path.items())
    }


def _plan_lab(
    order: Order,
    request: LabRequest,
    stock: LabStock,
    newest: Mapping[str, tuple[GoldenImage, ...]],
    paths: Mapping[str, str],
) -> tuple[list[Pair], list[Delivery]]:
    pairs: list[Pair] = []
    deliveries: list[Delivery] = []
    here = {image.name.lower(): image for image in stock.images}
    wanted = wanted_paths(request, paths)
    named = newest_by_name(image for key, _ in wanted for image in newest.get(key, ()))
    for key, path in wanted:
        group = stock.lab.id.resource_group if stock.lab else request.resource_group
        blank = Pair(request.subscription, request.name, path, resource_group=group)
        if key not in newest:
            pairs.append(replace(blank, outcome=stock.problem or NO_GOLDEN_IMAGE))
        for image in newest.get(key, ()):
            pair = replace(blank, image_path=canonical_path(image.image_path), image=image.name)
            pair = replace(pair, os_state=image.os_state, size_bytes=image.size_bytes)
            if stock.lab is None:
                pairs.append(replace(pair, outcome=stock.problem))
                continue
            rival = named[image.name.lower()]
            # Which captures the image holds says nothing to a lab, and would travel with each step.
            delivery = Delivery(order.run, stock.lab, replace(image, captures=()), order.configuration)
            found = here.get(image.name.lower())
            outcome = same_name_twice(rival) if rival is not image else known_outcome(order.factory, image, found)
            pair = replace(pair, key=delivery.key if rival is image else "", outcome=outcome)
            pairs.append(pair)
            if outcome is None:
                deliveries.append(
                    replace(
                        delivery,
                        direct=is_direct(order.factory_lab, stock.lab),
                        adopt=found is not None and found.state == ImageState.CREATING,
                        repair=found is not None and found.state == ImageState.FAILED,
                    )
                )
    return pairs, deliveries


NO_GOLDEN_IMAGE = Outcome(
    Ending.SKIPPED,
    "NoGoldenImage",
    "The factory has no golden image for it.",
    "Capture a golden VM with this ImagePath.",
)


def wanted_paths(request: LabRequest, paths: Mapping[str, str]) -> list[tuple[str, str]]:
    """The image paths that a lab asks for, (key, path) by path; an entry that matches nothing known stands for itself."""
    wanted: dict[str, str] = {}
    for entry in request.entries:
        matching = {key: path for key, path in paths.items() if entry.takes(path)}
        # The slash keeps its key apart from those of images: `a/b.json/` takes the folder only, never the file (B3).
        wanted |= matching or {f"{path_key(entry.text)}/": entry.text}
    return sorted(wanted.items())


def newest_by_name(images: Iterable[GoldenImage]) -> dict[str, GoldenImage]:
    """The newest image of each name: others of that name are conflicts, a name is made once per lab (B31, W4)."""
    named: dict[str, GoldenImage] = {}
    for image in sorted(images, key=lambda image: (image.built, image.manifest), reverse=True):
        named.setdefault(image.name.lower(), image)
    return named


def is_direct(factory: Lab, lab: Lab) -> bool:
    return lab.id.key == factory.id.key or lab.account.lower() == factory.account.lower()


def same_name_twice(rival: GoldenImage) -> Outcome:
    return Outcome(
        Ending.FAILED,
        "ImageNameTwice",
        f"The golden image {canonical_path(rival.image_path)!r} built {rival.built:%Y-%m-%d %H:%M} UTC has the same name.",
        "Capture one of the two again: it gets a name of its own.",
    )


def known_outcome(factory: str, image: GoldenImage, found: CustomImage | None) -> Outcome | None:
    """How the pair ends without work; None when it is to be delivered."""
    if found is not None:
        return _existing(factory, image, found)
    if image.size_bytes is None:
        return Outcome(
            Ending.FAILED,
            "VhdMissing",
            f"The manifest {image.manifest} names the VHD {image.vhd}, which is gone.",
            "Capture the VM again and delete the manifest.",
        )
    if not is_legal(image.name):
        return Outcome(
            Ending.FAILED,
            "ImageNameInvalid",
            f"Azure does not allow the image name {image.name!r}: 1 to 80 letters, digits, '_', '-', '(' and ')'.",
            "Capture the VM again: it gets a legal name.",
        )
    if image.os_type is OsType.UNKNOWN:
        return Outcome(
            Ending.FAILED,
            "OsTypeUnknown",
            f"The manifest {image.manifest} does not tell Windows or Linux.",
            "Correct osType in the manifest, or capture the VM again.",
        )
    return None


def _existing(factory: str, image: GoldenImage, found: CustomImage) -> Outcome | None:
    ours = found.is_ours(factory)
    if found.state == ImageState.SUCCEEDED:
        same_path = path_key(found.image_path) == path_key(image.image_path) if found.image_path else False
        same_content = not found.digest or not image.digest or found.digest == image.digest
        if same_path and same_content:
            return Outcome(Ending.PRESENT)
        other = "content" if same_path else f"ImagePath ({found.image_path or 'none'})"
        return _conflict(f"The lab has a custom image of this name with another {other}.")
    if found.state in (ImageState.CREATING, ImageState.FAILED) and ours:
        return None
    if found.state == ImageState.FAILED:
        return _conflict("The lab has a failed custom image of this name that the factory did not make.")
    return Outcome(
        Ending.FAILED,
        "ImageBusy",
        f"A custom image of this name is in state {found.state!r} and not for the factory to wait for.",
        "The next run looks again.",
    )


def _conflict(message: str) -> Outcome:
    return Outcome(Ending.FAILED, "ImageConflict", message, "Rename or delete that image in the lab; then run again.")
