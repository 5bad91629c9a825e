"""The newest runs and the tally of each agent, for the page and its API.

In: `Happening`s. Out: plain JSON-able values, made when somebody asks. State: the last runs and one
row an agent (`tally`), bounded.
"""

from collections import OrderedDict
from dataclasses import dataclass

from agentslo.model import Run, Verdict
from agentslo.outcomes.coverage import Coverage, judged_by_others
from agentslo.outcomes.seen import Seen
from agentslo.service.events import Corrected, Counted, Happening
from agentslo.service.report import explanation, run_line
from agentslo.service.tally import MAX_BAD_RUNS, AgentRow

MAX_RUNS = 200
MAX_AGENTS = 500


@dataclass(slots=True)
class _Last:
    """A run as it was counted, and what it was corrected to since."""

    run: Run
    verdict: Verdict
    corrected: Verdict | None = None
    counted_line: dict[str, object] | None = None
    """Made when first asked for: the page shows each run many times."""

    def line(self) -> dict[str, object]:
        if self.counted_line is None:
            self.counted_line = run_line(self.run, self.verdict)
        later = {"corrected_to": self.corrected.outcome.value} if self.corrected else {}
        return self.counted_line | later

    def explanation(self) -> dict[str, object]:
        if self.corrected is None:
            return explanation(self.run, self.verdict)
        return explanation(self.run, self.corrected, counted=self.verdict)


class Recent:
    """What the page shows. Owned by the event loop."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, _Last] = OrderedDict()
        self._bad: OrderedDict[str, dict[str, object]] = OrderedDict()
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
        self.seen.add(run, verdict, happening.view)
        self._last[run.run_id] = _Last(run, verdict)
        while len(self._last) > MAX_RUNS:
            self._last.popitem(last=False)
        row = self.agents.get((run.agent, run.environment))
        if row is None:
            row = self.agents[run.agent, run.environment] = AgentRow()
        if row.count(run, verdict):
            self._remember_bad(run.run_id)
        while len(self.agents) > MAX_AGENTS:
            self.agents.popitem(last=False)

    def bad_runs(self, row: AgentRow) -> list[dict[str, object]]:
        """The lines of an agent's last runs that went wrong, newest first."""
        return [self._bad[ident] for ident in reversed(row.bad_runs) if ident in self._bad]

    def _remember_bad(self, run_id: str) -> None:
        last = self._last.get(run_id)
        if last is not None:
            self._bad[run_id] = last.line()
        elif run_id in self._bad:
            self._bad.move_to_end(run_id)
        while len(self._bad) > MAX_AGENTS * MAX_BAD_RUNS:
            self._bad.popitem(last=False)

    def _correct(self, corrected: Corrected) -> None:
        run, before, after = corrected.run, corrected.before, corrected.after
        if run.run_id in self._last:
            self._last[run.run_id].corrected = after
        row = self.agents.get((run.agent, run.environment))
        if row is not None and row.correct(run, before, after):
            self._bad.setdefault(run.run_id, run_line(run, before))
            self._bad[run.run_id] |= {"corrected_to": after.outcome.value}
