"""Runs and corrections as rows of the ledger.

In: `Happening`s. Out: ledger rows, or None for what is not kept. Pure. Nothing in a row is content:
names are cut down to safe characters, conversation ids are hashed (design.md 8, promise 5).
"""

import hashlib
from typing import Any

from agentslo.measure.labels import clean
from agentslo.model import Role, Run, Verdict
from agentslo.outcomes.view import RunView
from agentslo.service.events import Corrected, Counted, Happening
from agentslo.service.report import explanation
from agentslo.store.ledger import LedgerCorrection, LedgerRun

_NAMES = ("agent", "agent_version", "service", "task_type", "escalation_reason")


def row(happening: Happening, now_ns: int) -> LedgerRun | LedgerCorrection | None:
    """The row of a counted run or a correction; None for anything else."""
    if isinstance(happening, Counted):
        return run_row(happening.run, happening.verdict, now_ns, happening.view)
    if isinstance(happening, Corrected):
        return LedgerCorrection(
            run_id=happening.run.run_id,
            time_ns=happening.time_ns,
            before=happening.before.outcome.value,
            after=happening.after.outcome.value,
            source=happening.source,
            slos={name: result.value for name, result in happening.after.slos.items()},
        )
    return None


def run_row(run: Run, verdict: Verdict, now_ns: int, view: RunView | None = None) -> LedgerRun:
    """A run as it is kept."""
    return LedgerRun(
        run_id=run.run_id,
        agent=clean(run.agent),
        environment=clean(run.environment),
        release=run.release,
        task_type=clean(run.task_type),
        outcome=verdict.outcome.value,
        counted_ns=now_ns,
        end_ns=run.end_ns,
        path=tool_path(run),
        body=kept(run, verdict, view),
    )


def tool_path(run: Run) -> str:
    """The tools a run called, in order: what its usual path is compared by."""
    tools = [r for r in [s.reading for s in run.steps] if r.role is Role.TOOL]
    return ">".join([clean(r.tool or r.name) for r in tools])


def kept(run: Run, verdict: Verdict, view: RunView | None = None) -> dict[str, Any]:
    """The explanation of a run without anything that a person may have written."""
    found: dict[str, Any] = explanation(run, verdict, view=view)
    line = found["run"]
    for name in _NAMES:
        if isinstance(line[name], str):
            line[name] = clean(line[name])
    line["sub_agents"] = [clean(n) for n in line["sub_agents"]]
    conversation = run.conversation_id
    digest = hashlib.sha256(conversation.encode()).hexdigest()[:16]
    line["conversation_id"] = f"sha256:{digest}" if conversation else None
    for span in found["spans"]:
        span["name"] = clean(span["name"])
        span["tool"] = clean(span["tool"]) if span["tool"] else None
    scopes = {id(s.reading.scope): s.reading.scope for s in run.steps}
    found["versions"] = {
        "agent": line["agent_version"],
        "prompt": clean(run.prompt_version),
        "models": [clean(model) for model in run.models],
        "tools": clean(run.tools_version),
        "policy": clean(run.policy_version),
        "scopes": sorted({f"{clean(s.name)} {clean(s.version)}" for s in scopes.values()}),
    }
    return found
