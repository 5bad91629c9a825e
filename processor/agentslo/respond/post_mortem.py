"""Post-mortems: what must stand in one before its incident may be closed, and a draft of it.

In: an incident; a file a person has filled in. Out: a YAML draft with the facts filled in; the
checked content, or `Refused` with everything that is missing. Pure. Source: Google SRE book,
chapter 15 (postmortem culture): prevention changes a default, it does not ask people to take care.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from agentslo.respond.incidents import Incident
from agentslo.respond.rights import Refused

PREVENTIONS = ("prompt_or_policy", "retrieval_data", "tool_permission", "eval_test")
_WARNING = re.compile(
    r"\b(warn|remind|tell|train|ask|alert)\w*\s+(the\s+|our\s+)?"
    r"(operators?|people|team|staff|users?|everybody|everyone|on-?call)\b|\bbe (more )?careful\b",
    re.IGNORECASE,
)
TEXTS = ("root_cause", "customer_impact")
TODO = "TODO"
MIN_TEXT = 20


def draft(incident: Incident) -> str:
    """A post-mortem with everything that is known, and TODO where a person must write."""
    facts = {
        "incident": incident.id,
        "agent": incident.agent,
        "environment": incident.environment,
        "category": incident.category,
        "severity": incident.severity,
        "began": _time(incident.began_ns),
        "detected": _time(incident.opened_ns),
        "acknowledged": _time(incident.acknowledged_ns),
        "contained": _time(incident.contained_ns),
        "resolved": _time(incident.resolved_ns),
        "exposure_usd": incident.exposure_usd,
        "at_stake_usd": incident.at_stake_usd,
        "evidence_runs": list(incident.evidence),
        "containments": list(incident.containments),
        "timeline": [f"{_time(row.time_ns)} {row.kind} {row.actor}" for row in incident.timeline],
    }
    to_write: dict[str, Any] = {
        "root_cause": f"{TODO}: why it could happen, not who did it",
        "contributing_factors": [f"{TODO}: what made it likelier, larger or later seen"],
        "customer_impact": f"{TODO}: who was harmed, how many, by how much; 'none' with the reason",
        "prevention": [
            {
                "kind": f"{TODO}: one of {', '.join(PREVENTIONS)}",
                "change": f"{TODO}: which default changes",
                "test": f"{TODO}: id of the test or evaluation case that fails without it",
                "owner": f"{TODO}: who",
                "due": f"{TODO}: 2026-12-31",
            }
        ],
    }
    head = "# Write what says TODO, then: agentslo incident close ID --with FILE\n"
    return head + str(yaml.safe_dump({**facts, **to_write}, sort_keys=False, allow_unicode=True))


def read(text: str, incident: Incident) -> dict[str, Any]:
    """The content of a filled-in file; raises `Refused` with every fault at once."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Refused(f"the post-mortem is no YAML: {error}") from error
    if not isinstance(found, Mapping):
        raise Refused("the post-mortem is no mapping; begin with `agentslo incident draft`")
    faults = [*_text_faults(found), *_factor_faults(found), *_prevention_faults(found)]
    if str(found.get("incident")) != incident.id:
        faults.append(f"incident: is {found.get('incident')!r}, not {incident.id}")
    if faults:
        raise Refused("the post-mortem is not complete: " + "; ".join(faults))
    return {str(key): _plain(value) for key, value in found.items()}


def _text_faults(found: Mapping[str, Any]) -> list[str]:
    return [
        f"{key}: write at least {MIN_TEXT} characters, without {TODO}"
        for key in TEXTS
        if not _written(found.get(key), MIN_TEXT)
    ]


def _factor_faults(found: Mapping[str, Any]) -> list[str]:
    factors = found.get("contributing_factors")
    if isinstance(factors, list) and factors and all(_written(f, 5) for f in factors):
        return []
    return ["contributing_factors: list at least one"]


def _prevention_faults(found: Mapping[str, Any]) -> list[str]:
    items = found.get("prevention")
    if not isinstance(items, list) or not items:
        return ["prevention: list at least one change"]
    faults = []
    for number, item in enumerate(items, 1):
        where = f"prevention {number}"
        if not isinstance(item, Mapping):
            faults.append(f"{where}: give kind, change, test, owner and due")
            continue
        if item.get("kind") not in PREVENTIONS:
            faults.append(f"{where}: kind is one of {', '.join(PREVENTIONS)}")
        if not _written(item.get("change"), 10):
            faults.append(f"{where}: change says which default changes")
        elif _WARNING.search(str(item["change"])):
            faults.append(f"{where}: to warn people is no prevention; change a default")
        faults += [
            f"{where}: {key} is missing"
            for key in ("test", "owner", "due")
            if not _written(item.get(key), 1)
        ]
    return faults


def _written(value: object, least: int) -> bool:
    text = "" if value is None else str(value).strip()
    return len(text) >= least and TODO not in text


def _plain(value: object) -> object:
    """Dates of YAML as texts: what is recorded is JSON."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _time(time_ns: int) -> str | None:
    if not time_ns:
        return None
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="seconds")
