"""Why a lab gets an image, or why not: the rules in the order in which they decide, each with what it found."""

import difflib
import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from shared.domain.capture import CapturePlan
from shared.domain.distribution import (
    NO_GOLDEN_IMAGE,
    LabStock,
    is_direct,
    known_outcome,
    newest_by_name,
    newest_versions,
    same_name_twice,
    wanted_paths,
)
from shared.domain.explanation import Explanation, Explanations, Rule, Verdict
from shared.domain.findings import Finding, Severity
from shared.domain.images import CustomImage, GoldenImage, ImageState
from shared.domain.labs import Lab, LabRequest
from shared.domain.matching import ImageEntry, canonical_path, parse_entry, path_key, split
from shared.domain.outcomes import Ending, Outcome
from shared.domain.quoting import quoted
from shared.domain.selection import names_lab
from shared.domain.suggestion import suggestion
from shared.errors import ConfigurationError

_OF_ENDINGS = {Ending.PRESENT: Verdict.PRESENT, Ending.SKIPPED: Verdict.SKIP, Ending.FAILED: Verdict.FAIL}


@dataclass(frozen=True)
class Known:
    """What the rules look at. `labs` are those of labs.json with their stocks, set aside or not; `images` are those of the
    factory, with those that the run would capture by `captures`; `findings` are those about labs.json.
    """

    factory: str
    factory_lab: Lab
    versions: int
    labs: tuple[tuple[LabRequest, LabStock], ...]
    images: tuple[GoldenImage, ...]
    captures: CapturePlan
    definitions: tuple[str, ...] | None
    findings: tuple[Finding, ...] = ()

    @property
    def paths(self) -> dict[str, str]:
        """Every image path that is known, by key."""
        paths = {path_key(path): canonical_path(path) for path in self.definitions or ()}
        return paths | {path_key(image.image_path): canonical_path(image.image_path) for image in self.images}


def explain(known: Known, lab: str, image: str) -> Explanations:
    """Explain every pair that `lab` (a name, or subscription/name) and `image` (a path, a folder, an image's name) mean."""
    labs = [each for each in known.labs if names_lab(lab, each[0].subscription, each[0].name)]
    if not labs:
        return Explanations((_no_such_lab(known, lab, image),))
    meant = list(_meant(known, image))
    return Explanations(
        tuple(_explained(known, request, stock, path, version) for request, stock in labs for path, version in meant)
    )


def _no_such_lab(known: Known, lab: str, image: str) -> Explanation:
    names = {request.name.lower(): request.name for request, _ in known.labs}
    near = difflib.get_close_matches(lab.rpartition("/")[2].lower(), names, n=1)
    message = f"labs.json names no lab {quoted(lab)}."
    advice = f"Did you mean {quoted(names[near[0]])}?" if near else "Add the lab to labs.json."
    # It may be one of those whose name cannot be read.
    nameless = _told(each for each in known.findings if each.code in ("LabNotObject", "LabNameInvalid"))
    trace = (*nameless, Rule("lab", message, False))
    return Explanation(lab, image, Verdict.NONE, code="LabUnknown", message=message, next=advice, trace=trace)


def _meant(known: Known, text: str) -> Iterator[tuple[str, GoldenImage | None]]:
    """The (path, version) that a text means; a path that nobody knows stands for itself."""
    named = [image for image in known.images if image.name.lower() == text.lower()]
    if named:
        yield from ((canonical_path(image.image_path), image) for image in named)
        return
    try:
        entry = parse_entry(text)
    except ConfigurationError:
        yield text, None
        return
    paths = [path for _, path in sorted(known.paths.items()) if entry.takes(path)]
    newest = newest_versions(known.images, known.versions)
    if not paths:
        yield text, None
    for path in paths:
        yield from ((path, version) for version in newest.get(path_key(path), (None,)))


def _explained(
    known: Known, request: LabRequest, stock: LabStock, path: str, version: GoldenImage | None
) -> Explanation:
    trace: list[Rule] = []
    verdict, outcome = Verdict.DELIVER, Outcome(Ending.DELIVERED)
    for rule, decision in _rules(known, request, stock, path, version):
        trace.append(rule)
        if decision is not None:
            verdict, outcome = decision
            break
    return Explanation(
        request.name,
        path,
        verdict,
        request.subscription,
        version.name if version else "",
        outcome.code,
        outcome.message,
        outcome.next,
        tuple(trace),
    )


Decision = tuple[Verdict, Outcome]


def _rules(
    known: Known, request: LabRequest, stock: LabStock, path: str, version: GoldenImage | None
) -> Iterator[tuple[Rule, Decision | None]]:
    """The rules in the order in which they decide; the first decision is the answer, without one it is delivered."""
    line = f", line {request.line}" if request.line else ""
    yield Rule("lab", f"labs.json names the lab ({request.path or 'by name'}{line}).", True), None
    findings = _about(request, known.findings)
    yield from ((rule, None) for rule in _told(findings))
    yield _asked(known, request, path, findings)
    yield _defined(known, path), None
    if version is None:
        yield _no_version(known, stock, path)
        return
    yield _newest(known, version)
    problem = stock.problem
    if stock.lab is None:
        problem = problem or Outcome(Ending.FAILED, "LabNotFound")
        yield Rule("lab found", problem.message, False), (Verdict.FAIL, problem)
        return
    yield Rule("lab found", f"The lab is there: {stock.lab.id}.", True), None
    yield _name(known, request, version)
    found = next((image for image in stock.images if image.name.lower() == version.name.lower()), None)
    yield _in_lab(known, version, found)
    yield _way(known, stock.lab, version, found), None


def _about(request: LabRequest, findings: Iterable[Finding]) -> list[Finding]:
    """What is wrong with the lab in labs.json, or with anything in it, and whether that is an older labs.json."""
    places = f"{request.path}.", f"{request.path}["
    return [each for each in findings if each.code == "LastGoodUsed" or f"{each.path}.".startswith(places)]


def _told(findings: Iterable[Finding]) -> Iterator[Rule]:
    for each in itertools.islice(findings, _SHOWN):
        yield Rule("finding", f"{each.place}: {each.code}: {each.message} {each.next}".rstrip())


_SHOWN = 5


def _taking(known: Known, request: LabRequest, path: str) -> list[ImageEntry]:
    """The lab's entries that take the path. One that takes nothing known stands for itself, even a folder."""
    is_known = path_key(path) in known.paths

    def is_itself(entry: ImageEntry) -> bool:
        same = entry.text == path or (path_key(entry.text) == path_key(path) and not is_known)
        return same and not _is_right(known, entry)

    return [entry for entry in request.entries if entry.takes(path) or is_itself(entry)]


def _is_right(known: Known, entry: ImageEntry) -> bool:
    return any(map(entry.takes, known.paths.values()))


def _asked(known: Known, request: LabRequest, path: str, findings: Iterable[Finding]) -> tuple[Rule, Decision | None]:
    """A path that nobody knows is no pair, unless it is an entry that takes nothing: that one stands for itself."""
    taking = _taking(known, request, path)
    if path_key(path) not in known.paths and all(_is_right(known, entry) for entry in taking):
        found = f"Neither GoldenImages nor the factory has {quoted(path)}."
        outcome = Outcome(Ending.SKIPPED, "PathUnknown", found, _meant_path(known, path))
        return Rule("image path", found, False), (Verdict.NONE, outcome)
    if taking:
        return Rule("asked for", f"The entry {quoted(taking[0].text)} takes it.", True), None
    found, advice = _not_asked(known, request, path)
    errors = [each for each in findings if each.severity is Severity.ERROR]
    if errors and not request.entries:
        found, advice = "The lab has no entry that can be used.", errors[0].next
    return Rule("asked for", found, False), (Verdict.NONE, Outcome(Ending.SKIPPED, "NotAskedFor", found, advice))


def _not_asked(known: Known, request: LabRequest, path: str) -> tuple[str, str]:
    near = [told for entry in request.entries if not _is_right(known, entry) and (told := _near(entry, path))]
    entries = ", ".join(quoted(entry.text) for entry in request.entries[:_SHOWN])
    more = f" and {len(request.entries) - _SHOWN} more" if len(request.entries) > _SHOWN else ""
    none = f"None of the lab's entries takes it: {entries}{more}." if entries else "The lab has no entries."
    advice = f"Add {quoted('/'.join(split(path)))} to the ImagePaths of the lab if it is to get it."
    return " ".join([none, *near[:_SHOWN]]), advice


def _near(entry: ImageEntry, path: str) -> str | None:
    """Why an entry that looks like the path does not take it."""
    told = suggestion(entry, (path,))
    return f"The entry {quoted(entry.text)} does not: {told[0].lower()}{told[1:]}" if told else None


def _meant_path(known: Known, text: str) -> str:
    try:
        meant = suggestion(parse_entry(text), known.paths.values())
    except ConfigurationError as error:
        return error.next_step
    return meant or "Upload its definition, or capture a VM with this ImagePath."


def _defined(known: Known, path: str) -> Rule:
    if known.definitions is None:
        return Rule("definition", "GoldenImages has not been uploaded: nothing says which images there are to be.")
    if path_key(path) in map(path_key, known.definitions):
        return Rule("definition", "GoldenImages has its definition.", True)
    return Rule(
        "definition", "GoldenImages has no definition of it; what the factory has of it is delivered all the same."
    )


def _no_version(known: Known, stock: LabStock, path: str) -> tuple[Rule, Decision]:
    """No golden image: what is wrong with the lab is told first, as in the report."""
    if stock.problem is not None:
        return Rule("lab found", stock.problem.message, False), (Verdict.FAIL, stock.problem)
    vms = [
        f"The VM {quoted(vm.vm)} is not captured: {vm.outcome.code}, {vm.outcome.message}"
        for vm in known.captures.decided
        if path_key(vm.image_path) == path_key(path)
    ]
    found = " ".join([NO_GOLDEN_IMAGE.message, *(vms or ["No VM of the factory lab has this ImagePath."])])
    return Rule("golden image", found, False), (Verdict.SKIP, NO_GOLDEN_IMAGE)


def _newest(known: Known, version: GoldenImage) -> tuple[Rule, Decision | None]:
    versions = newest_versions(known.images, len(known.images))[path_key(version.image_path)]
    place = versions.index(version) + 1
    found = (
        f"It is version {place} of {len(versions)}, newest first; labs get the newest {known.versions}"
        " (VERSIONS_TO_DELIVER)."
    )
    if place <= known.versions:
        coming = " The run captures it first." if version.name in _to_capture(known) else ""
        return Rule("golden image", found + coming, True), None
    outcome = Outcome(Ending.SKIPPED, "OlderVersion", found, "Raise VERSIONS_TO_DELIVER if labs are to get it, too.")
    return Rule("golden image", found, False), (Verdict.NONE, outcome)


def _to_capture(known: Known) -> Collection[str]:
    return {capture.image for capture in known.captures.captures}


def _name(known: Known, request: LabRequest, version: GoldenImage) -> tuple[Rule, Decision | None]:
    newest = newest_versions(known.images, known.versions)
    wanted = (image for key, _ in wanted_paths(request, known.paths) for image in newest.get(key, ()))
    rival = newest_by_name(wanted)[version.name.lower()]
    if rival is version:
        return Rule("name", "No other image that the lab gets has its name.", True), None
    outcome = same_name_twice(rival)
    return Rule("name", outcome.message, False), (Verdict.FAIL, outcome)


def _in_lab(known: Known, version: GoldenImage, found: CustomImage | None) -> tuple[Rule, Decision | None]:
    outcome = known_outcome(known.factory, version, found)
    name = "in the lab" if found is not None or outcome is None else "golden image"
    if outcome is None:
        what = "The lab has no custom image of this name." if found is None else _ours(found)
        return Rule(name, what, True), None
    what = outcome.message or "The lab has this custom image, and it is the same."
    return Rule(name, what, outcome.state is Ending.PRESENT), (_OF_ENDINGS[outcome.state], outcome)


def _ours(found: CustomImage) -> str:
    if found.state == ImageState.FAILED:
        return "The lab has a custom image of this name that the factory made and that failed: it is made again."
    return "The factory is making this custom image already: it is waited for."


def _way(known: Known, lab: Lab, version: GoldenImage, found: CustomImage | None) -> Rule:
    if found is not None and found.state == ImageState.CREATING:
        return Rule("copy", "Nothing is copied: the custom image is being made.")
    if is_direct(known.factory_lab, lab):
        return Rule("copy", "Nothing is copied: the golden VHD lies in the lab's own account.")
    return Rule("copy", f"{(version.size_bytes or 0) / 2**30:,.1f} GiB are copied to the account {lab.account}.")
