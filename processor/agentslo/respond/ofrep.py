"""Flags over HTTP, for agents that cannot read the flag file.

In: the flag definitions in force (`agentslo.respond.flags`), a flag's key, an evaluation context.
Out: bodies of the OpenFeature Remote Evaluation Protocol. Pure. Only the operations that
`agentslo.respond.flags` writes are known. Source: open-feature/protocol, OFREP 0.2.
"""

import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
Definitions = Mapping[str, Any]


class ContextError(ValueError):
    """The request holds no evaluation context; the message says what was expected."""


def context_of(body: bytes) -> Json:
    """The evaluation context of a request; raises `ContextError`."""
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ContextError(f"not JSON: {error}") from None
    context = found.get("context", {}) if isinstance(found, dict) else None
    if not isinstance(context, dict):
        raise ContextError('send {"context": {...}}')
    return context


def evaluate(definitions: Definitions, key: str, context: Mapping[str, Any], now_s: int) -> Json:
    """The answer for one flag: its value, or `errorCode`."""
    flag = definitions["flags"].get(key)
    if flag is None:
        details = "no such flag; agents are flagged once they are declared or contained"
        return {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details}
    chosen = _apply(flag.get("targeting"), {**context, "$flagd.timestamp": now_s})
    variant = flag["defaultVariant"] if chosen is None else chosen
    return {
        "key": key,
        "value": flag["variants"][variant],
        "variant": variant,
        "reason": "STATIC" if chosen is None else "TARGETING_MATCH",
        "metadata": flag.get("metadata", {}),
    }


def evaluate_all(definitions: Definitions, context: Mapping[str, Any], now_s: int) -> Json:
    """The answer for every flag."""
    flags = [evaluate(definitions, key, context, now_s) for key in definitions["flags"]]
    return {"flags": flags}


def _apply(rule: Any, data: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSONLogic is untyped
    """A JSONLogic rule of ours on some data."""
    if not isinstance(rule, dict):
        return rule
    ((name, given),) = rule.items()
    if name == "var":
        return data.get(given)
    if name == "if":
        pairs = zip(given[:-1:2], given[1::2], strict=True)
        taken = (value for condition, value in pairs if _apply(condition, data))
        return next(taken, given[-1])
    values = [_apply(value, data) for value in given]
    if name == "<":
        return values[0] < values[1]
    if name == "in":
        return values[0] in values[1]
    return all(values)
