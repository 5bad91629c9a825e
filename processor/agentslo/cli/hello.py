"""`agentslo hello`: sends a dozen recorded runs to a running service, to see something at once.

In: an OTLP/gRPC address. Out: what was sent and where to look. Exit code 1 where nobody listens.
"""

import argparse
import secrets
import sys
import time
from collections import Counter
from os import environ

import grpc

from agentslo.cli.live import authorization
from agentslo.config.problems import ConfigError
from agentslo.config.service_file import load
from agentslo.demo.hello import requests
from agentslo.otlp.answer import Signal

TIMEOUT_S = 20.0


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "hello",
        help="send a dozen recorded runs to a running service",
        description="Sends recorded runs of real agent frameworks, with fresh ids and times; with "
        "the bearer token in AGENTSLO_TOKEN, where the listener asks for one.",
    )
    parser.add_argument("--endpoint", help="OTLP/gRPC address (default: where `run` listens)")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Sends the recordings."""
    try:
        listen = load(None, environ).listen
    except ConfigError as error:
        sys.stderr.write(f"agentslo hello: {error}\n")
        return 1
    endpoint = arguments.endpoint or listen.grpc.address
    sent: Counter[str] = Counter()
    shown = tuple((name.lower(), value) for name, value in authorization().items())
    with grpc.insecure_channel(endpoint) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            Signal.TRACES.grpc_method
        )
        for recording, body in requests(time.time_ns(), secrets.token_bytes(8)):
            try:
                export(body, timeout=TIMEOUT_S, wait_for_ready=False, metadata=shown)
            except grpc.RpcError as error:
                sys.stderr.write(
                    f"agentslo hello: {endpoint} did not take the spans: {error.details()}; "
                    "is `agentslo run` (make run) up?\n"
                )
                return 1
            sent[recording] += 1
    sys.stdout.write(
        f"sent {len(sent)} recordings in {sum(sent.values())} requests to {endpoint}\n"
        f"they show at http://{listen.page.address}/ in 2 to 10 seconds\n"
    )
    return 0
