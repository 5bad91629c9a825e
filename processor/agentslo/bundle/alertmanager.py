"""Where alerts go: one subtree under `product="agent-slo"`, to merge into a tree or to run alone.

In: the extra labels. Out: plain values for YAML. No state. agentslo comes first: pages open
incidents there, and contain or ask for retraining only where alerts opted in by
`containment="auto"` or `retrain="candidate"`, which no rule of ours sets: people add the label
(`alert_relabel_configs`) for the agents they mean. Then people, by action. Secrets are read from
files. Loads in Alertmanager 0.25 and later. Source: prometheus-grafana.md 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agentslo.bundle.rule import PRODUCT
from agentslo.bundle.yaml_text import HEADER, dump

TOKEN_FILE: Final = "/etc/alertmanager/secrets/agent-slo-token"  # noqa: S105  # a path
WEBHOOKS: Final = "http://127.0.0.1:9466"
AGENTSLO: Final = "http://agentslo:9465/v1/alerts"
"""The service by the name it has in docker-compose.yml; elsewhere, its page's address."""
_OURS: Final = f'product="{PRODUCT}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Who is told. `url` empty: nobody, the alert is shown only. Those of people are placeholders
    on loopback until someone names their pager.
    """

    name: str
    url: str = ""
    send_resolved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """Alerts that mute others; `equal` names the labels both must share."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...]


RECEIVERS: Final = (
    Receiver(name="agent-slo-incidents", url=AGENTSLO),
    Receiver(name="agent-slo-retraining", url=AGENTSLO, send_resolved=False),
    Receiver(name="agent-slo-deadman", url=f"{WEBHOOKS}/deadman", send_resolved=False),
    Receiver(name="agent-slo-page", url=f"{WEBHOOKS}/page"),
    Receiver(name="agent-slo-ticket", url=f"{WEBHOOKS}/ticket"),
    Receiver(name="agent-slo-watch"),
)

_AGENT: Final = ("agent", "environment")
INHIBITIONS: Final = (
    Inhibition(
        source=('alertname="AgentSLOErrorBudgetBurn"',),
        target=(_OURS, 'alertname=~"AgentSLOErrorBudgetBurnTicket|AgentSLOBudgetExhausted"'),
        equal=(*_AGENT, "slo"),
    ),
    Inhibition(
        source=('alertname="AgentSLOErrorBudgetBurn"',),
        target=(_OURS, 'alertname="AgentDriftWatch"'),
        equal=_AGENT,
    ),
    Inhibition(
        source=('alertname="AgentDataCorruption"',),
        target=(_OURS, 'alertname="AgentDuplicateActions"'),
        equal=_AGENT,
    ),
    # A stopped agent misses objectives, drifts and falls silent; unsafe actions still page.
    Inhibition(
        source=('alertname="AgentKillSwitchEngaged"',),
        target=(_OURS, 'category=~"objective|behaviour|drift|telemetry"'),
        equal=_AGENT,
    ),
    Inhibition(
        source=('alertname="AgentTelemetryDown"',),
        target=(_OURS, 'alertname=~"AgentSilent|AgentEvaluatorFrozen"'),
        equal=("product",),
    ),
)
"""Page mutes ticket of the same objective; a page mutes the agent's drift watch; a corruption page
its duplicates; the kill switch its agent; lost telemetry what follows from it."""


def routing(extra: tuple[str, ...] = ()) -> tuple[dict[str, Any], tuple[Receiver, ...]]:
    """The subtree and the receivers it names."""
    agent = [*_AGENT, *extra]
    # Matcher, receiver, grouping, wait, interval, repeat, whether later routes see it too.
    table = (
        ('slo_action="page"', "incidents", agent, "0s", "1m", "30m", True),
        ('retrain="candidate"', "retraining", agent, "5m", "10m", "24h", True),
        ('alertname="AgentSLOWatchdog"', "deadman", ["alertname", *extra], "0s", "1m", "5m", False),
        ('slo_action="page"', "page", [*agent, "owner"], "10s", "1m", "1h", False),
        ('slo_action="ticket"', "ticket", [*agent, "owner", "slo"], "1m", "10m", "24h", False),
        ('slo_action="watch"', "watch", agent, "1m", "10m", "24h", False),
    )
    routes = [
        {
            "matchers": [matcher],
            "receiver": f"agent-slo-{receiver}",
            "group_by": group_by,
            "group_wait": wait,
            "group_interval": interval,
            "repeat_interval": repeat,
            **({"continue": True} if goes_on else {}),
        }
        for matcher, receiver, group_by, wait, interval, repeat, goes_on in table
    ]
    top = {"matchers": [_OURS], "receiver": "agent-slo-ticket", "group_by": agent, "routes": routes}
    return top, RECEIVERS


def _receiver(receiver: Receiver) -> dict[str, Any]:
    if not receiver.url:
        return {"name": receiver.name}
    hook = {
        "url": receiver.url,
        "send_resolved": receiver.send_resolved,
        "max_alerts": 0,
        "http_config": {
            "authorization": {"type": "Bearer", "credentials_file": TOKEN_FILE},
        },
    }
    return {"name": receiver.name, "webhook_configs": [hook]}


def _inhibition(rule: Inhibition, extra: tuple[str, ...]) -> dict[str, Any]:
    return {
        "source_matchers": list(rule.source),
        "target_matchers": list(rule.target),
        "equal": [*rule.equal, *extra],
    }


_PART = """# A part of an Alertmanager configuration, not a whole one. To merge it:
# 1. put `route` first in your tree's `routes`: it takes product="agent-slo" and nothing else;
# 2. append `receivers` and `inhibit_rules` to yours;
# 3. point agent-slo-incidents and -retraining at the page of agentslo (9465), the others at your
#    pager and ticket system; the token is read from its file.
# To route by owner, put routes with `matchers: [owner="TEAM"]` below a receiver's route.
"""


def alertmanager_files(extra: tuple[str, ...]) -> Mapping[str, str]:
    """The subtree to merge, and a whole file for a stack of its own."""
    route, receivers = routing(extra)
    named = [_receiver(receiver) for receiver in receivers]
    muted = [_inhibition(rule, extra) for rule in INHIBITIONS]
    part = {"route": route, "receivers": named, "inhibit_rules": muted}
    whole = {
        "route": {
            "receiver": "agent-slo-watch",
            "group_by": ["alertname"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [route],
        },
        "receivers": named,
        "inhibit_rules": muted,
    }
    return {
        "alert-rules/alertmanager-route.yml": dump(part, HEADER + _PART),
        "alert-rules/alertmanager.yml": dump(whole),
    }
