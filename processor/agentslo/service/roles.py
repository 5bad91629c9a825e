"""What a process is for: all of it, taking spans in, or evaluating what processors tell.

In: a role and a configuration. Out: why they do not fit, and what a processor's evaluator is as a
destination. No state. Source: design.md 1, "Roles"; docs/scale-out.md.
"""

from collections.abc import Sequence
from enum import StrEnum

from agentslo.config.crosscheck import is_open
from agentslo.config.evaluator_options import EvaluatorOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.config.transport import MIB, DestinationOptions

EVALUATOR_NAME = "evaluator"
"""Of the destination that records go to."""
SEND_TIMEOUT_S = 30.0
JOIN_BYTES = MIB


class Role(StrEnum):
    """What a process does."""

    ALL = "all"
    PROCESSOR = "processor"
    EVALUATOR = "evaluator"

    @property
    def takes_spans(self) -> bool:
        """Whether it listens for OTLP."""
        return self is not Role.EVALUATOR

    @property
    def evaluates(self) -> bool:
        """Whether the ledger, drift, late evidence and decisions are here."""
        return self is not Role.PROCESSOR


ROLES: Sequence[str] = tuple(Role)


def refusal(role: Role, config: ServiceConfig) -> str:
    """Why this configuration cannot run in this role, and what to do; "" where it can."""
    if role is Role.PROCESSOR:
        if not config.evaluator.endpoint:
            return "a processor needs evaluator.endpoint: the URL of the evaluator's page listener"
        if any(one.name == EVALUATOR_NAME for one in config.destinations):
            return f"the name {EVALUATOR_NAME!r} is taken by the evaluator: rename the destination"
    if role is Role.EVALUATOR:
        page = config.listen.page
        if is_open(page) and not page.tokens.records:
            return (
                f"whoever reaches {page.address} could invent runs: add listen.page.tokens.records "
                "or tls.client_ca_file, or listen on 127.0.0.1"
            )
    return ""


def evaluator_destination(options: EvaluatorOptions) -> DestinationOptions:
    """The evaluator as a destination that no span goes to."""
    return DestinationOptions(
        name=EVALUATOR_NAME,
        endpoint=options.endpoint,
        protocol="http",
        forward="none",
        headers=options.headers,
        tls=options.tls,
        timeout_s=SEND_TIMEOUT_S,
        queue_bytes=options.queue_bytes,
        senders=2,
        join_bytes=JOIN_BYTES,
    )
