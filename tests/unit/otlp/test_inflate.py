"""Inflating gzip bodies within bounds."""

import gzip
import os

import pytest

from agentslo.otlp.inflate import MEMBERS_LIMIT, InflateError, Inflater, InflateTooLarge, inflate

MIB = 1024 * 1024


@pytest.mark.parametrize("size", [0, 1, 1000, 3 * MIB + 1])
@pytest.mark.parametrize("step", [1000, 10**9])
def test_a_body_comes_back_whatever_the_chunks(size: int, step: int) -> None:
    plain = os.urandom(size // 2) + b"x" * (size - size // 2)
    packed = gzip.compress(plain)
    inflater = Inflater(4 * MIB)
    for start in range(0, len(packed), step):
        inflater.feed(packed[start : start + step])
    assert inflater.finish() == plain


def test_two_members_are_one_body() -> None:
    assert inflate(gzip.compress(b"a") + gzip.compress(b"b"), MIB) == b"ab"


def test_a_body_of_exactly_the_limit_passes_and_one_more_byte_does_not() -> None:
    plain = os.urandom(2 * MIB)
    assert inflate(gzip.compress(plain), len(plain)) == plain
    with pytest.raises(InflateTooLarge):
        inflate(gzip.compress(plain), len(plain) - 1)


def test_a_bomb_is_refused_by_its_ratio_before_the_limit() -> None:
    inflater = Inflater(64 * MIB)
    with pytest.raises(InflateTooLarge, match="500:1"):
        inflater.feed(gzip.compress(b"\0" * (40 * MIB)))
    assert inflater.size_bytes <= 21 * MIB


def test_too_many_members_are_refused() -> None:
    empty = gzip.compress(b"")
    assert inflate(empty * MEMBERS_LIMIT, MIB) == b""
    with pytest.raises(InflateError, match="members"):
        inflate(empty * (MEMBERS_LIMIT + 1), MIB)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"not gzip", id="no gzip"),
        pytest.param(gzip.compress(b"x" * 1000)[:-1], id="cut in the trailer"),
        pytest.param(gzip.compress(os.urandom(1000))[:500], id="cut in the middle"),
        pytest.param(gzip.compress(b"x")[:-8] + b"\0" * 8, id="wrong checksum"),
        pytest.param(gzip.compress(b"x") + b"rest", id="rest behind"),
    ],
)
def test_broken_gzip_is_an_inflate_error(data: bytes) -> None:
    with pytest.raises(InflateError):
        inflate(data, MIB)
