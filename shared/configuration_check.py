"""What an uploaded labs.json would mean: whether it can be used, what it asks for in counts, what changes, what is wrong.

Told as Markdown, beside the file (`labs.json.report.md`). It says nothing of runs or times: as long as neither the file nor the
definitions nor the world changes, it stays the same to the letter and is not written again.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shared.configuration import Configuration
from shared.domain.findings import Severity
from shared.domain.labs import LabRequest
from shared.domain.matching import ImageEntry, path_key
from shared.domain.renderings.markdown import findings_table
from shared.domain.renderings.markdown_table import escaped, table

_WHOLE_PLAN = 'Lab by lab: `image-factory plan`, or POST /api/runs with `{"dryRun": true}`.'
_NAMED = 20
_TOLD = 500


@dataclass(frozen=True)
class Upload:
    """A configuration with what names it; the ETag of one that has been replaced since is not known."""

    blob: str
    etag: str
    sha256: str
    configuration: Configuration

    @property
    def name(self) -> str:
        return f"ETag {self.etag}, SHA-256 {self.sha256}" if self.etag else f"SHA-256 {self.sha256}"


@dataclass(frozen=True)
class Counts:
    """What a configuration asks for. `images` and `pairs` are None where nobody knows which golden images there are."""

    labs: int
    set_aside: int
    entries: int
    images: int | None
    pairs: int | None


def counts(configuration: Configuration, definitions: Collection[str] | None) -> Counts:
    wanted = _images(configuration.labs, definitions) if definitions is not None else None
    return Counts(
        labs=len(configuration.labs),
        set_aside=len(configuration.set_aside),
        entries=sum(len(lab.entries) for lab in configuration.labs),
        images=None if wanted is None else len(frozenset[str]().union(*wanted)),
        pairs=None if wanted is None else sum(map(len, wanted)),
    )


def check_markdown(
    uploaded: Upload, before: Upload | None, definitions: Collection[str] | None, effects: str = ""
) -> str:
    """The whole report. `before` is the configuration that was last used, None when there was none; `effects` sums up the plan."""
    usable = uploaded.configuration.usable
    findings = uploaded.configuration.findings
    errors = sum(found.severity is Severity.ERROR for found in findings)
    state = f"cannot be used; {_instead(before)}" if not usable else "can be used" + " in part" * bool(errors)
    lines = [f"# {uploaded.blob} {state}", "", _name(uploaded)]
    if usable:
        lines += ["", "## What it asks for", "", *_counts(uploaded, before, definitions)]
        if before is not None:
            lines += [
                "",
                *_differences(uploaded.configuration, before.configuration),
                "",
                f"Before: SHA-256 {before.sha256}.",
            ]
    elif before is not None:
        lines += ["", f"Runs go on with: {_name(before)}"]
    if effects:
        lines += ["", "## What a run would do now", "", escaped(effects), "", _WHOLE_PLAN]
    if findings:
        severities = Counter(found.severity for found in findings)
        said = ", ".join(f"{number} {severity}{'s' * (number > 1)}" for severity, number in sorted(severities.items()))
        lines += ["", f"## Findings: {said}", "", *findings_table(findings[:_TOLD])]
        if len(findings) > _TOLD:
            lines += ["", f"{len(findings) - _TOLD} more are left out; correct these first."]
    return "\n".join(lines) + "\n"


def _instead(before: Upload | None) -> str:
    return "runs use the last good one instead" if before else "there is no earlier one, so no run does anything"


def _name(upload: Upload) -> str:
    return f"{escaped(upload.name)}."


def _counts(uploaded: Upload, before: Upload | None, definitions: Collection[str] | None) -> list[str]:
    now = counts(uploaded.configuration, definitions)
    then = counts(before.configuration, definitions) if before else None
    known = f" of {len(definitions)}" if definitions is not None else ""
    rows = [
        ("Labs that are served", now.labs, then and then.labs),
        ("Labs that are set aside", now.set_aside, then and then.set_aside),
        ("Entries of ImagePaths", now.entries, then and then.entries),
        (f"Golden images asked for{known}", now.images, then and then.images),
        ("Images in labs, all in all", now.pairs, then and then.pairs),
    ]
    cells = [(what, _number(number), _number(earlier) if then else "-") for what, number, earlier in rows]
    return table(("", "Now", "Before"), cells)


def _number(number: int | None) -> str:
    return "not known: GoldenImages is not uploaded" if number is None else f"{number:,}"


def _differences(now: Configuration, before: Configuration) -> Iterable[str]:
    """Which labs come, go and ask for something else."""
    ours, theirs = _asked(now), _asked(before)
    both = ours.keys() & theirs.keys()
    kinds = {
        "Labs added": ours.keys() - theirs.keys(),
        "Labs no longer served": theirs.keys() - ours.keys(),
        "Labs that ask for other images": {key for key in both if ours[key][1] != theirs[key][1]},
    }
    names = {key: name for key, (name, _) in (*theirs.items(), *ours.items())}
    said = [f"- {what}: {_names(sorted(names[key] for key in keys))}" for what, keys in kinds.items() if keys]
    return said or ["It asks for what was asked for before."]


def _names(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(map(escaped, names[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")


_Key = tuple[str, ...]
_Wish = frozenset[tuple[tuple[str, ...], bool]]


def _asked(configuration: Configuration) -> Mapping[_Key, tuple[str, _Wish]]:
    """By lab, wherever it stands in the file: its name and what it asks for."""
    return {
        (lab.subscription.lower(), lab.resource_group.lower(), lab.name.lower()): (lab.name, _wish(lab.entries))
        for lab in configuration.labs
    }


def _wish(entries: Iterable[ImageEntry]) -> _Wish:
    return frozenset((entry.segments, entry.folder_only) for entry in entries)


def _images(labs: Collection[LabRequest], definitions: Collection[str]) -> list[frozenset[str]]:
    """The golden images of each lab, as the matcher has it; it is asked once for entries that are the same."""
    keys = {path: path_key(path) for path in definitions}
    taken: dict[tuple[tuple[str, ...], bool], frozenset[str]] = {}
    for entry in (entry for lab in labs for entry in lab.entries):
        wish = (entry.segments, entry.folder_only)
        if wish not in taken:
            taken[wish] = frozenset(key for path, key in keys.items() if entry.takes(path))
    return [frozenset[str]().union(*(taken[wish] for wish in _wish(lab.entries))) for lab in labs]
