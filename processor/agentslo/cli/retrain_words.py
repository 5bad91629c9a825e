"""A retraining request as JSON and as words.

In: a request. Out: a dict or lines. Pure.
"""

from collections.abc import Iterator
from typing import Any

from agentslo.respond.retraining import Request
from agentslo.respond.training_facts import pending
from agentslo.service.report import rfc3339


def as_json(request: Request) -> dict[str, Any]:
    """Everything of a request; what is not there yet is null."""
    return {
        "id": request.id,
        "state": request.state,
        "agent": request.agent,
        "environment": request.environment,
        "trigger": request.kind,
        "key": request.key,
        "opened": rfc3339(request.opened_ns),
        "moved": rfc3339(request.moved_ns),
        "approvals": request.approvals,
        "approvals_needed": request.needs,
        "bundle": request.bundle,
        "bundle_sha256": request.bundle_sha256,
        "undelivered": list(pending(request)),
        "evaluation": request.evaluation,
        "canary": request.canary,
        "comparison": request.comparison,
        "rollback": request.rollback,
        "timeline": [
            {
                "seq": r.seq,
                "time": rfc3339(r.time_ns),
                "kind": r.kind,
                "actor": r.actor,
                "role": r.role,
            }
            for r in request.timeline
        ],
    }


def line(request: Request) -> str:
    """One line of a list."""
    return (
        f"retrain/{request.id:<4}  {request.state:<11}  {request.kind:<6}  {request.agent}  "
        f"{request.environment}  since {rfc3339(request.moved_ns)[:16]}"
    )


def lines(request: Request) -> Iterator[str]:
    """A request with what is known of it and its decisions."""
    yield line(request)
    yield f"  evidence {request.bundle}, sha256 {request.bundle_sha256}"
    if request.state == "proposed":
        yield f"  {len(request.approvals)} of {request.needs} approvals"
    for target in pending(request):
        yield f"  not delivered: {target}"
    if request.evaluation:
        found = request.evaluation
        yield f"  evaluation: {found['result']}, report sha256 {found['report_sha256']}"
        yield from (f"    failed: {what}" for what in found["failed"])
        yield from (f"    missing: {what}" for what in found["missing"])
    if request.comparison:
        yield from _comparison(request.comparison)
    if request.rollback:
        found = request.rollback
        yield f"  rollback: {found['result']}, canary runs ended after {found['seconds']:g} s"
    for row in request.timeline:
        yield f"  {rfc3339(row.time_ns)[:19]}  {row.kind}  {row.actor} ({row.role})"


def _comparison(found: Any) -> Iterator[str]:  # noqa: ANN401 - JSON values, as recorded
    yield f"  comparison: {found['verdict']}"
    for name, one in found["indicators"].items():
        yield (
            f"    {name}: {one['canary_bad']} of {one['canary_runs']} canary, "
            f"{one['stable_bad']} of {one['stable_runs']} stable runs: {one['verdict']}"
        )
