"""What the ledger says of an agent: bad runs, their releases and cost, the tools it calls.

In: a ledger, an agent, since when. Out: plain counts. Nothing is written; no ledger gives nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agentslo.config.agent_options import AgentFile
from agentslo.outcomes.groups import BAD
from agentslo.respond.containment import RunSeen
from agentslo.respond.playbook import Seen
from agentslo.store.ledger import Ledger, LedgerRun, Query

MAX_RUNS = 5_000
"""The newest runs that are looked at."""
MAX_EVIDENCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Runs of one agent since a time, newest first."""

    runs: Sequence[LedgerRun]

    @property
    def bad(self) -> list[LedgerRun]:
        """Those that went wrong or did harm."""
        return [run for run in self.runs if run.outcome in BAD]

    @property
    def outcomes(self) -> Counter[str]:
        """Bad runs by outcome."""
        return Counter(run.outcome for run in self.bad)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Ids of the newest bad runs."""
        return tuple(run.run_id for run in self.bad[:MAX_EVIDENCE])

    @property
    def exposure_usd(self) -> float | None:
        """What the bad runs cost; None where none says."""
        costs = [run.body["run"].get("cost_usd") for run in self.bad]
        known = [float(cost) for cost in costs if cost is not None]
        return round(sum(known), 6) if known else None

    def about(self, file: AgentFile | None) -> dict[str, object]:
        """What an incident says of them when it opens: evidence, and money."""
        value_usd = file.outcome_value_usd if file else 0.0
        return {
            "evidence": list(self.evidence),
            "exposure_usd": self.exposure_usd,
            "at_stake_usd": round(value_usd * len(self.bad), 2) if value_usd else None,
        }

    def seen(
        self, contained: Sequence[str], *, effective: bool | None, file: AgentFile | None
    ) -> Seen:
        """What `advise` asks for."""
        writes = [t.name for t in file.tools if t.effect == "write"] if file else []
        called = Counter(t for run in self.bad for t in run.path.split(">") if t)
        return Seen(
            bad_outcomes=self.outcomes,
            bad_releases=Counter(run.release for run in self.bad),
            good_releases=Counter(r.release for r in self.runs if r.outcome not in BAD),
            contained=contained,
            effective=effective,
            write_tools=sorted(writes, key=lambda tool: -called[tool]),
        )


def facts(ledger: Ledger | None, agent: str, environment: str, since_ns: int) -> Facts:
    """The agent's runs since then; an empty environment stands for all."""
    if ledger is None:
        return Facts(runs=())
    query = Query(agent=agent, environment=environment, since_ns=since_ns, limit=MAX_RUNS)
    return Facts(runs=list(ledger.runs(query)))


def runs_seen(found: Facts) -> list[RunSeen]:
    """The runs as containment looks at them."""
    return [
        RunSeen(
            run_id=run.run_id,
            environment=run.environment,
            version=str(run.body["run"].get("agent_version") or ""),
            start_ns=_ns(str(run.body["run"]["start"])),
            tools=run.path.split(">") if run.path else (),
        )
        for run in found.runs
    ]


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1e9)
