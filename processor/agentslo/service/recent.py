"""The newest runs and the tally of each agent, for the page and its API.

In: `Happening`s. Out: plain JSON-able values. State: the last runs and one row an agent, bounded.
"""

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

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


class Recent:
    """What the page shows. Owned by the event loop."""

    def __init__(self) -> None:
        self.runs: deque[dict[str, object]] = deque(maxlen=MAX_RUNS)
        self.explained: OrderedDict[str, dict[str, object]] = OrderedDict()
        self.coverage = Coverage()
        self.seen = Seen()
        self.agents: OrderedDict[tuple[str, str], AgentRow] = OrderedDict()

    def note(self, happening: Happening) -> None:
        """Take one happening in."""
        if isinstance(happening, Corrected):
            self._correct(happening)
        if not isinstance(happening, Counted) or happening.overdue:
            return
        run, verdict = happening.run, happening.verdict
        self.coverage.add(run, evaluated=judged_by_others(verdict))
        self.seen.add(run, verdict)
        self.explained[run.run_id] = explanation(run, verdict)
        while len(self.explained) > MAX_RUNS:
            self.explained.popitem(last=False)
        self.runs.appendleft(run_line(run, verdict))
        row = self.agents.setdefault((run.agent, run.environment), AgentRow())
        row.outcomes[verdict.outcome.value] += 1
        row.last_end_ns = max(row.last_end_ns, run.end_ns)
        for name, result in verdict.slos.items():
            row.slos.setdefault(name, Counter())[result.value] += 1
        while len(self.agents) > MAX_AGENTS:
            self.agents.popitem(last=False)

    def _correct(self, corrected: Corrected) -> None:
        run, before, after = corrected.run, corrected.before, corrected.after
        for line in self.runs:
            if line["run_id"] == run.run_id:
                line["corrected_to"] = after.outcome.value
        row = self.agents.get((run.agent, run.environment))
        if row is None:
            return
        row.outcomes[before.outcome.value] -= 1
        row.outcomes[after.outcome.value] += 1
        for name, result in after.slos.items():
            counts = row.slos.setdefault(name, Counter())
            counts[before.slos[name].value] -= 1
            counts[result.value] += 1
