"""Labs that labs.json names twice: no place is served, and the lab is reported once (B5, X3)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from shared.errors import ConfigurationError
from shared.labs_file.drafts import Draft
from shared.labs_file.notes import Notes, joined

_SHOWN = 5


def join_twice_named(drafts: Sequence[Draft], notes: Notes) -> list[Draft]:
    """Join the drafts of one lab into one that is set aside and has the entries of all; a finding stands at each later place.

    Two labs of one subscription and name, without case, are the same unless both say a resource group and these differ.
    """
    joined: dict[int, Draft] = {}
    gone: set[int] = set()
    for first, *others in _places_of_one_lab(drafts):
        joined[first] = _joined([drafts[place] for place in (first, *others)], notes)
        gone.update(others)
    return [joined.get(place, draft) for place, draft in enumerate(drafts) if place not in gone]


def _places_of_one_lab(drafts: Iterable[Draft]) -> list[list[int]]:
    """The positions of the drafts that mean the same lab, for each lab named more than once."""
    by_name: defaultdict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for place, draft in enumerate(drafts):
        name = (draft.request.subscription.lower(), draft.request.name.lower())
        by_name[name][place] = draft.request.resource_group.lower()
    same: list[list[int]] = []
    for groups in by_name.values():
        if "" in groups.values():
            same.append(list(groups))
        else:
            same += [
                [place for place, group in groups.items() if group == one] for one in dict.fromkeys(groups.values())
            ]
    return [places for places in same if len(places) > 1]


def _joined(drafts: Sequence[Draft], notes: Notes) -> Draft:
    first, *others = drafts
    entries = {(entry.segments, entry.folder_only): entry for draft in drafts for entry in draft.request.entries}
    whole = all(draft.is_whole for draft in drafts)
    advice = _one_for_all(first, others, joined([entry.text for entry in entries.values()] if whole else [None]))
    problems = [
        notes.error(_named_twice(first, other, advice), other.request.path, other.request.line or 1) for other in others
    ]
    return Draft(replace(first.request, entries=tuple(entries.values())), problems[0])


def _named_twice(first: Draft, other: Draft, advice: str) -> ConfigurationError:
    message = (
        f'The lab "{other.request.name}" is named twice: in {first.place} and in {other.place}; neither is served.'
    )
    return ConfigurationError("LabDuplicate", message, advice)


def _one_for_all(first: Draft, others: Sequence[Draft], paths: str) -> str:
    """The replacement: one lab with the entries of all."""
    lines = " and ".join(str(other.request.line) for other in others[:_SHOWN])
    return (
        f'Write "ImagePaths": {paths} on line {first.request.line} and remove the lab on line {lines};'
        " if they are different labs of one name, give each its ResourceGroup."
    )
