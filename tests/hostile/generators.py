"""Nasty things made up: documents that look right, with corpus texts and worse in any place."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from shared.domain.encodings import well_formed
from tests.hostile import corpus

NASTY: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(sorted(text for text in corpus.TEXTS.values() if len(text) < 1000)),
    st.text(max_size=20),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Co", "Cn"]), max_size=8),
    st.lists(st.sampled_from(["..", ".", "/", "\\", "Win", "%2f", "://", "\0", "\ud800", ".json"]), max_size=6).map("".join),
)  # fmt: skip

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=8,
)


def _spoiled(good: dict[str, Any], more: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """A good object with some members replaced, left out or added."""
    replaced = st.dictionaries(
        st.sampled_from([*good, *more, "__class__", "__module__", "$schema"]) | NASTY, JSON, max_size=3
    )
    left_out = st.sets(st.sampled_from(sorted(good)), max_size=1)
    return st.builds(lambda new, gone: {k: v for k, v in (good | new).items() if k not in gone}, replaced, left_out)


def labs_documents() -> st.SearchStrategy[Any]:
    """Something like labs.json."""
    lab = _spoiled(corpus.lab(), ("ResourceGroup",)) | JSON
    entries = st.lists(NASTY, max_size=4).map(lambda paths: corpus.lab(ImagePaths=paths))
    return st.builds(
        lambda labs, more: {"Labs": labs} | more,
        st.lists(lab | entries, max_size=4),
        st.dictionaries(NASTY, JSON, max_size=1),
    )


def manifest_documents() -> st.SearchStrategy[Any]:
    """Something like a manifest, of ours or of the original."""
    return _spoiled(corpus.manifest(), corpus.OUR_KEYS)


def damaged(files: Mapping[str, bytes]) -> st.SearchStrategy[bytes]:
    """One of these, with a piece cut out or overwritten. Half a secret cannot be told from other text: those stay whole."""
    whole = [name for name, data in files.items() if not any(secret.encode() in data for secret in corpus.SECRETS)]
    return st.sampled_from(sorted(whole)).flatmap(lambda name: _damaged(files[name][:20_000]))


def _damaged(data: bytes) -> st.SearchStrategy[bytes]:
    place = st.integers(0, len(data))
    piece = st.binary(max_size=6) | st.sampled_from([b"", b"\0", b'"', b"{", b"]", b"\\ud800", b"\xff\xfe"])
    return st.builds(
        lambda first, second, piece: data[: min(first, second)] + piece + data[max(first, second) :],
        place,
        place,
        piece,
    )


LONGEST_TAG = 256


def as_tag(text: str) -> str:
    """As Azure has it: without lone surrogates, and cut."""
    return well_formed(text)[:LONGEST_TAG]


TAG = NASTY.map(as_tag)
