"""Bearer tokens from files, and a bound on wrong ones."""

import base64
import os
import random
import statistics
import time
from pathlib import Path

import pytest

from agentslo.config.tokens import TokensError, read_tokens
from agentslo.otlp.access import ADDRESSES, WRONG_BURST, Denied, Failures, Guard

TOKEN = "first-token-of-the-test-0001"
OTHER = "other-token-of-the-test-0002"
PEER = "198.51.100.7"


def guard(folder: Path, *tokens: str, browsers: bool = False) -> Guard:
    file = folder / "tokens"
    file.write_text("# two at once, so that one can be changed\n\n" + "\n".join(tokens) + "\n")
    return Guard(file, Failures(), browsers=browsers)


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


def test_every_token_of_the_file_lets_in_and_nothing_else_does(tmp_path: Path) -> None:
    door = guard(tmp_path, TOKEN, OTHER)
    for shown in (f"Bearer {TOKEN}", f"bearer  {OTHER} "):
        assert door.check(shown, PEER, 0) is None
    wrong = [f"Bearer {TOKEN[:-1]}x", f"Bearer {TOKEN}x", f"Bearer {TOKEN},{OTHER}"]
    assert {door.check(shown, PEER, 0) for shown in wrong} == {Denied.WRONG}
    without = ["", TOKEN, f"Token {TOKEN}", basic(TOKEN), "Bearer", "Bearer #", "Basic %"]
    found = {shown: door.check(shown, "198.51.100.8", 0) for shown in without}
    assert set(found.values()) <= {Denied.MISSING, Denied.WRONG}
    assert door.denied.total() == len(wrong) + len(without)


def test_a_browser_may_show_the_token_as_its_password(tmp_path: Path) -> None:
    door = guard(tmp_path, TOKEN, browsers=True)
    assert door.check(basic(TOKEN), PEER, 0) is None
    assert door.check(basic(OTHER), PEER, 0) is Denied.WRONG
    assert door.check(basic(""), PEER, 0) is Denied.MISSING


def test_a_changed_file_counts_at_once_and_a_broken_one_keeps_the_old(tmp_path: Path) -> None:
    door, file = guard(tmp_path, TOKEN), tmp_path / "tokens"
    file.write_text(OTHER)
    assert door.check(f"Bearer {OTHER}", PEER, 0) is None
    assert door.check(f"Bearer {TOKEN}", PEER, 0) is Denied.WRONG
    file.write_text("short")
    assert door.check(f"Bearer {OTHER}", PEER, 0) is None
    file.unlink()
    assert door.check(f"Bearer {OTHER}", PEER, 0) is None


def test_after_some_wrong_tokens_an_address_waits_a_second_for_each(tmp_path: Path) -> None:
    door = guard(tmp_path, TOKEN)
    said = [door.check("Bearer wrong", PEER, 0) for _ in range(WRONG_BURST + 1)]
    assert said == [Denied.WRONG] * WRONG_BURST + [Denied.LIMITED]
    assert door.check(f"Bearer {TOKEN}", PEER, 0.5) is Denied.LIMITED
    assert door.check(f"Bearer {TOKEN}", "198.51.100.8", 0.5) is None
    assert door.check(f"Bearer {TOKEN}", PEER, 1.1) is None


def test_a_host_is_one_address_whatever_it_makes_of_its_own_bits(tmp_path: Path) -> None:
    door = guard(tmp_path, TOKEN)
    for number in range(WRONG_BURST):
        assert door.check("Bearer wrong", f"2001:db8::{number + 1:x}", 0) is Denied.WRONG
    assert door.check("Bearer wrong", "2001:db8::ffff", 0) is Denied.LIMITED
    assert door.check("Bearer wrong", "2001:db8:0:1::1", 0) is Denied.WRONG


def test_as_many_addresses_as_there_are_take_bounded_room() -> None:
    failures = Failures()
    for number in range(ADDRESSES + 5_000):
        failures.add(str(number), 0.0)
    assert len(failures._levels) == ADDRESSES


@pytest.mark.parametrize(
    "content",
    [b"", b"# nothing\n", b"short\n", b"with a space in the middle of it\n", b"x" * 70_000],
)
def test_a_file_without_good_tokens_is_refused_and_never_quoted(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "tokens").write_bytes(content)
    with pytest.raises(TokensError) as caught:
        read_tokens(tmp_path / "tokens")
    assert "short\n" not in str(caught.value) and "middle" not in str(caught.value)


def test_the_time_does_not_tell_how_nearly_a_token_is_right(tmp_path: Path) -> None:
    tokens = [random.Random(n).randbytes(32).hex() for n in range(2)]
    door = guard(tmp_path, *tokens)
    shown = {
        "first byte": f"Bearer {'x' + tokens[0][1:]}",
        "last byte": f"Bearer {tokens[0][:-1] + 'x'}",
        "every byte": f"Bearer {'x' * 64}",
    }
    times: dict[str, list[int]] = {name: [] for name in shown}
    os.sched_yield()
    for _ in range(4_000):
        for name, authorization in shown.items():
            begin = time.perf_counter_ns()
            door.knows(authorization)
            times[name].append(time.perf_counter_ns() - begin)
    medians = [statistics.median(found) for found in times.values()]
    assert max(medians) < 1.25 * min(medians)
