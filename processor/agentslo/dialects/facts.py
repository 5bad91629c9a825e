"""What agent files ask about, taken from a span while it is read.

In: a span as sent, its step, what is wanted. Out: the step's `facts`, `effect_key` and provenance.
No state. Values are cut at MAX_VALUE characters and stay in memory until the run is judged: they
never reach metrics, logs, the ledger or added attributes.
"""

import json
import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from agentslo.config.pattern_cost import MAX_TEXT
from agentslo.config.wants import ToolWants, Wants
from agentslo.dialects import provenance
from agentslo.dialects.base import SpanView, Value
from agentslo.dialects.content import MAX_JSON_BYTES
from agentslo.dialects.envelopes import Fields, fields, unwrapped
from agentslo.model import AGENT_LIKE, Role, Step

MAX_VALUE = MAX_TEXT
MAX_IDS = 100


def take(
    view: SpanView, step: Step, wants: Wants, arguments: Value, result: Value, output: str
) -> None:
    """Fill in what is wanted of this step."""
    facts: dict[str, str | bool | int | float] = {}
    for key in wants.attributes & view.attributes.keys():
        _keep(facts, f"attribute:{key}", view.attributes[key])
    tool = wants.tools.get(step.tool) if step.role is Role.TOOL else None
    if step.role is Role.TOOL:
        arguments, result = _in_events(view, arguments, result)
    if tool is not None:
        _call(step, tool, facts, fields(arguments), fields(result) | unwrapped(result))
    if wants.provenance:
        _provenance(view, step, tool, arguments, result)
    if wants.citation_patterns:
        if step.role in (Role.TOOL, Role.RETRIEVAL):
            step.retrieved_ids = _ids(wants, _text(result) or _text(_documents(view)))
        elif step.role is Role.LLM:
            step.cited_ids = _ids(wants, output)
    if facts:
        step.facts = facts


def _in_events(view: SpanView, arguments: Value, result: Value) -> tuple[Value, Value]:
    """What a call was given and gave, from events where the attributes hold it not (Strands)."""
    for event in view.events:
        if event.name == "gen_ai.tool.message" and arguments is None:
            arguments = event.attributes.get("content")
        elif event.name == "gen_ai.choice" and result is None:
            result = event.attributes.get("message")
    return arguments, result


def _documents(view: SpanView) -> Value:
    found = view.attributes.get("gen_ai.retrieval.documents")
    if found is not None:
        return found
    return [v for k, v in view.attributes.items() if k.startswith("retrieval.documents.")]


def _ids(wants: Wants, text: str) -> frozenset[str]:
    """What in a text looks like a document id, at most MAX_IDS of them."""
    text = text[:MAX_JSON_BYTES]
    found: set[str] = set()
    for pattern in wants.citation_patterns:
        found.update(islice(_matches(_pattern(pattern), text), MAX_IDS - len(found)))
    return frozenset(found)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """What `finditer` finds of at most MAX_VALUE characters, in time that grows with the text: each
    search sees a window twice as long, so that no match that short is missed or cut.
    """
    at = 0
    while at < len(text):
        match = pattern.search(text, at, at + 2 * MAX_VALUE)
        if match is None:
            at += MAX_VALUE
        elif match.start() > at + MAX_VALUE:
            at = match.start()
        else:
            if match.group():
                yield match.group()[:MAX_VALUE]
            at = max(match.end(), at + 1)


@lru_cache(maxsize=64)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _call(
    step: Step,
    tool: ToolWants,
    facts: dict[str, str | bool | int | float],
    arguments: Fields,
    result: Fields,
) -> None:
    for key in tool.arguments:
        _keep(facts, f"argument:{key}", dig(arguments, key))
    for key in tool.results:
        _keep(facts, f"result:{key}", dig(result, key))
    if tool.write and arguments:
        named = tool.idempotency or sorted(arguments.keys() - tool.volatile)
        content = json.dumps({k: dig(arguments, k) for k in named}, sort_keys=True, default=repr)
        step.effect_key = zlib.crc32(content.encode())


def _provenance(
    view: SpanView, step: Step, tool: ToolWants | None, arguments: Value, result: Value
) -> None:
    if step.role is Role.TOOL:
        step.instructed = provenance.instructed(_text(result))
        if tool is not None and tool.untrusted:
            sent = fields(arguments)
            text = " ".join(_text(dig(sent, key)) for key in sorted(tool.untrusted))
            step.carried = provenance.words(text)
    elif step.role in AGENT_LIKE or step.role is Role.LLM:
        step.said = provenance.said_by_person(view.attributes)


def dig(found: Fields, path: str) -> Value:
    """The value at a dotted path; None where there is none."""
    if path in found:
        return found[path]
    at: Value = found
    for part in path.split("."):
        at = at.get(part) if isinstance(at, dict) else None
    return at


def _keep(facts: dict[str, str | bool | int | float], key: str, value: Value) -> None:
    if isinstance(value, str):
        facts[key] = value[:MAX_VALUE]
    elif isinstance(value, bool | int | float):
        facts[key] = value
    elif value is not None:
        facts[key] = _text(value)[:MAX_VALUE]


def _text(value: Value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=repr)
