"""A stop signal under load: what was acknowledged arrives, held roots leave, the account holds."""

import itertools
import re
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from service_parts import QUICK_RUNS, Sender, agentslo, listening, sink, to
from span_parts import requests_of, seen

from agentslo.demo.hello import requests
from support.wait import until

STOP_S = 25.0
ACCOUNT = re.compile(r"sink: accepted=(\d+) forwarded=(\d+) queued=(\d+) held=(\d+) dropped=(\d+)$")


def fresh() -> Iterator[bytes]:
    """New runs without end."""
    for _ in itertools.count():
        yield from (body for _, body in requests(time.time_ns(), secrets.token_bytes(8)))


def test_a_stop_under_load_forwards_all_that_was_acknowledged_and_accounts_for_it(
    tmp_path: Path,
) -> None:
    # Roots are held for longer than the test takes: what arrives of them, the stop released.
    runs = {**QUICK_RUNS, "quiet_s": 60, "quiet_single_s": 60, "hold_max_s": 60, "idle_s": 120}
    with sink() as back_end:
        config = listening({"destinations": [to(back_end.address)], "runs": runs})
        with agentslo(tmp_path, config) as service:
            with Sender(fresh(), service.grpc) as one, Sender(fresh(), service.grpc) as two:
                senders = (one, two)
                until(lambda: min(len(s.acknowledged) for s in senders) > 100, what="load")
                before = seen(requests_of(back_end.bodies))
                assert before.roots == set()
                started_s = time.monotonic()
                code = service.process.stop(signal.SIGTERM)
                took_s = time.monotonic() - started_s
            log = service.process.text()
        arrived = seen(requests_of(back_end.bodies))
    acknowledged = seen(requests_of(body for s in senders for body in s.acknowledged))
    assert (code, took_s < STOP_S) == (0, True)
    assert acknowledged.ids - arrived.ids == {}
    assert acknowledged.spans - arrived.spans == {}
    assert len(arrived.roots) > 50
    last = log.rstrip().splitlines()[-1]
    assert re.search(r"stopped: drained=True spans_received=\d+ runs=\d+ ", last)
    found = ACCOUNT.search(last)
    assert found, last
    accepted, forwarded, queued, held, dropped = map(int, found.groups())
    assert accepted == forwarded + queued + held + dropped
    assert (queued, held, dropped) == (0, 0, 0)
    assert forwarded == arrived.ids.total()


def test_a_stop_with_a_dead_back_end_ends_in_time_and_says_what_was_lost(tmp_path: Path) -> None:
    with sink() as back_end:
        address = back_end.address
    destination = to(address, timeout_s=1)
    listen = listening({"destinations": [destination]})["listen"]
    assert isinstance(listen, dict)
    listen["grpc"]["ack"] = "received"
    with agentslo(
        tmp_path, listening({"destinations": [destination], "listen": listen})
    ) as service:
        with Sender(fresh(), service.grpc) as sender:
            until(lambda: len(sender.acknowledged) > 50, what="load")
        received = service.total("agent_slo_processor_spans_received_total")
        started_s = time.monotonic()
        code = service.process.stop(signal.SIGTERM)
        took_s = time.monotonic() - started_s
        log = service.process.text()
    last = log.rstrip().splitlines()[-1]
    found = ACCOUNT.search(last)
    assert found, last
    accepted, forwarded, queued, held, dropped = map(int, found.groups())
    assert (code, took_s < STOP_S) == (0, True)
    assert accepted == dropped == received
    assert (forwarded, queued, held) == (0, 0, 0)
    assert "drained=False" in last
