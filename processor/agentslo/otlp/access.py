"""Who may use a listener: bearer tokens from a file, and a bound on wrong ones.

In: the `Authorization` header of a request, the peer's address, the time. Out: None, or why not.
State: the digests of the tokens, read again when the file changes; per address how many wrong
tokens it showed of late, bounded in number. Source: RFC 6750, RFC 7617; reliability.md S10.
"""

import base64
import binascii
import hmac
import logging
import os
from collections import Counter, OrderedDict
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from agentslo.config.tokens import Digests, digest, read_tokens

logger = logging.getLogger(__name__)

WRONG_BURST = 20
"""Wrong tokens one address may show at once; then one a second."""
ADDRESSES = 10_000
PREFIX_BITS = 64
"""An IPv6 host has this many bits of its own to change."""

Stamp = tuple[int, int, int]


class Denied(StrEnum):
    """Why a request is not let in."""

    MISSING = "missing"
    WRONG = "wrong"
    LIMITED = "limited"
    """Too many wrong tokens from this address: not even looked at."""


class TokenFile:
    """The tokens of one purpose; a file that cannot be read keeps the old ones."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp, self._digests = _stamp(path), read_tokens(path)

    def holds(self, token: bytes) -> bool:
        """Whether the token is one of ours; the time does not tell which or how nearly."""
        shown = digest(token)
        return sum(hmac.compare_digest(shown, one) for one in self._current()) > 0

    def _current(self) -> Digests:
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                self._digests = read_tokens(self._path)
        except (OSError, ValueError) as error:
            logger.warning("keeping the old tokens: %s %s", self._path, error)
        return self._digests


class Failures:
    """How many wrong tokens each address showed of late: a bucket that leaks one a second."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def locked(self, address: str, now_s: float) -> bool:
        """Whether the address has to wait."""
        return self._level(address, now_s) > WRONG_BURST - 1

    def add(self, address: str, now_s: float) -> None:
        """Count one more."""
        self._levels[address] = (self._level(address, now_s) + 1, now_s)
        self._levels.move_to_end(address)
        if len(self._levels) > ADDRESSES:
            self._levels.popitem(last=False)

    def _level(self, address: str, now_s: float) -> float:
        level, then_s = self._levels.get(address, (0.0, now_s))
        return max(0.0, level - (now_s - then_s))


class Guard:
    """Lets in who shows a token of the file. `browsers`: also as the password of Basic."""

    def __init__(self, path: Path, failures: Failures, *, browsers: bool = False) -> None:
        self._tokens, self._failures, self._browsers = TokenFile(path), failures, browsers
        self.denied: Counter[str] = Counter()

    def knows(self, authorization: str) -> bool:
        """Whether the token is one of ours, whoever shows it; counts nothing."""
        token = _token(authorization, browsers=self._browsers)
        return bool(token) and self._tokens.holds(token)

    def check(self, authorization: str, peer: str, now_s: float) -> Denied | None:
        """Why the request is not let in; None where it is."""
        found = self._check(authorization, source(peer), now_s)
        if found is not None:
            self.denied[found] += 1
        return found

    def _check(self, authorization: str, address: str, now_s: float) -> Denied | None:
        if self._failures.locked(address, now_s):
            return Denied.LIMITED
        if not _token(authorization, browsers=self._browsers):
            return Denied.MISSING
        if self.knows(authorization):
            return None
        self._failures.add(address, now_s)
        return Denied.WRONG


def source(peer: str) -> str:
    """What wrong tokens are counted by: an IPv4 address, or the network of an IPv6 one."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer[:100]
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{int(address) >> PREFIX_BITS:x}"


def _token(authorization: str, *, browsers: bool) -> bytes:
    scheme, _, rest = authorization.strip().partition(" ")
    shown = rest.strip().encode("utf-8", "surrogateescape")
    if scheme.lower() == "bearer":
        return shown
    if scheme.lower() != "basic" or not browsers:
        return b""
    try:
        return base64.b64decode(shown, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def _stamp(path: Path) -> Stamp:
    file = os.stat(path)  # noqa: PTH116 - on the way of every request; Path.stat costs double
    return (file.st_mtime_ns, file.st_size, file.st_ino)
