"""How processors find their evaluator, as plain values. No state."""

from dataclasses import dataclass, field

from agentslo.config.transport import MIB, TlsOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorOptions:
    """The `evaluator` section; an empty `endpoint` is none."""

    endpoint: str = ""
    """URL of the evaluator's page listener."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent with every request; kept out of `repr` because they carry tokens."""
    tls: TlsOptions | None = None
    queue_bytes: int = 64 * MIB
    drift_s: float = 30.0
