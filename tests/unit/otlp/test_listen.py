"""Addresses and why they cannot be had."""

import socket

import pytest

from agentslo.otlp.listen import ListenFailed, PortTaken, split_address, why_not


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:4317", ("127.0.0.1", 4317)),
        ("[::1]:0", ("::1", 0)),
        (":4318", ("0.0.0.0", 4318)),
        ("collector.local:65535", ("collector.local", 65535)),
    ],
)
def test_an_address_is_host_and_port(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts


@pytest.mark.parametrize("address", ["", "4317", "host:", "host:x", "host:65536", "host:-1"])
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        split_address(address)


def test_the_reason_names_the_address_and_the_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        error = why_not(address, "listen.grpc.address")
        assert isinstance(error, PortTaken)
        assert str(error) == (
            f"cannot listen on {address}: the port is taken; change listen.grpc.address"
        )
    foreign = why_not("203.0.113.1:4317", "--grpc")
    assert isinstance(foreign, ListenFailed)
    assert not isinstance(foreign, PortTaken)
    assert "203.0.113.1:4317" in str(foreign)
