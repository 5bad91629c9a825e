"""What is known of one agent, gathered from its file, the ledger, the decisions and the audit.

In: a storage directory, a configuration. Out: `Known`, with the attestations beside it. Nothing is
written; what is not there yet is empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentslo.config.agent_options import AgentFile, defaults
from agentslo.config.service_file import ServiceConfig
from agentslo.respond import attestations, containment, incidents
from agentslo.respond.attestations import Attestation
from agentslo.respond.facts import facts
from agentslo.respond.probes import DAY_NS, Known
from agentslo.store.audit import audit
from agentslo.store.decisions import DECISIONS_FILE, Decision, open_decisions
from agentslo.store.ledger import LEDGER_FILE, Ledger

Attested = Mapping[str, Sequence[Attestation]]


def known(
    directory: Path, config: ServiceConfig, agent: str, now_ns: int, days: float = 30
) -> tuple[Known, Attested]:
    """Everything about an agent and the runs of its last `days`."""
    since_ns = now_ns - int(days * DAY_NS)
    rows, checked = _decisions(directory, agent)
    ledger_file = directory / LEDGER_FILE
    if ledger_file.exists():
        with Ledger(ledger_file, read_only=True) as ledger:
            runs = facts(ledger, agent, "", since_ns).runs
    else:
        runs = ()
    found = Known(
        file=file_of(config, agent),
        runs=runs,
        incidents=incidents.fold_all(rows),
        containments=containment.fold_all(rows),
        audit=audit(directory, {}) if checked else None,
        now_ns=now_ns,
    )
    return found, attestations.fold(rows)


def file_of(config: ServiceConfig, agent: str) -> AgentFile:
    """The agent's file, or the defaults under its name."""
    for file in config.agents:
        if file.name == agent:
            return file
    return replace(defaults(config.slos, config.environments), name=agent)


def _decisions(directory: Path, agent: str) -> tuple[list[Decision], bool]:
    if not (directory / DECISIONS_FILE).exists():
        return [], False
    decisions = open_decisions(directory, read_only=True)
    try:
        return decisions.rows(agent=agent), True
    finally:
        decisions.close()
