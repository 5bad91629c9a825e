"""Signed webhooks: only what was signed, when it was signed, and once."""

from pathlib import Path

import pytest

from agentslo.respond.delivery import signature
from agentslo.service.signed import MAX_IDS, WINDOW_S, Signatures

SECRET = "a secret of twenty-two characters or more"
NOW_S = 1_800_000_000.0
BODY = b'{"version": "4"}'


def headers(ident: str = "a", body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(NOW_S))
    return {
        "webhook-id": ident,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(secret, ident, stamp, body),
    }


@pytest.fixture
def signed(tmp_path: Path) -> Signatures:
    path = tmp_path / "signing"
    path.write_text(SECRET.replace(" ", "_") + "\n")
    return Signatures(path)


def make(**more: object) -> dict[str, str]:
    return headers(secret=SECRET.replace(" ", "_"), **more)  # type: ignore[arg-type]  # by name


def test_what_we_signed_passes_once(signed: Signatures) -> None:
    assert signed.passes(make(), BODY, NOW_S)
    assert not signed.passes(make(), BODY, NOW_S + 1), "the same again"
    assert signed.passes(make(ident="b"), BODY, NOW_S)


@pytest.mark.parametrize("late_s", [WINDOW_S + 1, -WINDOW_S - 1])
def test_an_old_time_or_one_to_come_is_refused(signed: Signatures, late_s: float) -> None:
    assert not signed.passes(make(), BODY, NOW_S + late_s)


def test_a_body_id_or_time_changed_afterwards_is_refused(signed: Signatures) -> None:
    assert not signed.passes(make(), BODY + b" ", NOW_S)
    assert not signed.passes({**make(), "webhook-id": "b"}, BODY, NOW_S)
    assert not signed.passes({**make(), "webhook-timestamp": str(int(NOW_S) + 1)}, BODY, NOW_S)


@pytest.mark.parametrize("stamp", ["", "x", "-5", "1e9", "9" * 400, "१२३"])
def test_a_time_that_is_none_is_refused(signed: Signatures, stamp: str) -> None:
    assert not signed.passes({**make(), "webhook-timestamp": stamp}, BODY, NOW_S)


def test_another_secret_passes_once_the_file_holds_it(signed: Signatures, tmp_path: Path) -> None:
    other = headers(ident="n", secret="another_secret_of_enough_length")
    assert not signed.passes(other, BODY, NOW_S)
    (tmp_path / "signing").write_text("another_secret_of_enough_length\n")
    assert signed.passes(other, BODY, NOW_S)


def test_ids_are_remembered_up_to_a_bound(signed: Signatures) -> None:
    for number in range(MAX_IDS + 50):
        assert signed.passes(make(ident=str(number)), BODY, NOW_S)
    assert len(signed._passed) == MAX_IDS
