"""The sender a destination's options ask for. No state."""

from agentslo.config.transport import DestinationOptions
from agentslo.otlp.redact import RedactingSender
from agentslo.otlp.send import Sender
from agentslo.otlp.send_grpc import GrpcSender
from agentslo.otlp.send_http import HttpSender


def sender_for(options: DestinationOptions) -> Sender:
    """gRPC or HTTP by `protocol`; raises `ValueError` on an endpoint or TLS it cannot use."""
    sender = GrpcSender(options) if options.protocol == "grpc" else HttpSender(options)
    return RedactingSender(sender, options.redact) if options.redact else sender
