"""The Collector of examples/collector/in-line.yaml is killed amid an outage: nothing is lost."""

from pathlib import Path

from service_parts import EXAMPLES, OURS, agentslo, collector, listening, send, sink, to
from span_parts import requests_of, seen
from test_roles import run_of

from support.ports import LOOPBACK, free_port
from support.wait import until

RUNS = 40


def test_what_the_collector_acknowledged_in_an_outage_survives_its_kill(
    otelcol: Path, tmp_path: Path
) -> None:
    address = f"{LOOPBACK}:{free_port()}"
    configs = [EXAMPLES / "in-line.yaml", OURS / "quick.yaml"]
    env = {"TO_AGENTSLO_GRPC": address, "QUEUE_DIRECTORY": str(tmp_path / "queue")}
    sent = [run_of(number) for number in range(RUNS)]
    with collector(otelcol, tmp_path, "first", configs, env) as first:
        # Nobody listens: what is acknowledged here is in the queue on disk alone.
        send(first.grpc, sent)
        first.process.kill()
    with sink() as back_end:
        config = listening({"destinations": [to(back_end.address)]})
        listen = {**config["listen"], "grpc": {"address": address}}  # type: ignore[dict-item]
        with (
            agentslo(tmp_path, config | {"listen": listen}) as service,
            collector(otelcol, tmp_path, "second", configs, env),
        ):
            wanted = seen(requests_of(sent)).ids
            until(
                lambda: seen(requests_of(list(back_end.bodies))).ids.keys() >= wanted.keys(),
                timeout_s=60,
                what="every acknowledged span to arrive",
            )
            until(
                lambda: service.total("agent_slo_processor_open_traces") == 0,
                timeout_s=60,
                what="all runs to close",
            )
            assert len(service.runs()) == RUNS
