"""Ledgers of made-up runs, written as the service writes them."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agentslo.config.agent_options import AgentFile, AgentSlo
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerRun

EXPLAINED: dict[str, Any] = {
    "findings": [],
    "spans": [],
    "versions": {"agent": None, "models": []},
    "details": {},
    "corrected_from": None,
}
OUTCOMES = {"good": "success", "bad": "wrong_result", "unknown": "unknown"}


def a_file(agent: str, *slos: AgentSlo) -> AgentFile:
    """An agent file with objectives, otherwise as it starts."""
    return AgentFile(name=agent, file=f"{agent}.yaml", slos=slos)


def a_run(
    number: object,
    counted_ns: int,
    result: str,
    *,
    agent: str = "shop",
    release: str = "r1",
    outcome: str = "",
    slo: str = "resolved",
    task_type: str = "",
    **body: Any,
) -> LedgerRun:
    """One counted run with one objective's result."""
    outcome = outcome or OUTCOMES[result]
    run_id = f"{number!s:0>32}:{number!s:0>16}"
    line = {
        "run_id": run_id,
        "trace_id": run_id.partition(":")[0],
        "agent": agent,
        "environment": "production",
        "release": release,
        "task_type": task_type or None,
        "outcome": outcome,
        "reason": "assertions_met" if result == "good" else "evaluation_failed",
        "evidence": "tool_result",
        "slos": {slo: result},
        "duration_s": 1.0,
        "end": "2026-11-29T12:00:00Z",
        "tool_calls": 1,
        "finalized_by": "root_ended",
    }
    return LedgerRun(
        run_id=run_id,
        agent=agent,
        environment="production",
        release=release,
        task_type=task_type,
        outcome=outcome,
        counted_ns=counted_ns,
        end_ns=counted_ns,
        path="search>answer",
        body={**EXPLAINED, "run": line, **body},
    )


@contextlib.contextmanager
def ledger_of(directory: Path, runs: Sequence[LedgerRun]) -> Iterator[Ledger]:
    """An open ledger in a storage directory that holds these runs."""
    with Ledger(directory / LEDGER_FILE) as ledger:
        ledger.write(runs)
        yield ledger
