"""What of a run may leave in a bundle: known fields, and nothing that looks like a person's data.

In: a run's body as the ledger keeps it. Out: the same, cut down, and counts of what was taken out.
Pure. The ledger holds no content by construction; this is the second lock, for names and reasons
that applications chose.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

MAX_TEXT = 200
REMOVED = "[removed]"
RUN_FIELDS = frozenset(
    {
        *("run_id", "trace_id", "trace_ids", "root_span_id", "agent", "agent_version", "service"),
        *("environment", "release", "task_type", "start", "end", "duration_s", "human_wait_s"),
        *("outcome", "reason", "evidence", "finalized_by", "slos", "tokens_in", "tokens_out"),
        *("tokens_missing", "cost_usd", "cost_known_usd", "llm_calls", "tool_calls"),
        *("tool_errors", "retrievals", "escalated", "escalation_reason", "policy_violation"),
        *("loop", "duplicate_actions", "confidence", "sub_agents"),
    }
)
ID_FIELDS = frozenset({"run_id", "trace_id", "trace_ids", "root_span_id", "span_id"})
"""Ids are made by machines, and one in two thousand looks like an account number."""
TOP_FIELDS = frozenset({"run", "findings", "details", "spans", "versions"})
_PATTERNS = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("token", re.compile(r"(?:sk|pk|ghp|xox[a-z]|AKIA|eyJ)[-_A-Za-z0-9]{12,}")),
    # Cards, accounts and telephone numbers; ids of traces are hexadecimal and longer.
    ("number", re.compile(r"(?<![\w.:-])\+?\d(?:[ -]?\d){8,18}(?![\w.:-])")),
)


def redacted(body: Mapping[str, Any], removed: Counter[str]) -> dict[str, Any]:
    """The run without what may not leave; `removed` counts by kind what was taken out."""
    kept = {key: value for key, value in body.items() if key in TOP_FIELDS}
    run = {key: value for key, value in kept.get("run", {}).items() if key in RUN_FIELDS}
    removed["field"] += len(body) - len(kept) + len(kept.get("run", {})) - len(run)
    found: dict[str, Any] = _clean({**kept, "run": run}, removed)
    return found


def _clean(value: Any, removed: Counter[str]) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, Mapping):
        return {
            _text(str(k), removed): v if k in ID_FIELDS else _clean(v, removed)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(item, removed) for item in value]
    return _text(value, removed) if isinstance(value, str) else value


def _text(value: str, removed: Counter[str]) -> str:
    for name, pattern in _PATTERNS:
        value, count = pattern.subn(REMOVED, value)
        if count:
            removed[name] += count
    if len(value) > MAX_TEXT:
        removed["cut"] += 1
        value = value[:MAX_TEXT]
    return value
