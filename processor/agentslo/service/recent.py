"""The newest runs and the tally of each agent, for the page and its API.

In: `Happening`s. Out: plain JSON-able values, made when somebody asks. State: the last runs and one
row an agent, bounded.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from agentslo.model import Run, Verdict
from agentslo.outcomes.coverage import Coverage, judged_by_others
from agentslo.outcomes.seen import Seen
from agentslo.service.events import Corrected, Counted, Happening
from agentslo.service.report import explanation, run_line

MAX_RUNS = 200
MAX_AGENTS = 500


@dataclass(slots=True)
class AgentRow:
    """What was seen of one agent in one environment since the start."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slos: dict[str, Counter[str]] = field(default_factory=dict)
    last_end_ns: int = 0


@dataclass(slots=True)
class _Last:
    """A run as it was counted, and what it was corrected to since."""

    run: Run
    verdict: Verdict
    corrected: Verdict | None = None

    def line(self) -> dict[str, object]:
        later = {"corrected_to": self.corrected.outcome.value} if self.corrected else {}
        return run_line(self.run, self.verdict) | later

    def explanation(self) -> dict[str, object]:
        if self.corrected is None:
            return explanation(self.run, self.verdict)
        return explanation(self.run, self.corrected, counted=self.verdict)


class Recent:
    """What the page shows. Owned by the event loop."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, _Last] = OrderedDict()
        self.coverage = Coverage()
        self.seen = Seen()
        self.agents: OrderedDict[tuple[str, str], AgentRow] = OrderedDict()

    @property
    def runs(self) -> list[dict[str, object]]:
        """The lines of the last runs, the newest first."""
        return [last.line() for last in reversed(self._last.values())]

    def explain(self, run_id: str) -> dict[str, object] | None:
        """Why one of the last runs got its outcome; None where it is not among them."""
        last = self._last.get(run_id)
        return last.explanation() if last else None

    def environments(self) -> dict[str, set[str]]:
        """Where each agent was seen."""
        found: dict[str, set[str]] = {}
        for agent, environment in self.agents:
            found.setdefault(agent, set()).add(environment)
        return found

    def note(self, happening: Happening) -> None:
        """Take one happening in."""
        if isinstance(happening, Corrected):
            self._correct(happening)
        if not isinstance(happening, Counted) or happening.overdue:
            return
        run, verdict = happening.run, happening.verdict
        self.coverage.add(run, evaluated=judged_by_others(verdict))
        self.seen.add(run, verdict)
        self._last[run.run_id] = _Last(run, verdict)
        while len(self._last) > MAX_RUNS:
            self._last.popitem(last=False)
        row = self.agents.setdefault((run.agent, run.environment), AgentRow())
        row.outcomes[verdict.outcome.value] += 1
        row.last_end_ns = max(row.last_end_ns, run.end_ns)
        for name, result in verdict.slos.items():
            row.slos.setdefault(name, Counter())[result.value] += 1
        while len(self.agents) > MAX_AGENTS:
            self.agents.popitem(last=False)

    def _correct(self, corrected: Corrected) -> None:
        run, before, after = corrected.run, corrected.before, corrected.after
        if run.run_id in self._last:
            self._last[run.run_id].corrected = after
        row = self.agents.get((run.agent, run.environment))
        if row is None:
            return
        row.outcomes[before.outcome.value] -= 1
        row.outcomes[after.outcome.value] += 1
        for name, result in after.slos.items():
            counts = row.slos.setdefault(name, Counter())
            counts[before.slos[name].value] -= 1
            counts[result.value] += 1
