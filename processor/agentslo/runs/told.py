"""What messages tell of tool calls: calls without a span, spans without arguments and result.

In: the steps of a run, in order of start, and their parents. Out: the same; with a step for every
call that was asked for and answered, where the run has no span of any call (one that nobody
answered was not made as far as is known); else with spans of calls completed by call id. Pure.
Instrumentation of a model's SDK sends no span for a tool, and that of many frameworks no content.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentslo.model import AGENT_LIKE, Role, Step, ToldCall

_SEEN = frozenset({Role.TOOL, Role.HANDOFF, Role.RETRIEVAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call that was asked for and answered; `by` asked. Times are unix ns."""

    ask: ToldCall
    answer: ToldCall
    by: Step
    start_ns: int
    end_ns: int


def with_told_calls(
    steps: Sequence[Step], parents: Mapping[bytes, bytes]
) -> tuple[tuple[Step, ...], Mapping[bytes, bytes]]:
    """The steps and parents of a run, with what its messages tell of calls."""
    made = (list(_between(steps)) or list(_within(steps))) if any(s.asked for s in steps) else []
    if not made:
        return tuple(steps), parents
    if any(s.role in _SEEN for s in steps):
        by_id = {call.ask.id: call for call in made}
        return tuple(_completed(s, by_id.get(s.call_id)) for s in steps), parents
    added = {_span_id(call): call for call in made}
    found = [*steps, *(_step(span_id, call) for span_id, call in added.items())]
    found.sort(key=lambda s: (s.start_ns, s.end_ns, s.span_id))
    above = {span_id: _above(call.by, parents) for span_id, call in added.items()}
    return tuple(found), {**parents, **above}


def _completed(step: Step, call: _Call | None) -> Step:
    """A tool's span with what it does not hold itself; ids that come again may be other calls."""
    if call is None or step.role is not Role.TOOL or step.tool != call.ask.tool:
        return step
    if step.args_hash is not None and step.result_hash is not None:
        return step
    answer = call.answer
    return step.but(
        has_args=True,
        has_result=True,
        args_hash=call.ask.content_hash if step.args_hash is None else step.args_hash,
        result_hash=answer.content_hash if step.result_hash is None else step.result_hash,
        failed=answer.failed if step.failed is None and step.fault is None else step.failed,
    )


def _above(by: Step, parents: Mapping[bytes, bytes]) -> bytes:
    """A call stands beside the model call that asked for it, and below an agent that tells it."""
    return by.span_id if by.role in AGENT_LIKE else parents.get(by.span_id, b"")


def _between(steps: Sequence[Step]) -> Iterator[_Call]:
    """Calls that one model call asked for and a later one was given the result of."""
    open_calls: dict[str, tuple[ToldCall, Step]] = {}
    for model in (s for s in steps if s.role is Role.LLM):
        for answer in model.told:
            ask, by = open_calls.pop(answer.id, (None, model))
            if ask is not None:
                end_ns = max(by.end_ns, model.start_ns)
                yield _Call(ask=ask, answer=answer, by=by, start_ns=by.end_ns, end_ns=end_ns)
        open_calls.update((ask.id, (ask, model)) for ask in model.asked)


def _within(steps: Sequence[Step]) -> Iterator[_Call]:
    """Calls in the history that the outermost agent gives as its output."""
    agent = next((s for s in steps if s.role in AGENT_LIKE and s.asked), None)
    if agent is None:
        return
    answers = {a.id: a for a in agent.told}
    for place, ask in enumerate(agent.asked):
        if (answer := answers.get(ask.id)) is not None:
            # Their order is known, their time is not.
            at_ns = agent.start_ns + place
            yield _Call(ask=ask, answer=answer, by=agent, start_ns=at_ns, end_ns=at_ns)


def _span_id(call: _Call) -> bytes:
    ident = call.by.span_id + f"{call.ask.id}\0{call.ask.tool}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(ident, digest_size=8).digest()


def _step(span_id: bytes, call: _Call) -> Step:
    ask, answer, by = call.ask, call.answer, call.by
    return Step.made(
        trace_id=by.trace_id,
        span_id=span_id,
        parent_id=by.parent_id,
        name=f"{ask.tool} (told by messages)",
        role=Role.TOOL,
        start_ns=call.start_ns,
        end_ns=call.end_ns,
        arrival_ns=by.arrival_ns,
        resource=by.resource,
        scope=by.scope,
        dialect=by.dialect,
        tool=ask.tool,
        call_id=ask.id,
        has_args=True,
        has_result=True,
        args_hash=ask.content_hash,
        result_hash=answer.content_hash,
        failed=answer.failed,
        source=by.source,
        unseen=True,
    )
