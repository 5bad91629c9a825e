"""What the running demo shows of itself: read from agentslo's page and metrics, as anyone would.

In: the addresses of a stack. Out: `Seen`. No state. Where agentslo does not answer, nothing is
seen.
"""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from agentslo.demo.stack import Stack

_DRIFT_STATE: Final = "agent_slo_drift_state"
_ATTRIBUTION: Final = "agent_slo_drift_attribution_info"
_RELEASES: Final = "agent_slo_release_info"
_IN_DRIFT: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSeen:
    """One agent as the page's API tells it."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    within_slo: str = "cannot tell"
    safe_to_run: str = "cannot tell"
    missed: tuple[str, ...] = ()
    """Objectives whose budget is spent."""

    @property
    def runs(self) -> int:
        """Runs counted."""
        return sum(self.outcomes.values())


@dataclass(slots=True, kw_only=True)
class Seen:
    """The fleet as agentslo sees it."""

    agents: dict[str, AgentSeen] = field(default_factory=dict)
    drifted: dict[str, list[str]] = field(default_factory=dict)
    """By agent: features in drift, each with its cause and lever."""
    releases: dict[str, dict[str, str]] = field(default_factory=dict)
    """By agent: agent version to release."""

    def of(self, agent: str) -> AgentSeen:
        """An agent; nothing where it has not been seen."""
        return self.agents.get(agent, AgentSeen())


def look(stack: Stack) -> Seen:
    """Asks the page and the metrics."""
    seen = Seen()
    try:
        status = json.loads(_get(f"{stack.url('page')}/api/v1/status"))
        text = _get(f"{stack.url('metrics')}/metrics")
    except (urllib.error.URLError, OSError, ValueError):
        return seen
    seen.agents = {row["agent"]: _agent(row) for row in status["agents"]}
    _drift(seen, text)
    return seen


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - loopback
        body: str = reply.read().decode()
        return body


def _agent(row: Mapping[str, Any]) -> AgentSeen:
    slos: Mapping[str, Any] = row["slos"]
    return AgentSeen(
        outcomes=Counter(row["outcomes"]),
        within_slo=row["within_slo"],
        safe_to_run=row["safe_to_run"],
        missed=tuple(n for n, s in slos.items() if (s["budget_left_ratio"] or 0.0) < 0),
    )


def _drift(seen: Seen, text: str) -> None:
    causes: dict[tuple[str, str], str] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels
            if sample.name == _ATTRIBUTION and sample.value:
                what = f"{labels['feature']} ({labels['bin']})"
                lever = f"cause {labels['cause']}, reversible by {labels['reversible_by']}"
                causes[labels["agent"], labels["feature"]] = f"{what}: {lever}"
            elif sample.name == _RELEASES and sample.value:
                seen.releases.setdefault(labels["agent"], {})[labels["agent_version"]] = labels[
                    "release"
                ]
            elif sample.name == _DRIFT_STATE and sample.value == _IN_DRIFT:
                seen.drifted.setdefault(labels["agent"], []).append(labels["feature"])
    for agent, features in seen.drifted.items():
        seen.drifted[agent] = [causes.get((agent, feature), feature) for feature in features]
