"""What of the whole job a run is asked to do: some labs, some images, some stages, the failed pairs of a run before."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.domain.capture import GoldenVm
from shared.domain.distribution import DistributionPlan, Pair
from shared.domain.findings import Finding, Severity
from shared.domain.labs import LabRequest
from shared.domain.matching import parse_entry, path_key
from shared.domain.quoting import quoted
from shared.domain.suggestion import suggestion
from shared.errors import ConfigurationError


class Stage(StrEnum):
    CAPTURE = "capture"
    DISTRIBUTE = "distribute"


@dataclass(frozen=True)
class PairName:
    """A pair as two runs have it in common: the version of its image may be another one now."""

    subscription: str
    lab: str
    image_path: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.subscription.lower(), self.lab.lower(), path_key(self.image_path)


@dataclass(frozen=True)
class Selection:
    """What is empty restricts nothing.

    `labs` are names, or subscription/name; `images` are entries as in ImagePaths. `pairs` are those that failed in the run
    `retry_failed_of`; a retry captures nothing.
    """

    labs: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    retry_failed_of: str = ""
    pairs: tuple[PairName, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Does it ask for the whole job?"""
        return not (self.labs or self.images or self.retry_failed_of) and self.captures and self.distributes

    @property
    def captures(self) -> bool:
        return not self.retry_failed_of and (not self.stages or Stage.CAPTURE in self.stages)

    @property
    def distributes(self) -> bool:
        return not self.stages or Stage.DISTRIBUTE in self.stages

    def asks_for_lab(self, subscription: str, name: str) -> bool:
        if self.labs and not any(names_lab(text, subscription, name) for text in self.labs):
            return False
        lab = subscription.lower(), name.lower()
        return not self.retry_failed_of or any(pair.key[:2] == lab for pair in self.pairs)

    def asks_for_path(self, image_path: str) -> bool:
        return not self.images or any(parse_entry(text).takes(image_path) for text in self.images)


WHOLE = Selection()


def names_lab(text: str, subscription: str, name: str) -> bool:
    """Is it the lab's name, or subscription/name? Without case, as ARM compares."""
    return text.lower() in (name.lower(), f"{subscription}/{name}".lower())


def selected_vms(vms: Iterable[GoldenVm], selection: Selection) -> tuple[GoldenVm, ...]:
    """The VMs whose capture the selection leaves to be decided."""
    return tuple(vm for vm in vms if not selection.images or selection.asks_for_path(vm.image_path or ""))


def selected_pairs(plan: DistributionPlan, selection: Selection) -> DistributionPlan:
    """The plan without the pairs that are not asked for."""
    if not (selection.images or selection.retry_failed_of):
        return plan
    retried = {pair.key for pair in selection.pairs}

    def is_asked_for(pair: Pair) -> bool:
        name = PairName(pair.subscription, pair.lab, pair.image_path)
        return selection.asks_for_path(pair.image_path) and (not selection.retry_failed_of or name.key in retried)

    pairs = tuple(pair for pair in plan.pairs if is_asked_for(pair))
    keys = {pair.key for pair in pairs if pair.outcome is None}
    return replace(plan, pairs=pairs, deliveries=tuple(d for d in plan.deliveries if d.key in keys))


_OF_A_LAB = re.compile(r"\$\.[^.\[]+\[\d+\]")


def findings_for(asked: Iterable[LabRequest], findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings but those about labs that are not asked for."""
    places = {request.path for request in asked}

    def is_told(finding: Finding) -> bool:
        place = _OF_A_LAB.match(finding.path)
        return place is None or place[0] in places

    return tuple(filter(is_told, findings))


def check(selection: Selection, labs: Collection[LabRequest], definitions: Collection[str] | None) -> Iterator[Finding]:
    """What is asked for and is not there: a lab that labs.json does not name, images that nobody defined, work of no stage.

    Images are only checked when GoldenImages has been uploaded, as the entries of labs.json are.
    """
    if selection.retry_failed_of and not selection.distributes:
        message = "A retry delivers what failed; it captures nothing."
        yield Finding(Severity.ERROR, "NothingToDo", message, 'Leave "stages" out, or "retryFailedOf".', "$.stages")
    names = {lab.name.lower(): lab.name for lab in labs}
    for index, text in enumerate(selection.labs):
        if not any(names_lab(text, lab.subscription, lab.name) for lab in labs):
            near = difflib.get_close_matches(text.lower(), names, n=1)
            meant = f"Did you mean {quoted(names[near[0]])}? " if near else ""
            advice = f"{meant}Write LabName, or SubscriptionId/LabName, as in labs.json."
            message = f"labs.json names no lab {quoted(text)}."
            yield Finding(Severity.ERROR, "LabUnknown", message, advice, f"$.labs[{index}]")
    for index, text in enumerate(selection.images):
        try:
            entry = parse_entry(text)
        except ConfigurationError as error:
            yield Finding(Severity.ERROR, error.code, error.message, error.next_step, f"$.images[{index}]")
            continue
        if definitions and not any(map(entry.takes, definitions)):
            message = f"No definition below GoldenImages matches {quoted(text)}."
            advice = suggestion(entry, definitions) or "Write a path, or a folder, of GoldenImages."
            yield Finding(Severity.ERROR, "EntryMatchesNothing", message, advice, f"$.images[{index}]")
