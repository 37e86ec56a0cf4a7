"""What a run would do: every effect on every lab and VM, told before anything is done."""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.domain.capture import CapturePlan
from shared.domain.distribution import DistributionPlan
from shared.domain.findings import Finding
from shared.domain.images import GoldenImage
from shared.domain.outcomes import Ending, Outcome
from shared.domain.quoting import one_line
from shared.domain.report import ConfigurationRead

VHD_FOOTER = 512
"""Bytes that a fixed VHD has after the disk's own (`azure-facts.md` section 3)."""


class Effect(StrEnum):
    """What becomes of a pair or a VM: work, or an ending that is known already."""

    DELIVER = "deliver"
    CAPTURE = "capture"
    PRESENT = "present"
    SKIP = "skip"
    FAIL = "fail"


_ENDS = {Ending.PRESENT: Effect.PRESENT, Ending.SKIPPED: Effect.SKIP, Ending.FAILED: Effect.FAIL}


@dataclass(frozen=True)
class CaptureEffect:
    """`bytes` are those of the VHD that will be written."""

    vm: str = ""
    effect: Effect = Effect.CAPTURE
    image_path: str = ""
    image: str = ""
    code: str = ""
    message: str = ""
    next: str = ""
    bytes: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class PairEffect:
    """`bytes` are those that will be copied: none where the golden VHD lies in the lab's own account."""

    subscription_id: str = ""
    lab: str = ""
    effect: Effect = Effect.DELIVER
    image_path: str = ""
    image: str = ""
    code: str = ""
    message: str = ""
    next: str = ""
    bytes: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class RunPlan:
    """`plan_id` stands for the configuration, the parameters and the world that it was made from.

    `minutes` is an estimate. `usable` is false where labs.json cannot be used: such a run ends before it does anything.
    """

    plan_id: str
    usable: bool
    configuration: ConfigurationRead
    counts: dict[str, int]
    bytes: int
    minutes: float
    findings: tuple[Finding, ...] = ()
    captures: tuple[CaptureEffect, ...] = ()
    pairs: tuple[PairEffect, ...] = ()


@dataclass(frozen=True)
class Pace:
    """How long things take: a guess until a run has shown it. An image is made in about the same time whatever its size."""

    seconds_per_gib: float = 10.0
    seconds_per_image: float = 300.0

    def minutes(self, size_bytes: int) -> float:
        return round((size_bytes / 2**30 * self.seconds_per_gib + self.seconds_per_image) / 60, 1)


def captured_images(plan: CapturePlan) -> tuple[GoldenImage, ...]:
    """The golden images that are there once everything is captured: the labs get them in the same run."""
    return tuple(capture.golden_image((capture.disk.size_bytes or 0) + VHD_FOOTER, ()) for capture in plan.captures)


def capture_effects(plan: CapturePlan, pace: Pace) -> tuple[CaptureEffect, ...]:
    """Every VM once, by name, as the report tells them."""
    work = [
        CaptureEffect(
            capture.vm,
            Effect.CAPTURE,
            capture.image_path,
            capture.image,
            bytes=image.size_bytes,
            minutes=replace(pace, seconds_per_image=0).minutes(image.size_bytes or 0),
        )
        for capture, image in zip(plan.captures, captured_images(plan), strict=True)
    ]
    decided = [
        CaptureEffect(d.vm, _ENDS[d.outcome.state], d.image_path, d.image, *_told(d.outcome)) for d in plan.decided
    ]
    return tuple(sorted([*work, *decided], key=lambda effect: effect.vm.lower()))


def pair_effects(plan: DistributionPlan, pace: Pace) -> tuple[PairEffect, ...]:
    """Every pair once, in the order of the plan."""
    copied = {delivery.key: delivery.copy_bytes for delivery in plan.deliveries}

    effects: list[PairEffect] = []
    for pair in plan.pairs:
        blank = PairEffect(pair.subscription, pair.lab, Effect.DELIVER, pair.image_path, pair.image)
        if pair.outcome is not None:
            code, message, advice = _told(pair.outcome)
            effect = _ENDS[pair.outcome.state]
            effects.append(replace(blank, effect=effect, code=code, message=message, next=advice))
        else:
            size = copied[pair.key]
            effects.append(replace(blank, bytes=size, minutes=pace.minutes(size)))
    return tuple(effects)


def _told(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.code, outcome.message, outcome.next


def counts(captures: Iterable[CaptureEffect], pairs: Iterable[PairEffect]) -> dict[str, int]:
    """How often each effect comes: of pairs by its name, of VMs `capture`, `capturesPresent`, `capturesSkip`, `capturesFail`."""
    of_pairs = Counter(pair.effect for pair in pairs)
    of_vms = Counter(capture.effect for capture in captures)
    counted = {effect.value: of_pairs[effect] for effect in (Effect.DELIVER, Effect.PRESENT, Effect.SKIP, Effect.FAIL)}
    counted["capture"] = of_vms[Effect.CAPTURE]
    for effect in (Effect.PRESENT, Effect.SKIP, Effect.FAIL):
        counted[f"captures{effect.value.capitalize()}"] = of_vms[effect]
    return counted


def minutes(captures: Iterable[CaptureEffect], pairs: Iterable[PairEffect], lanes: int) -> float:
    """How long the run takes, about: captures first, then deliveries, each longest first by so many lanes."""
    return round(sum(_makespan((effect.minutes or 0 for effect in part), lanes) for part in (captures, pairs)), 1)


def _makespan(lengths: Iterable[float], lanes: int) -> float:
    ends = [0.0] * lanes
    for length in sorted(lengths, reverse=True):
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


# --- For people

_SIGNS = {Effect.DELIVER: "+", Effect.CAPTURE: "+", Effect.PRESENT: "=", Effect.SKIP: "-", Effect.FAIL: "!"}
_WORDS = {
    Effect.DELIVER: "deliver",
    Effect.CAPTURE: "capture",
    Effect.PRESENT: "unchanged",
    Effect.SKIP: "skip",
    Effect.FAIL: "fail",
}


def as_text(plan: RunPlan) -> str:
    """The plan as a page of lines: `+` is done, `=` is there, `-` is left, `!` will fail."""
    lines: list[str] = []
    for finding in plan.findings:
        place = (
            f"{finding.path}, line {finding.line}: " if finding.line else f"{finding.path}: " if finding.path else ""
        )
        lines += [f"{finding.severity}: {place}{finding.code}: {finding.message}", *_next(finding.next)]
    if lines:
        lines.append("")
    if plan.captures:
        lines += ["Golden VMs", *(line for each in plan.captures for line in _capture_lines(each)), ""]
    for lab, pairs in _by_lab(plan.pairs).items():
        lines += [f"Lab {lab}", *(line for pair in pairs for line in _pair_lines(pair)), ""]
    lines += [in_one_line(plan), f"planId: {plan.plan_id}"]
    return "\n".join(map(one_line, lines)) + "\n"


def _by_lab(pairs: Iterable[PairEffect]) -> dict[str, list[PairEffect]]:
    labs: dict[str, list[PairEffect]] = {}
    for pair in pairs:
        labs.setdefault(f"{pair.lab} ({pair.subscription_id})", []).append(pair)
    return labs


def _capture_lines(effect: CaptureEffect) -> list[str]:
    named = f"{effect.vm} -> {effect.image}" if effect.image else effect.vm
    return _lines(effect, named)


def _pair_lines(effect: PairEffect) -> list[str]:
    return _lines(effect, effect.image or effect.image_path)


def _lines(effect: CaptureEffect | PairEffect, named: str) -> list[str]:
    size = f" ({_size(effect.bytes)}, about {effect.minutes:.0f} min)" if effect.bytes is not None else ""
    why = f": {': '.join(filter(None, (effect.code, effect.message)))}" if effect.code else ""
    lines = [f"  {_SIGNS[effect.effect]} {_WORDS[effect.effect]:<9} {named}{size}{why}"]
    return [*lines, *_next(effect.next)] if effect.effect is Effect.FAIL else lines


def _next(advice: str) -> list[str]:
    return [f"      {advice}"] if advice else []


def in_one_line(plan: RunPlan) -> str:
    """What the plan comes to, in counts."""
    if not plan.usable:
        return "Plan: nothing, labs.json cannot be used."
    count = plan.counts
    parts = [
        f"{count['deliver']} to deliver",
        f"{count['capture']} to capture",
        f"{count['present']} unchanged",
    ]
    parts += [f"{count[name]} {word}" for name, word in _LEFT if count.get(name)]
    work = f" {_size(plan.bytes)} to copy, about {plan.minutes:.0f} min." if plan.bytes else ""
    return f"Plan: {', '.join(parts)}.{work}"


_LEFT = (("skip", "skipped"), ("fail", "to fail"), ("capturesFail", "not fit to capture"))


def _size(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
