"""Requests about something new score higher than those about known things."""

import json
import random

import numpy as np

from agentslo.dialects.request import hashed_request, packed
from agentslo.watch.novelty import BINS, MAX_REFERENCES, NoveltyIndex, References

VERBS = ("please change", "how do i see", "i want to cancel", "where is", "can you explain")
KNOWN = ("my invoice", "the delivery date", "a refund", "my password", "the order status")
NEW = ("the cruise excursion", "pasta recipes", "guitar chords", "yoga stretches", "moon phases")
TAILS = ("today", "for me", "again", "since monday", "on my phone", "as soon as possible", "")


def _requests(topics: tuple[str, ...], count: int, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    parts = [(rng.choice(VERBS), rng.choice(topics), rng.choice(TAILS)) for _ in range(count)]
    return [packed(" ".join(p)) for p in parts]


def test_a_new_topic_is_more_novel_than_known_ones() -> None:
    index = NoveltyIndex(_requests(KNOWN, 400, 1))
    known = [index.score(r) for r in _requests(KNOWN, 100, 2)]
    new = [index.score(r) for r in _requests(NEW, 100, 3)]

    assert min(new) > max(known)
    assert all(0 <= score <= 1 for score in (*known, *new))


def test_the_baseline_does_not_judge_itself_by_itself() -> None:
    rng = random.Random(5)
    vocabulary = [f"word{i}" for i in range(400)]
    texts = [packed(" ".join(rng.choices(vocabulary, k=6))) for _ in range(900)]
    index = NoveltyIndex(texts[:600])
    fresh = np.bincount([index.bin(index.score(t)) for t in texts[600:]], minlength=len(BINS))
    expected = index.calibration / index.calibration.sum() * 300

    assert float(((fresh - expected) ** 2 / expected).sum()) < 29  # chi-square, 7 df, p 1e-4


def test_a_reference_scores_as_if_it_had_never_been_one() -> None:
    texts = _requests(KNOWN, 60, 1) + _requests(NEW, 5, 2)
    index = NoveltyIndex(texts)

    for place in (0, 17, 61, 64):
        others = NoveltyIndex(texts[:place] + texts[place + 1 :])
        assert abs(float(index.left_out[place]) - others.score(texts[place])) < 0.01


def test_a_request_without_words_is_not_scored_as_new() -> None:
    index = NoveltyIndex(_requests(KNOWN, 300, 1))

    assert packed("?!") == b""
    assert index.score(b"") == 0.0


def test_references_are_bounded_and_the_same_each_time() -> None:
    one, other = References(), References()
    for count in range(3 * MAX_REFERENCES):
        for sample in (one, other):
            sample.add(packed(f"request number {count}"))

    assert len(one.requests) == MAX_REFERENCES
    assert one.requests == other.requests


def test_the_last_thing_a_person_said_is_what_counts() -> None:
    asked = [{"type": "text", "content": "where is my parcel"}]
    messages = [
        {"role": "system", "parts": [{"type": "text", "content": "you are a helper"}]},
        {"role": "user", "parts": [{"type": "text", "content": "hello there"}]},
        {"role": "assistant", "parts": [{"type": "text", "content": "what can i do"}]},
        {"role": "user", "parts": asked},
    ]

    found = hashed_request({"gen_ai.input.messages": json.dumps(messages)})

    assert found == packed("where is my parcel")
    assert hashed_request({"input.value": "where is my parcel"}) == found
    assert hashed_request({"input.value": '{"question": "where is my parcel"}'}) == found
    assert hashed_request({"gen_ai.usage.input_tokens": 3}) == b""


def test_a_long_conversation_is_read_from_its_end() -> None:
    padding = [{"role": "user", "content": "x" * 1_000} for _ in range(100)]
    messages = [*padding, {"role": "user", "content": "where is my parcel"}]

    found = hashed_request({"gen_ai.input.messages": json.dumps(messages)})

    assert found == packed("where is my parcel")


def test_hostile_requests_are_read_without_harm() -> None:
    for value in ("[" * 50_000, '{"role": "user"', "\ud800", '["a", 1, null]', "{}" * 40_000):
        assert isinstance(hashed_request({"input.value": value}), bytes)
