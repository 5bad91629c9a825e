"""Webhooks that are signed in place of showing a token: body, time and id are what was signed.

In: a request's headers and body, the time. Out: whether it may pass. State: the ids that passed of
late, bounded by number and time, so that a request that is sent again passes once; the secrets,
read again when their file changes. Source: Standard Webhooks; reliability.md S20.
"""

import base64
import hashlib
import hmac
import logging
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from agentslo.config.tokens import read_lines

logger = logging.getLogger(__name__)

WINDOW_S = 300.0
"""How far the time that was signed may lie from ours."""
MAX_IDS = 10_000
_PREFIX = "v1,"


class Signatures:
    """The secrets of one file, one a line, and the ids they signed of late."""

    def __init__(self, path: Path) -> None:
        self._path, self._mtime_ns = path, -1
        self._secrets: tuple[bytes, ...] = ()
        self._passed: OrderedDict[str, float] = OrderedDict()
        self._read()

    def passes(self, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
        """Whether one of our secrets signed just this, just now, and it did not pass before."""
        ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not (ident and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            return False
        signed = f"{ident}.{stamp}.".encode(errors="replace") + body
        shown = headers.get("webhook-signature", "").split(" ")[:10]
        fresh = abs(now_s - int(stamp)) <= WINDOW_S
        # All is compared before anything is answered, so that the time tells nothing.
        right = sum(_equal(one, secret, signed) for one in shown for secret in self._current())
        if not (right and fresh) or ident in self._passed:
            return False
        self._passed[ident] = now_s
        while self._passed and (
            len(self._passed) > MAX_IDS or next(iter(self._passed.values())) < now_s - 2 * WINDOW_S
        ):
            self._passed.popitem(last=False)
        return True

    def _current(self) -> tuple[bytes, ...]:
        try:
            if self._path.stat().st_mtime_ns != self._mtime_ns:
                self._read()
        except (OSError, ValueError) as error:
            logger.warning("keeping the old signing secrets: %s %s", self._path, error)
        return self._secrets

    def _read(self) -> None:
        self._mtime_ns = self._path.stat().st_mtime_ns
        self._secrets = read_lines(self._path)


def _equal(shown: str, secret: bytes, signed: bytes) -> bool:
    made = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(shown.encode(errors="replace"), f"{_PREFIX}{made}".encode())
