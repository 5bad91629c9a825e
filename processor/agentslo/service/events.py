"""What the pipeline reports as runs go by. Plain values, handed to metrics, forwarding, replay."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agentslo.config.agent_options import AgentFile
from agentslo.model import Evaluation, Outcome, Run, SloResult, Verdict
from agentslo.otlp.splice import Attribute
from agentslo.outcomes.view import RunView
from agentslo.runs.evidence import About
from agentslo.watch.observe import Observed
from agentslo.watch.state import Drifted


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSpan:
    """An encoded span that was kept back, and where it came from (`otlp.cut.origin`)."""

    origin: bytes
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
    told: bool = False
    """A processor elsewhere closed it, and has sent its verdict."""
    counts: bool = True
    """It moves counters here; not where those of a processor elsewhere have it."""
    view: RunView | None = field(default=None, compare=False, repr=False)
    """Of the run, where it was just judged."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """Two processors counted one run, whose id both have: `verdict` is what one of them counted."""

    run: Run
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn of a conversation is over, for an evaluator elsewhere to join with the others."""

    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something was said of a run, for an evaluator elsewhere."""

    about: About
    evaluation: Evaluation


Happening = Released | Counted | Corrected | Uncounted | Turn | Said | Observed | Drifted


def uncounting(run: Run, verdict: Verdict, time_ns: int = 0, revision: int = 1) -> Corrected:
    """What was counted of a run that another processor had, too, is taken out of every ratio."""
    excluded = replace(
        verdict,
        outcome=Outcome.EXCLUDED,
        reason="split",
        slos=dict.fromkeys(verdict.slos, SloResult.EXCLUDED),
    )
    return Corrected(
        run=run,
        before=verdict,
        after=excluded,
        source="split",
        revision=revision,
        time_ns=time_ns,
    )
