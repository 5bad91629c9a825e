"""What leaves over HTTP goes to addresses that were looked at, and follows no redirect."""

import socket
import urllib.request

import pytest

from agentslo.respond.outbound import allowed, send
from support.receiver import receiving


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("::ffff:169.254.169.254", False),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.1", False),
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("::1", True),
        ("203.0.113.9", True),
    ],
)
def test_addresses_that_no_receiver_can_have_are_not_connected_to(address: str, may: bool) -> None:
    assert allowed(address) is may


def test_a_name_that_comes_to_stand_for_the_metadata_of_a_cloud_is_refused_at_the_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def rebound(host: str, port: int, *_: object) -> list[object]:
        asked.append(host)
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("169.254.169.254", port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    request = urllib.request.Request("http://training.example.org/x", data=b"{}")
    assert "no address that may be sent to" in send(request)
    assert asked == ["training.example.org"]


def test_a_redirect_is_not_followed() -> None:
    with receiving() as receiver, receiving() as other:
        receiver.status, receiver.location = 307, other.url
        assert send(urllib.request.Request(receiver.url, data=b"{}")) == "answered 307"
        assert other.requests == []


def test_what_is_taken_is_taken() -> None:
    with receiving() as receiver:
        assert send(urllib.request.Request(receiver.url, data=b"{}")) == ""
    assert send(urllib.request.Request(receiver.url, data=b"{}")).startswith("does not answer")
