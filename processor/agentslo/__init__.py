"""agentslo: service levels for AI agents, from the OpenTelemetry spans they already send."""

__version__ = "0.1.0"
