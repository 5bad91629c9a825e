"""False alarms and finds on real requests: streams drawn anew from labelled ones.

    .venv/bin/python benchmarks/drift_streams.py FOLDER [STREAMS]

FOLDER holds streams.csv and a folder a stream with spans.otlp.gz and labels.csv (trace_id, domain,
novel). All requests are pooled and drawn with replacement: a baseline of 900, 300 quiet ones, then
1,200 quiet ones, a tenth of foreign ones, or half of them from two known domains. So the figures
rest on many more streams than there are, with other requests in every baseline. Of each kind
STREAMS (300), of quiet ones as many of 3,000 requests.
"""

import csv
import gzip
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentslo.config.options import DriftOptions
from agentslo.dialects.request import hashed_request
from agentslo.watch.monitor import Monitor
from agentslo.watch.observe import Observed
from agentslo.watch.state import DriftState

OPTIONS = DriftOptions(baseline_runs=900, baseline_days=0, slice_runs=150, false_alarm_days=0)
BEFORE, QUIET, AFTER = 900, 300, 1_200
NS = 10**9
Requests = list[bytes]


def messages(path: Path) -> Iterator[ExportTraceServiceRequest]:
    """The length-delimited messages of a recording."""
    data, at = gzip.decompress(path.read_bytes()), 0
    while at < len(data):
        size = shift = 0
        while True:
            byte = data[at]
            at, size, shift = at + 1, size | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        yield ExportTraceServiceRequest.FromString(data[at : at + size])
        at += size


def pooled(folder: Path) -> tuple[dict[str, Requests], Requests]:
    """Known requests by domain, and foreign ones; each once."""
    known: dict[str, dict[bytes, None]] = defaultdict(dict)
    foreign: dict[bytes, None] = {}
    for stream in sorted(p for p in folder.iterdir() if p.is_dir()):
        with (stream / "labels.csv").open(encoding="utf-8") as file:
            labels = {row["trace_id"]: row for row in csv.DictReader(file)}
        for message in messages(stream / "spans.otlp.gz"):
            for scope in (s for r in message.resource_spans for s in r.scope_spans):
                for span in (s for s in scope.spans if not s.parent_span_id):
                    told = {a.key: a.value.string_value for a in span.attributes}
                    row, request = labels[span.trace_id.hex()], hashed_request(told)
                    (foreign if row["novel"] == "1" else known[row["domain"]])[request] = None
    return {domain: list(requests) for domain, requests in known.items()}, list(foreign)


def first_alarm(requests: Requests) -> tuple[str, int] | None:
    """The feature that alarms first, and after how many requests of all."""
    monitor = Monitor("desk", "production", OPTIONS)
    for number, request in enumerate(requests, start=1):
        observed = Observed(
            agent="desk",
            environment="production",
            release="r1",
            time_ns=number * 6 * NS,
            bins={},
            segments=(),
            versions={},
            request=request,
        )
        for said in monitor.observe(monitor.placed(observed, monitor.novelty(request))):
            if said.state is DriftState.DRIFT:
                return said.feature, number
    return None


def main(folder: Path, streams: int) -> None:
    """Prints a line a kind of stream."""
    known, foreign = pooled(folder)
    every = [request for requests in known.values() for request in requests]
    rng = np.random.default_rng(1)

    def drawn(pool: Requests, count: int) -> Requests:
        return [pool[i] for i in rng.integers(len(pool), size=count)]

    print(f"{len(every)} known requests in {len(known)} domains, {len(foreign)} foreign")
    told = Counter[str]()
    for _ in range(streams):
        found = first_alarm(drawn(every, BEFORE + 3_000))
        told[found[0] if found else "none"] += 1
    print(f"quiet, 3,000 requests: {dict(told)} of {streams}", flush=True)
    for kind, share in (("foreign", 0.1), ("foreign", 0.2), ("foreign", 0.3), ("mix", 0.5)):
        delays: list[int] = []
        early = 0
        for _ in range(streams // 3):
            domains = rng.choice(sorted(known), 2, replace=False)
            other = foreign if kind == "foreign" else [r for d in domains for r in known[d]]
            swapped = rng.random(AFTER) < share
            pairs = zip(drawn(every, AFTER), drawn(other, AFTER), strict=True)
            late = [pair[int(s)] for pair, s in zip(pairs, swapped, strict=True)]
            found = first_alarm([*drawn(every, BEFORE + QUIET), *late])
            delay = found[1] - BEFORE - QUIET if found else 0
            early += delay < 0
            delays += [delay] if delay > 0 else []
        middle = f"{np.median(delays):.0f}, nine of ten {np.quantile(delays, 0.9):.0f}"
        print(
            f"{kind} {share:.0%}: {len(delays)} of {streams // 3} found, early {early}, "
            f"median {middle}",
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300)
