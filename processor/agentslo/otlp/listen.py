"""Addresses to listen on, and why one could not be had.

    ListenFailed            the address cannot be listened on
    └── PortTaken           because something else listens there already

In: `host:port` texts. Out: host and port, or one of the exceptions above. No state.
"""

import errno
import socket

ANY_HOST = "0.0.0.0"  # noqa: S104 - only for an address that was given without a host

LOOPBACK = "127.0.0.1"


class ListenFailed(OSError):
    """The address cannot be listened on; the message names it and the option that set it."""

    def __init__(self, address: str, option: str, reason: str) -> None:
        super().__init__(f"cannot listen on {address}: {reason}; change {option}")
        self.address = address
        self.option = option


class PortTaken(ListenFailed):
    """Another process listens on the address."""

    def __init__(self, address: str, option: str) -> None:
        super().__init__(address, option, "the port is taken")


def split_address(address: str) -> tuple[str, int]:
    """`127.0.0.1:4317` or `[::1]:4317` as host and port; an empty host is every IPv4 address.

    `localhost` is 127.0.0.1 without asking a resolver, which could answer anything.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{address!r} is not host:port")
    if host.lower() == "localhost":
        host = LOOPBACK
    return host.removeprefix("[").removesuffix("]") or ANY_HOST, int(port)


def listen_error(address: str, option: str, error: OSError) -> ListenFailed:
    """The exception for an `OSError` of bind."""
    if error.errno == errno.EADDRINUSE:
        return PortTaken(address, option)
    return ListenFailed(address, option, error.strerror or str(error))


def why_not(address: str, option: str) -> ListenFailed:
    """Try the address again with a plain socket: gRPC says that bind failed, not why."""
    try:
        host, port = split_address(address)
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen()
    except OSError as error:
        return listen_error(address, option, error)
    return ListenFailed(address, option, "gRPC refused it")


def require_free(address: str, option: str) -> None:
    """Raise where the address cannot be had: gRPC would write lines of its own about it."""
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise listen_error(address, option, error) from None
