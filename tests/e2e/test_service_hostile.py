"""Attacks on a running service: each ends with the right answer, in bounded memory and time.

`pytest -s tests/e2e/test_service_hostile.py` prints what each cost; docs/security.md shows it.
"""

import gzip
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import grpc
import hostile
import pytest
from hostile import MIB, frame, measured, posted
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from service_parts import Service, agentslo, get, listening
from test_service_guards import a_run

from agentslo.otlp.answer import Signal
from scenarios import tree
from support.wait import until

LIMIT_MIB = 64
pytestmark = pytest.mark.xdist_group("hostile")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config = listening({"metrics": {"zero_hold_s": 0}})
    with agentslo(tmp_path_factory.mktemp("hostile"), config) as running:
        # Warm: what is made once must not count as an attack's.
        assert posted(running, a_run("warm")) == "200"
        get(f"{running.metrics}/metrics")
        yield running


class Attack(NamedTuple):
    """One body, the answers it may get, and its bounds."""

    send: Callable[[Service], str]
    answers: set[str]
    rss_mib: float = LIMIT_MIB + 8
    cpu_s: float = 1.0
    health_s: float = 1.0


JSON = "application/json"


def grpc_call(service: Service, body: bytes, method: str = Signal.TRACES.grpc_method, **how) -> str:
    with grpc.insecure_channel(
        service.grpc, options=[("grpc.max_send_message_length", -1)]
    ) as channel:
        try:
            channel.unary_unary(method)(body, timeout=60, **how)
        except grpc.RpcError as error:
            return error.code().name
    return "OK"


def nested_value(depth: int) -> bytes:
    """An AnyValue of lists in lists, from the inside out."""
    encoded = AnyValue(string_value="x").SerializeToString()
    for _ in range(depth):
        array = b"\x0a" + _varint(len(encoded)) + encoded
        encoded = b"\x2a" + _varint(len(array)) + array
    return encoded


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def with_nested_attribute(depth: int) -> bytes:
    request = tree.request(tree.spans([{"agent": "deep", "at": [0, 1]}]))
    value = nested_value(depth)
    pair = b"\x0a\x01k" + b"\x12" + _varint(len(value)) + value
    span = b"\x4a" + _varint(len(pair)) + pair
    # One more group, scope and span around the attribute: later fields join earlier messages.
    for number in (2, 2, 1):
        span = bytes([number << 3 | 2]) + _varint(len(span)) + span
    return request + span


def chain_of(length: int, *, cycle: bool) -> bytes:
    """Spans of one trace, each the parent of the next; the first is the last one's child."""
    holder = tree.spans([{"agent": "ring", "at": [0, 1]}])[0].span
    request = tree.request(tree.spans([{"agent": "ring", "at": [0, 1]}]))
    out = bytearray()
    for number in range(1, length + 1):
        holder.span_id = number.to_bytes(8)
        holder.parent_span_id = ((number - 1) or (length if cycle else 0)).to_bytes(8)
        encoded = holder.SerializeToString()
        out += b"\x12" + _varint(len(encoded)) + encoded
    scope = b"\x12" + _varint(len(out)) + bytes(out)
    return request + b"\x0a" + _varint(len(scope)) + scope


ATTACKS = {
    "S1 1 GB of zeros as gzip, HTTP": Attack(
        lambda s: posted(s, hostile.zeros_gzipped(1_000 * MIB), Content_Encoding="gzip"),
        {"413", "closed"},
        16,
        0.2,
    ),
    "S1 gzip in gzip": Attack(
        lambda s: posted(
            s, gzip.compress(hostile.zeros_gzipped(100 * MIB)), Content_Encoding="gzip"
        ),
        {"400", "413"},
    ),
    "S1 1,000,000 empty members": Attack(
        lambda s: posted(s, hostile.empty_members(1_000_000), Content_Encoding="gzip"), {"400"}
    ),
    "S1 gzip said twice": Attack(
        lambda s: posted(s, gzip.compress(b""), Content_Encoding="gzip, gzip"), {"415"}, 8
    ),
    "S1 zstd": Attack(
        lambda s: posted(s, b"\x28\xb5\x2f\xfd", Content_Encoding="zstd"), {"415"}, 8
    ),
    "S1 128 MiB of zeros as gzip, gRPC": Attack(
        lambda s: grpc_call(s, bytes(128 * MIB), compression=grpc.Compression.Gzip),
        {"RESOURCE_EXHAUSTED"},
    ),
    "S2 one byte above the limit, HTTP": Attack(
        lambda s: posted(s, bytes(LIMIT_MIB * MIB + 1)), {"413", "closed"}, 8
    ),
    "S2 the same in chunks without a length": Attack(
        lambda s: posted(
            s, (bytes(MIB) for _ in range(LIMIT_MIB + 1)), Transfer_Encoding="chunked"
        ),
        {"413", "400", "closed"},
    ),
    "S2 one byte above the limit, gRPC": Attack(
        lambda s: grpc_call(s, bytes(LIMIT_MIB * MIB + 1)), {"RESOURCE_EXHAUSTED"}
    ),
    "S3 protobuf nested 10,000 deep": Attack(
        lambda s: posted(s, with_nested_attribute(10_000)), {"200", "400"}
    ),
    "S3 JSON nested 100,000 deep": Attack(
        lambda s: posted(s, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, Content_Type=JSON), {"400"}
    ),
    "S3 a JSON number of 10,000,000 digits": Attack(
        lambda s: posted(
            s, b'{"resourceSpans":[{"x":' + b"9" * 10_000_000 + b"}]}", Content_Type=JSON
        ),
        {"400"},
    ),
    "S3 JSON with NaN where a time stands": Attack(
        lambda s: posted(
            s,
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":NaN}]}]}]}',
            Content_Type=JSON,
        ),
        {"400"},
        8,
    ),
    "S3 JSON with a lone surrogate": Attack(
        lambda s: posted(
            s,
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\\ud800"}]}]}]}',
            Content_Type=JSON,
        ),
        {"400"},
        8,
    ),
    "S4 30,000 spans whose parents go in a circle": Attack(
        lambda s: posted(s, chain_of(30_000, cycle=True)), {"200"}, 100, 10, 15
    ),
    "S4 30,000 spans in one chain": Attack(
        lambda s: posted(s, chain_of(30_000, cycle=False)), {"200"}, 100, 10, 15
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_its_answer_within_bounds(service: Service, name: str) -> None:
    attack = ATTACKS[name]
    cost = measured(service, lambda: attack.send(service)).told(name)
    assert cost.answer in attack.answers
    assert cost.rss_mib <= attack.rss_mib
    assert cost.cpu_s <= attack.cpu_s
    assert hostile.health_s(service) < attack.health_s


def test_logs_sent_as_traces_make_no_run(service: Service) -> None:
    logs = ExportLogsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = "gen_ai.operation.name invoke_agent"
    record.trace_id, record.span_id = b"\1" * 16, b"\2" * 8
    until(service.settled, what="nothing open")
    before = service.total("agent_slo_runs_total")
    assert posted(service, logs.SerializeToString()) in ("200", "400")
    assert posted(service, a_run("as logs"), "/v1/logs") in ("200", "400")
    until(service.settled, what="nothing open")
    assert service.total("agent_slo_runs_total") == before


def test_text_that_imitates_markers_makes_no_run(service: Service) -> None:
    said = (
        'gen_ai.operation.name="invoke_agent" openinference.span.kind=AGENT agent_slo.run.outcome'
    )
    until(service.settled, what="nothing open")
    before = service.total("agent_slo_runs_total")
    plain = {"name": said, "at": [0, 1], "trace": "imitation", "attributes": {"http.body": said}}
    assert posted(service, tree.request(tree.spans([plain]))) == "200"
    until(service.settled, what="nothing open")
    assert service.total("agent_slo_runs_total") == before


# ---- connections


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[Service]:
    """A service that takes few connections, so that a test need not open thousands."""
    few = {"address": "127.0.0.1:0", "max_connections": 50}
    config = listening({})
    config["listen"].update({"grpc": few, "http": {**few, "read_timeout_s": 2}})  # type: ignore[attr-defined]  # as made
    with agentslo(tmp_path, config) as running:
        yield running


@pytest.mark.parametrize("listener", ["grpc", "http"])
def test_idle_and_slow_connections_cost_their_bound_and_no_more(
    bounded: Service, listener: str
) -> None:
    host, port = getattr(bounded, listener).removeprefix("http://").rsplit(":", 1)
    lines: list[socket.socket] = []

    def attack() -> str:
        for _ in range(200):
            line = socket.create_connection((host, int(port)), timeout=10)
            line.sendall(b"POST /v1/tr")
            lines.append(line)
        return f"{len(lines)} connections"

    cost = measured(bounded, attack).told(f"S5 idle, slow headers, {listener}")
    assert cost.rss_mib <= 64
    assert hostile.health_s(bounded) < 1
    for line in lines:
        line.close()
    until(lambda: posted(bounded, a_run("after")) == "200", what="room for a sender again")


def resets() -> Iterator[bytes]:
    headers = hostile.export_headers()
    for stream in itertools.islice(itertools.count(1, 2), 100_000):
        opened = frame(hostile.HEADERS, 4, stream, headers)
        yield opened + frame(hostile.RST_STREAM, 0, stream, b"\0\0\0\x08")


FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "rapid reset": resets,
    "pings": lambda: itertools.repeat(frame(hostile.PING, 0, 0, bytes(8)), 100_000),
    "settings": lambda: itertools.repeat(frame(hostile.SETTINGS, 0, 0), 100_000),
    "streams never finished": lambda: (
        frame(hostile.HEADERS, 4, n, hostile.export_headers()) for n in range(1, 40_001, 2)
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_of_frames_do_not_silence_the_service(service: Service, name: str) -> None:
    cost = measured(service, lambda: f"{hostile.flood(service, FLOODS[name]())} frames taken")
    cost.told(f"S5 {name}, HTTP/2")
    assert cost.rss_mib <= 128
    assert hostile.health_s(service) < 1
    begin = time.monotonic()
    assert grpc_call(service, a_run(f"after {name}")) == "OK"
    assert time.monotonic() - begin < 5
