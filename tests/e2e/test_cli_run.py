"""`agentslo run` as people meet it: ports, one-line refusals, answers, the page, reloading."""

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from service_parts import FREE, Service, agentslo, command, get, listening, post, send, write_config

from agentslo.otlp.answer import Signal
from support.ports import LOOPBACK
from support.wait import until

DEFAULT_PORTS = {"grpc": 4317, "http": 4318, "metrics": 9464, "page": 9465}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with agentslo(tmp_path_factory.mktemp("service"), listening({})) as running:
        yield running


@pytest.mark.parametrize("listener", sorted(DEFAULT_PORTS))
def test_a_taken_port_is_one_line_that_names_the_address_and_the_option(listener: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        address = f"{LOOPBACK}:{taken.getsockname()[1]}"
        env = {f"AGENTSLO_LISTEN_{name.upper()}_ADDRESS": FREE for name in DEFAULT_PORTS}
        env[f"AGENTSLO_LISTEN_{listener.upper()}_ADDRESS"] = address
        done = command("run", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert address in done.stderr
    assert f"AGENTSLO_LISTEN_{listener.upper()}_ADDRESS" in done.stderr


def test_a_port_taken_by_another_agentslo_names_the_option_in_the_file(
    service: Service, tmp_path: Path
) -> None:
    config = listening({})
    config["listen"] = {**config["listen"], "grpc": {"address": service.grpc}}
    done = command("run", "--config", write_config(tmp_path, config))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert service.grpc in done.stderr
    assert "listen.grpc.address" in done.stderr


def test_a_broken_file_is_told_by_place_and_nothing_is_started(tmp_path: Path) -> None:
    file = tmp_path / "agentslo.yaml"
    file.write_text("runs:\n  quiet: 10\nlog: {level: loud}\n")
    done = command("run", "--config", file)
    assert (done.returncode, done.stdout) == (1, "")
    places = [line.split(": ")[0] for line in done.stderr.splitlines()]
    assert {f"{file}:2:3", f"{file}:3:14"} <= set(places)


def free_offset() -> int:
    """An offset at which all four default ports are free now."""
    for offset in range(10_000, 50_000, 7):
        with ExitStack() as stack:
            try:
                for port in DEFAULT_PORTS.values():
                    stack.enter_context(socket.create_server((LOOPBACK, port + offset)))
            except OSError:
                continue
            return offset
    pytest.fail("no free offset")


def test_without_a_file_it_listens_on_loopback_at_the_default_ports_plus_the_offset(
    tmp_path: Path,
) -> None:
    offset = free_offset()
    env = {"AGENTSLO_PORT_OFFSET": str(offset)}
    with agentslo(tmp_path, env=env) as service:
        banner = service.process.text()
        places = (service.grpc, service.http, service.metrics, service.page)
        found = command("hello", env=env)
        assert get(f"{service.metrics}/healthz") == "ok\n"
    ports = {name: str(port + offset) for name, port in DEFAULT_PORTS.items()}
    assert [place.rsplit(":", 1)[1] for place in places] == list(ports.values())
    assert all(LOOPBACK in place for place in places)
    assert "forwards  nowhere" in banner
    assert (found.returncode, found.stderr) == (0, "")
    assert ports["page"] in found.stdout


def test_hello_with_nobody_listening_is_one_line_and_exit_code_1() -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        address = f"{LOOPBACK}:{free.getsockname()[1]}"
    done = command("hello", "--endpoint", address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert address in done.stderr


def test_an_empty_request_is_a_success_over_both_protocols(service: Service) -> None:
    send(service.grpc, [b""])
    status, _, body = post(f"{service.http}/v1/traces", b"")
    assert status == 200
    assert ExportTraceServiceResponse.FromString(body) == ExportTraceServiceResponse()


def test_bytes_that_are_no_request_are_refused_for_good(service: Service) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        send(service.grpc, [b"\xff" * 20])
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status, headers, _ = post(f"{service.http}/v1/traces", b"\xff" * 20)
    assert (status, "Retry-After" in headers) == (400, False)


def test_logs_and_metrics_are_taken_with_no_destination_and_counted_as_not_passed_on(
    service: Service,
) -> None:
    for signal_, path in ((Signal.LOGS, "v1/logs"), (Signal.METRICS, "v1/metrics")):
        name = (("result", "discarded"), ("signal", signal_.value))
        key = "agent_slo_processor_passed_through_requests_total"
        before = service.families().get(key, {}).get(name, 0)
        assert post(f"{service.http}/{path}", b"")[0] == 200
        assert service.families()[key][name] == before + 1


# ---- reloading

GOOD = {"name": "done", "dimension": "success", "objective_ratio": 0.5}


@pytest.fixture
def reloadable(tmp_path: Path) -> Iterator[Service]:
    with agentslo(tmp_path, listening({"metrics": {"zero_hold_s": 0}})) as service:
        yield service


def rewrite(service: Service, text: str) -> None:
    Path(service.process.log.parent / "agentslo.yaml").write_text(text)


def with_slo(objective_ratio: float) -> str:
    slo = {**GOOD, "objective_ratio": objective_ratio}
    return yaml.safe_dump(listening({"metrics": {"zero_hold_s": 0}, "slos": [slo]}))


def reload_succeeded(service: Service) -> float:
    return service.total("agent_slo_config_last_reload_successful")


def objectives(service: Service) -> dict[str, float]:
    found = service.families().get("agent_slo_objective_ratio", {})
    return {dict(labels)["slo"]: value for labels, value in found.items()}


def see_runs(service: Service) -> None:
    seen = len(service.runs())
    assert command("hello", "--endpoint", service.grpc).returncode == 0
    until(lambda: service.settled() and len(service.runs()) > seen, what="runs on the page")


def test_a_good_file_is_in_force_after_a_reload_and_a_bad_one_keeps_the_old(
    reloadable: Service,
) -> None:
    url = f"{reloadable.page}/-/reload"
    rewrite(reloadable, with_slo(0.5))
    assert post(url, b"")[0] == 200
    see_runs(reloadable)
    assert objectives(reloadable) == {"done": 0.5}

    rewrite(reloadable, with_slo(1.5))
    status, _, body = post(url, b"")
    assert status == 400
    assert re.search(rb"agentslo\.yaml:\d+:\d+: .*objective_ratio", body)
    assert reload_succeeded(reloadable) == 0
    see_runs(reloadable)
    assert objectives(reloadable) == {"done": 0.5}

    rewrite(reloadable, with_slo(0.6))
    assert post(url, b"")[0] == 200
    assert reload_succeeded(reloadable) == 1
    see_runs(reloadable)
    assert objectives(reloadable) == {"done": 0.6}


def test_a_hangup_signal_reloads_as_well(reloadable: Service) -> None:
    process = reloadable.process.process
    rewrite(reloadable, with_slo(1.5))
    process.send_signal(signal.SIGHUP)
    until(lambda: reload_succeeded(reloadable) == 0, what="the bad file to be refused")
    assert "reload failed, the old configuration stays" in reloadable.process.text()
    rewrite(reloadable, with_slo(0.5))
    process.send_signal(signal.SIGHUP)
    until(lambda: reload_succeeded(reloadable) == 1, what="the good file to be taken")
    see_runs(reloadable)
    assert objectives(reloadable) == {"done": 0.5}


def test_what_needs_a_restart_is_named_and_stays_as_it_was(reloadable: Service) -> None:
    config = listening({"metrics": {"zero_hold_s": 0}, "log": {"level": "debug"}})
    write_config(reloadable.process.log.parent, config)
    assert post(f"{reloadable.page}/-/reload", b"")[0] == 200
    until(lambda: "a restart is needed for: log" in reloadable.process.text(), what="the log line")
