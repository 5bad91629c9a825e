"""What the pipeline reports as runs go by. Plain values, handed to metrics, forwarding, replay."""

from dataclasses import dataclass

from agentslo.model import Outcome, Run, Verdict
from agentslo.otlp.cut import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSpan:
    """An encoded span that was kept back, and where it came from."""

    batch: Batch
    encoded: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A held span leaves: as the root of a run with a verdict so far, or as an ordinary step."""

    span: HeldSpan
    added: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A run is over and counted. `root_outcome`: what its root left with, None if it never did
    (lost, or still to leave with this verdict)."""

    run: Run
    verdict: Verdict
    resource: bytes
    root_outcome: Outcome | None
    root_forwarded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """Later evidence changed a counted run's outcome."""

    run: Run
    before: Verdict
    after: Verdict
    source: str
    revision: int
    time_ns: int
    resource: bytes


Happening = Released | Counted | Corrected
