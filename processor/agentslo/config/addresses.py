"""Addresses and endpoints taken apart.

In: `127.0.0.1:4317`, `[::1]:4317`, `https://host/base`. Out: host and port, and whether two of
them meet. No state, no name look-ups. Sources: RFC 3986 3.2.2 (IPv6 in brackets), OTLP 1.x (ports).
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(?P<port>\d{1,6})", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65_535
GRPC_PORT = 4317


@dataclass(frozen=True, slots=True)
class HostPort:
    """A host without brackets, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def meets(self, other: "HostPort") -> bool:
        """Whether both name one socket of this machine: same port, same host or a wildcard."""
        if self.port != other.port or self.port == 0:
            return False
        mine, theirs = _canonical(self.host), _canonical(other.host)
        local = {"loopback", "any"}
        return mine == theirs or (mine in local and theirs in local)


def split_address(text: str) -> HostPort | None:
    """`host:port`, or None where it is neither; the port may be out of range."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return None
    host = match["host"]
    if host.startswith("["):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return None
    return HostPort(host, int(match["port"]))


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches a listen address; `localhost` is bound as 127.0.0.1."""
    found = split_address(address)
    return found is not None and _canonical(found.host) == "loopback"


def endpoint_address(endpoint: str, *, default_port: int | None = None) -> HostPort | None:
    """Where an endpoint (`host:port` or an http URL) connects to, or None.

    A URL without a port means `default_port`, or its scheme's where that is None.
    """
    if "://" not in endpoint:
        return split_address(endpoint)
    try:
        url = urlsplit(endpoint)
        port = url.port
    except ValueError:
        return None
    if url.scheme not in _DEFAULT_PORTS or not url.hostname:
        return None
    if port is None:
        port = _DEFAULT_PORTS[url.scheme] if default_port is None else default_port
    return HostPort(url.hostname, port)


def _canonical(host: str) -> str:
    name = host.lower().rstrip(".")
    if name == "localhost":
        return "loopback"
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    if address.is_loopback:
        return "loopback"
    return "any" if address.is_unspecified else str(address)
