"""`agentslo run`: the service, until a stop signal.

In: a service file or nothing. Out: what was started, then log lines on standard error. SIGTERM and
SIGINT stop it within 25 s, SIGHUP reloads it. Contract: design.md 5, 7.
"""

import argparse
import asyncio
import logging
import signal
import sys
from os import environ
from pathlib import Path

from google.protobuf.internal import api_implementation

from agentslo import __version__
from agentslo.cli.logs import set_up
from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import ServiceConfig, load
from agentslo.otlp.listen import ListenFailed
from agentslo.service.records_out import RECORDS_PATH
from agentslo.service.roles import ROLES, Role, refusal
from agentslo.service.server import Service
from agentslo.service.stall import Stall
from agentslo.store.store import StoreInUse

logger = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "run",
        help="receive, classify, count and forward spans",
        description="Runs the service. Without a file it listens on loopback, classifies, serves "
        "metrics and the page, and forwards nowhere.",
    )
    parser.add_argument("--config", type=Path, help="service file (default: AGENTSLO_CONFIG)")
    parser.add_argument(
        "--role",
        choices=ROLES,
        default=Role.ALL.value,
        help="what this process does: all of it; take spans in, as one of several (processor); "
        "evaluate what processors tell (evaluator, exactly one)",
    )
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs until a signal; 0 stopped, 1 could not start."""
    if api_implementation.Type() != "upb":
        sys.stderr.write("agentslo run: the protobuf library runs without its C core (upb)\n")
        return 1
    named = arguments.config or environ.get("AGENTSLO_CONFIG")
    path = Path(named) if named else None
    try:
        config = load(path, environ)
    except ConfigError as error:
        sys.stderr.write("\n".join(render(p) for p in error.problems) + "\n")
        return 1
    role = Role(arguments.role)
    why = refusal(role, config)
    if why:
        sys.stderr.write(f"agentslo run --role {role}: {why}\n")
        return 1
    set_up(config.log)
    try:
        stall = Stall()
        with asyncio.Runner(loop_factory=stall.loop) as runner:
            runner.run(_serve(config, path, role, stall))
    except (ListenFailed, StoreInUse) as error:
        sys.stderr.write(f"agentslo run: {error}\n")
        return 1
    return 0


async def _serve(config: ServiceConfig, path: Path | None, role: Role, stall: Stall) -> None:
    service = Service(config, lambda: load(path, environ), role)
    service.stall = stall
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    await service.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, service.reload)
    sys.stdout.write(banner(service, config))
    sys.stdout.flush()
    logger.info("agentslo %s is up", __version__)
    await stop.wait()
    await service.stop()


def banner(service: Service, config: ServiceConfig) -> str:
    """What a newcomer needs: addresses, a Collector snippet, the variables of an SDK."""
    if not service.role.takes_spans:
        return _evaluator_banner(service, config)
    grpc, http = service.grpc.port, service.http.port
    ways = [f"{d.name} ({d.forward}, {d.endpoint})" for d in config.destinations]
    onward = ", ".join(ways) or "nowhere: no destination is configured"
    host = config.listen.grpc.address.rsplit(":", 1)[0]
    page_host = config.listen.page.address.rsplit(":", 1)[0]
    metrics_host = config.listen.metrics.address.rsplit(":", 1)[0]
    return f"""\
agentslo {__version__}
  page      http://{page_host}:{service.page.port}/
  metrics   http://{metrics_host}:{service.web.port}/metrics
  OTLP      gRPC {host}:{grpc}, HTTP {host}:{http}
  forwards  {onward}

From a Collector, tap (its back end stays as it is; agentslo gets a copy):

  exporters:
    otlp_grpc/agentslo:
      endpoint: {host}:{grpc}
      tls: {{insecure: true}}
  service:
    pipelines:
      traces:
        exporters: [YOUR_BACK_END, otlp_grpc/agentslo]

In-line: make otlp_grpc/agentslo the only exporter and start agentslo with a destination
(agentslo run --config agentslo.yaml; see docs/configuration.md).

Straight from an SDK:

  export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://{host}:{http}/v1/traces
  export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf

To see something at once: make hello   (or: agentslo hello --endpoint {host}:{grpc})
A run shows on the page when it closes (2 to 10 s after its last span), in /metrics
{config.metrics.zero_hold_s:g} s after its series was first seen.

"""


def _evaluator_banner(service: Service, config: ServiceConfig) -> str:
    page_host = config.listen.page.address.rsplit(":", 1)[0]
    metrics_host = config.listen.metrics.address.rsplit(":", 1)[0]
    page = f"http://{page_host}:{service.page.port}"
    return f"""\
agentslo {__version__}, evaluator
  page      {page}/
  metrics   http://{metrics_host}:{service.web.port}/metrics
  records   {page}{RECORDS_PATH}   (evaluator.endpoint of processors: {page})

"""
