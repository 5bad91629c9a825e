"""Whether training and golden sets share cases: same id, same words, or nearly the same.

In: cases as JSON objects of two sets. Out: overlaps. Pure; texts are compared, never kept: what is
reported of a case is its place and a digest. Near: the Jaccard similarity of the sets of 8 words
that follow each other is at least 0.5; texts of fewer than 8 words are compared as a whole.
Source: requirements.md R9.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

GRAM = 8
NEAR = 0.5
IDS = ("run_id", "trace_id", "id")
TEXTS = ("input", "text", "prompt", "question", "messages")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One golden case that training holds too; places count from 0."""

    golden: int
    training: int
    how: Literal["id", "same", "near"]
    similarity: float


@dataclass(frozen=True, slots=True)
class _Case:
    place: int
    ids: frozenset[str]
    digest: str
    grams: frozenset[int]


def overlaps(
    training: Sequence[Mapping[str, Any]], golden: Sequence[Mapping[str, Any]]
) -> list[Overlap]:
    """Every golden case that is in the training set too, once each."""
    by_id: dict[str, int] = {}
    by_digest: dict[str, int] = {}
    by_gram: dict[int, list[int]] = {}
    cases = [_case(place, found) for place, found in enumerate(training)]
    for case in cases:
        for ident in case.ids:
            by_id.setdefault(ident, case.place)
        if case.digest:
            by_digest.setdefault(case.digest, case.place)
        for gram in case.grams:
            by_gram.setdefault(gram, []).append(case.place)
    found = (
        _overlap(_case(place, value), cases, by_id, by_digest, by_gram)
        for place, value in enumerate(golden)
    )
    return [overlap for overlap in found if overlap is not None]


def _overlap(
    case: _Case,
    training: Sequence[_Case],
    by_id: Mapping[str, int],
    by_digest: Mapping[str, int],
    by_gram: Mapping[int, Sequence[int]],
) -> Overlap | None:
    for ident in sorted(case.ids):
        if ident in by_id:
            return Overlap(golden=case.place, training=by_id[ident], how="id", similarity=1.0)
    if case.digest in by_digest:
        place = by_digest[case.digest]
        return Overlap(golden=case.place, training=place, how="same", similarity=1.0)
    best, at = 0.0, 0
    for place in {p for gram in case.grams for p in by_gram.get(gram, ())}:
        other = training[place].grams
        similarity = len(case.grams & other) / len(case.grams | other)
        if similarity > best:
            best, at = similarity, place
    if best < NEAR:
        return None
    return Overlap(golden=case.place, training=at, how="near", similarity=round(best, 4))


def _case(place: int, found: Mapping[str, Any]) -> _Case:
    words = _WORD.findall(unicodedata.normalize("NFKC", " ".join(_texts(found))).casefold())
    grams = frozenset(
        hash(tuple(words[start : start + GRAM])) for start in range(len(words) - GRAM + 1)
    )
    digest = hashlib.sha256(" ".join(words).encode()).hexdigest() if words else ""
    ids = frozenset(f"{key}:{found[key]}" for key in IDS if found.get(key))
    return _Case(place, ids, digest, grams)


def _texts(found: Mapping[str, Any]) -> Iterator[str]:
    for key in TEXTS:
        if key in found:
            yield from _strings(found[key])


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _all(value.values())
    elif isinstance(value, list):
        yield from _all(value)


def _all(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from _strings(value)
