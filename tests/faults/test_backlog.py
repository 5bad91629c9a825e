"""A start with more on disk than there is memory: it is read in pieces, and sent."""

import hashlib
import os
import re
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from agentslo.service.dispatch import Outgoing
from agentslo.service.outbox import OUTBOX, pack
from agentslo.store.journal import JOURNAL_FILE, Journal
from faults.life import Life
from faults.oracle import back_end, spans_in
from scenarios import tree
from support.wait import until

COMMAND = Path(sys.executable).with_name("agentslo")
LONG = bool(os.environ.get("FAULTS_LONG"))
BACKLOG_BYTES = 2**30 if LONG else 2**26
MEMORY_BYTES = 256 * 2**20
READY_S = 60.0
PAYLOAD_BYTES = 60_000
TOGETHER = 100


def request(number: int) -> bytes:
    """A request with one large span that nobody reads."""
    noise = hashlib.shake_128(number.to_bytes(8, "big")).hexdigest(PAYLOAD_BYTES // 2)
    row = {"name": "SELECT", "at": [0, 1], "trace": f"b {number}", "id": f"b {number}"}
    return tree.request(tree.spans([{**row, "attributes": {"noise": noise}}]))


def _kept(body: bytes) -> bytes:
    return pack(Outgoing(destination="sink", payload=body, items=1))


def peak_bytes(pid: int) -> int:
    """The most memory the process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found.group(1)) * 1024


@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_a_backlog_larger_than_memory_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    spans = set()
    with closing(Journal(tmp_path / "data" / JOURNAL_FILE, 2 * BACKLOG_BYTES)) as journal:
        for start in range(0, BACKLOG_BYTES // PAYLOAD_BYTES, TOGETHER):
            bodies = {n: request(n) for n in range(start, start + TOGETHER)}
            spans |= {span for body in bodies.values() for span in spans_in(body)}
            sent = (
                (n, Outgoing(destination="sink", payload=b, items=1)) for n, b in bodies.items()
            )
            journal.write({(OUTBOX, n.to_bytes(8, "big")): pack(one) for n, one in sent})
    with back_end() as downstream:
        downstream.away.set()
        storage = {"directory": str(tmp_path / "data"), "spill_bytes": "4GiB"}
        storage["journal_bytes"] = "4GiB"
        life = Life(COMMAND, tmp_path, downstream, {"storage": storage})
        began = time.monotonic()
        service = life.start()
        ready_s = time.monotonic() - began
        ready_bytes = peak_bytes(service.process.pid)
        downstream.away.clear()
        until(lambda: spans <= downstream.copies.keys(), timeout_s=600, what="the backlog to leave")
        sent_bytes = peak_bytes(service.process.pid)
        sys.stdout.write(
            f"{len(spans)} requests, {BACKLOG_BYTES / 2**20:.0f} MiB: ready in {ready_s:.1f} s, "
            f"{ready_bytes / 2**20:.0f} MiB; all sent after {time.monotonic() - began:.1f} s, "
            f"{sent_bytes / 2**20:.0f} MiB\n"
        )
        assert service.stop() == 0
        assert ready_s < READY_S
        assert max(ready_bytes, sent_bytes) < MEMORY_BYTES
