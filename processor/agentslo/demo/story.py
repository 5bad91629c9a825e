"""Plays the fleet's story into a running stack.

In: a stack, seconds, random numbers. Out: `Moment`s as time goes on. State: the time each agent
runs next. Runs are sent one by one over OTLP/gRPC, as agents do.
"""

import random
import time
from collections.abc import Iterator
from typing import Final

import grpc

from agentslo.demo.fleet import FLEET
from agentslo.demo.spans import request
from agentslo.demo.stack import Stack
from agentslo.demo.view import Moment
from agentslo.otlp.answer import Signal

TROUBLE_AFTER: Final = 0.35
"""Share of the time in which all is well."""
_TICK_S: Final = 0.1
_TIMEOUT_S: Final = 20.0


def play(stack: Stack, total_s: float, seed: int) -> Iterator[Moment]:
    """Sends the fleet's runs for `total_s`; yields about ten times a second.

    Each agent draws from random numbers of its own, so a seed gives it the same runs every time.
    """
    trouble_s, start_s, sent = total_s * TROUBLE_AFTER, time.monotonic(), 0
    chances = {actor.name: random.Random(f"{seed} {actor.name}") for actor in FLEET}
    due_s = {actor.name: chances[actor.name].expovariate(actor.per_s) for actor in FLEET}
    with grpc.insecure_channel(stack.target) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            Signal.TRACES.grpc_method
        )
        while (at_s := time.monotonic() - start_s) < total_s:
            for actor in FLEET:
                name, chance = actor.name, chances[actor.name]
                while due_s[name] <= at_s:
                    run = actor.play(chance, trouble=due_s[name] >= trouble_s)
                    spans = request(run, time.time_ns(), chance)
                    export(spans, timeout=_TIMEOUT_S)
                    due_s[name] += chance.expovariate(actor.per_s)
                    sent += 1
            yield Moment(at_s=at_s, total_s=total_s, trouble_s=trouble_s, sent=sent)
            time.sleep(_TICK_S)
