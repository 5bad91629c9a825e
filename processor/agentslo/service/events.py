"""What the pipeline reports as runs go by. Plain values, handed to metrics, forwarding, replay."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentslo.config.agent_options import AgentFile
from agentslo.model import Outcome, Run, Verdict
from agentslo.otlp.cut import Batch
from agentslo.otlp.splice import Attribute
from agentslo.watch.observe import Observed
from agentslo.watch.state import Drifted


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
    """A run is over. `root_outcome`: what its root left with, None if it left with none or never
    came. `waits`: it is shown but counted only when settled; `overdue`: it was shown before, and
    is counted now because nobody resumed it.
    """

    run: Run
    verdict: Verdict
    file: AgentFile
    root_outcome: Outcome | None
    waits: bool = False
    overdue: bool = False
    drift: Mapping[str, Attribute] = field(default_factory=dict)
    """How the agent stood then, as attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """Later evidence changed a run's verdict. `counts`: it moves counters (a run that waited
    and was resumed moves none).
    """

    run: Run
    before: Verdict
    after: Verdict
    source: str
    revision: int
    time_ns: int
    counts: bool = True


Happening = Released | Counted | Corrected | Observed | Drifted
