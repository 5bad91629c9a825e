"""Objectives as OpenSLO documents.

In: the service's configuration. Out: path to text, one file. No state. OpenSLO has no pairs of
windows in one condition, so alerting stays with our rules; the budgets and ratios are the same.
Source: OpenSLO v1 (SLO, Service, DataSource; occurrences budgeting).
"""

from collections.abc import Mapping
from typing import Any, Final

from agentslo.bundle.yaml_text import HEADER, dump
from agentslo.config.agent_options import AgentFile, AgentSlo, defaults
from agentslo.config.service_file import ServiceConfig

_SOURCE: Final = "prometheus"
_VERSION: Final = "openslo/v1"
_BAD: Final = 'result="bad"'
_JUDGED: Final = 'result=~"good|bad"'


def openslo_files(config: ServiceConfig) -> Mapping[str, str]:
    """Every declared agent's objectives; the default ones where none is declared."""
    agents = config.agents or (defaults(config.slos, config.environments),)
    documents: list[dict[str, Any]] = [_data_source()]
    for agent in agents:
        documents += _documents(agent)
    text = "---\n".join(dump(document, "") for document in documents)
    return {"alert-rules/openslo.yaml": HEADER + text}


def _documents(agent: AgentFile) -> list[dict[str, Any]]:
    name = agent.name or "any-agent"
    service = {
        "apiVersion": _VERSION,
        "kind": "Service",
        "metadata": {"name": _id(name)},
        "spec": {"description": agent.description or f"The agent {name}."},
    }
    return [service, *(_slo(agent, slo) for slo in agent.slos)]


def _slo(agent: AgentFile, slo: AgentSlo) -> dict[str, Any]:
    who = f'agent="{agent.name}",' if agent.name else ""
    where = f'{who}environment=~"{"|".join(agent.environments)}",slo="{slo.name}"'
    bad, judged = (f"sum(agent_slo_events_total{{{where},{r}}})" for r in (_BAD, _JUDGED))
    name = _id(f"{agent.name or 'any-agent'}-{slo.name}")
    indicator = {
        "metadata": {"name": f"{name}-ratio"},
        "spec": {
            "ratioMetric": {
                "counter": True,
                "bad": _source(bad),
                "total": _source(judged),
            }
        },
    }
    spec = {
        "service": _id(agent.name or "any-agent"),
        "indicator": indicator,
        "timeWindow": [{"duration": f"{max(1, round(slo.window_s / 86_400))}d", "isRolling": True}],
        "budgetingMethod": "Occurrences",
        "objectives": [{"displayName": slo.name, "target": slo.objective_ratio}],
    }
    return {"apiVersion": _VERSION, "kind": "SLO", "metadata": {"name": name}, "spec": spec}


def _source(query: str) -> dict[str, Any]:
    return {
        "metricSource": {
            "metricSourceRef": _SOURCE,
            "type": "Prometheus",
            "spec": {"query": query},
        }
    }


def _data_source() -> dict[str, Any]:
    spec = {"type": "Prometheus", "connectionDetails": {"url": "http://127.0.0.1:9090"}}
    metadata = {"name": _SOURCE}
    return {"apiVersion": _VERSION, "kind": "DataSource", "metadata": metadata, "spec": spec}


def _id(text: str) -> str:
    """A resource name: lower case, digits and dashes."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
