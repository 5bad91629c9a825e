"""A head sampler is heard of: from `tracestate` to what `doctor` says."""

import json
from pathlib import Path

import pytest
from google.protobuf.internal.encoder import _VarintBytes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentslo.cli.main import main
from agentslo.demo.hello import requests
from agentslo.dialects.sampling import sampled_ratio

NOW_NS = 1_790_000_000 * 10**9


@pytest.mark.parametrize(
    ("trace_state", "ratio"),
    [
        ("", None),
        ("vendor=th:8", None),
        ("ot=rv:0123456789abcd", None),
        ("ot=th:0", 1.0),
        ("ot=th:8", 0.5),
        ("ot=th:c;rv:ffffffffffffff", 0.25),
        ("rojo=1, ot=rv:ffffffffffffff;th:fd70a3d70a3d71,x=y", 0.01),
        ("ot=p:3;r:5", 0.125),
        ("ot=p:63", None),
        ("ot=th:xyz", None),
        ("ot=th:0123456789abcdef", None),
    ],
)
def test_the_share_a_sampler_keeps_is_read(trace_state: str, ratio: float | None) -> None:
    assert sampled_ratio(trace_state) == (None if ratio is None else pytest.approx(ratio))


def recording(folder: Path, trace_state: str) -> Path:
    """A recorded run with this `tracestate` on every span."""
    name, body = next(r for r in requests(NOW_NS, b"s") if r[0].endswith("a_success_tool"))
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                span.trace_state = trace_state
    body = request.SerializeToString()
    file = folder / f"{name.rpartition('/')[2]}.otlp.pb"
    file.write_bytes(_VarintBytes(len(body)) + body)
    return file


def test_doctor_says_that_runs_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["doctor", str(recording(tmp_path, "ot=th:c"))])

    assert "only 25.00% of its runs are sent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("trace_state", "ratio"), [("", None), ("ot=th:0", None), ("ot=th:8", 0.5)]
)
def test_doctor_tells_the_ratio_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trace_state: str, ratio: float | None
) -> None:
    main(["doctor", "--json", str(recording(tmp_path, trace_state))])

    (agent,) = json.loads(capsys.readouterr().out)["agents"]
    assert agent["sampled_ratio"] == ratio
