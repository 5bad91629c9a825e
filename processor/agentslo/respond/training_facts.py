"""What follows from a retraining request: approvals, deliveries, what is kept, what was measured.

In: requests, reports, agent files, the ledger. Out: plain values for `Training`. No state.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from agentslo.config.agent_options import AgentFile
from agentslo.respond import bundle_files, evaluation
from agentslo.respond.retraining import Request, Trigger
from agentslo.store.ledger import Ledger, Query

SETTLE_NS = 15 * 60 * 1_000_000_000
"""How long runs of a release may still end after its rollback: they were under way."""


def approvals_needed(trigger: Trigger, file: AgentFile | None) -> int:
    """Two people for a policy; one where customers see the agent or it may write; else none. Of an
    agent without a file the worst is assumed.
    """
    if trigger.kind == "policy":
        return 2
    return 1 if file is None or file.releases.customer_facing or writes(file) else 0


def pending(request: Request) -> dict[str, int]:
    """Targets that have not taken a request, with the time it was dispatched."""
    targets: dict[str, int] = {}
    for row in request.timeline:
        if row.kind == "retrain.dispatched":
            targets |= dict.fromkeys(row.body["targets"], row.time_ns)
        elif row.kind == "retrain.delivered":
            targets.pop(row.body["target"], None)
    return targets


def writes(file: AgentFile | None) -> bool:
    """Whether an agent may change anything; one without a file is taken to."""
    return file is None or any(tool.effect == "write" for tool in file.tools)


def event_id(request: Request) -> str:
    """The same for every time a request is sent, and for no other request."""
    return hashlib.sha256(f"{request.id}:{request.bundle_sha256}".encode()).hexdigest()[:32]


def recorded(report: Mapping[str, Any], judged: evaluation.Judged) -> dict[str, Any]:
    """What of a report is kept in the decisions; all of it is behind its digest."""
    body: dict[str, Any] = {
        "result": judged.result,
        "release": judged.release,
        "failed": list(judged.failed),
        "missing": list(judged.missing),
    }
    if judged.result == "pass":
        stages = report["stages"]
        body |= {
            "candidate": {k: report["candidate"][k] for k in ("release", "sha256")},
            "stages": {name: stages[name]["sha256"] for name in evaluation.STAGES},
            "stage_seconds": {name: stages[name]["seconds"] for name in evaluation.STAGES},
            "strata": {
                name: report["strata"][name]["passed"] / report["strata"][name]["cases"]
                for name in evaluation.STRATA
            },
            "data_quality": report["data_quality"],
            "index": report["index"].get("version"),
            "lineage": list(report["index"].get("lineage", ())),
        }
    return body


def rollback_measured(ledger: Ledger, request: Request, now_ns: int) -> dict[str, Any]:
    """Whether the canary's runs ended after its rollback, and after how many seconds."""
    release = (request.canary or {}).get("release")
    query = Query(
        agent=request.agent,
        environment=request.environment,
        since_ns=request.rolled_back_ns,
        limit=bundle_files.MAX_RUNS,
    )
    since = [r for r in ledger.runs(query) if r.counted_ns <= now_ns]
    still = [r.counted_ns for r in since if r.release == release]
    last_ns = max(still, default=request.rolled_back_ns)
    if len(still) == len(since):
        result = "unknown" if not since else "failure"
    else:
        result = "failure" if last_ns > request.rolled_back_ns + SETTLE_NS else "success"
    return {
        "result": result,
        "seconds": (last_ns - request.rolled_back_ns) / 1e9,
        "runs_since": len(since),
        "canary_runs_since": len(still),
    }
