"""How a run ended, read from its last errors and last actions: heuristic findings.

In: a `RunView`. Out: findings of rank heuristic. Pure. Sources: FINDINGS 1 and 2; conventions.md 6.
"""

import re
from collections.abc import Iterator

from agentslo.dialects.base import STATUS_OK
from agentslo.model import Evidence, Fault, Finding, Finish, Outcome, Role, Step
from agentslo.outcomes.view import RunView
from agentslo.runs import marks as mark

_STEPS = mark.ROLE_BITS[Role.STEP]
_GUARDED = mark.TRIGGERED | mark.FAULT
PENDING_S = 0.005
"""A tool span shorter than this, without a result, is a call that waits for approval."""

PAUSE_S = 0.25
"""A run that pauses for approval ends this soon after the model asked for the tool."""

_BY_FAULT: dict[Fault, tuple[Outcome, str]] = {
    Fault.PAUSED: (Outcome.WAITING, "paused"),
    Fault.CANCELLED: (Outcome.CANCELLED, "cancelled"),
    Fault.LIMIT: (Outcome.LIMIT, "limit_exceeded"),
    Fault.GUARDRAIL: (Outcome.BLOCKED, "guardrail"),
    Fault.REFUSAL: (Outcome.REFUSED, "model_refused"),
}
_BY_FINISH: dict[Finish, tuple[Outcome, str]] = {
    Finish.CONTENT_FILTER: (Outcome.REFUSED, "content_filter"),
    Finish.REFUSAL: (Outcome.REFUSED, "model_refused"),
    Finish.LENGTH: (Outcome.LIMIT, "answer_truncated"),
    Finish.ERROR: (Outcome.ERROR, "model_error"),
    Finish.CANCELLED: (Outcome.CANCELLED, "cancelled"),
}
_TIMEOUT = re.compile(r"(^|\.)(Timeout|TimeoutError|TimeoutException|DeadlineExceeded)$")
_NUMBERED = re.compile(r"^step \d+$", re.IGNORECASE)
_HANDED_ON = re.compile(r"(^|[_.\-/ ])(transfer|hand_?off|handover)_(back_)?to_\w+$", re.IGNORECASE)
_OUTPUT_TOOL = re.compile(
    r"^(final_?(result|answer|output|response)\w*|submit\w*|finish|done|respond|reply|complete\w*)$",
    re.IGNORECASE,
)


def heuristic(outcome: Outcome, reason: str, *proof: Step) -> Finding:
    """A finding of rank heuristic, proven by the given steps."""
    return Finding(
        outcome=outcome,
        reason=reason,
        evidence=Evidence.HEURISTIC,
        span_ids=tuple(s.span_id for s in proof),
    )


def is_output_tool(tool: Step) -> bool:
    """A tool that only hands over the answer, such as `final_answer`."""
    return bool(_OUTPUT_TOOL.match(tool.tool or tool.name))


def unrecovered(view: RunView) -> list[Step]:
    """Failed tool calls that no later successful call and no hand-over to a person made up for."""
    failed = view.failures
    if not failed:
        return []
    mended = [
        s for s in view.tools if not view.failed(s) and s.fault is None and not is_output_tool(s)
    ]
    return [f for f in failed if not any(m.end_ns >= f.end_ns for m in mended)]


def fatal_finding(view: RunView, fatal: Step) -> Finding | None:
    """What the error that ended the run says; None where it is mere control flow."""
    if fatal.fault is Fault.HANDOFF or fatal.fault is None:
        return None
    if fatal.fault in _BY_FAULT:
        outcome, reason = _BY_FAULT[fatal.fault]
        return heuristic(outcome, reason, fatal)
    last = view.last_action
    if last is not None and last.role is Role.TOOL and view.failed(last):
        return heuristic(Outcome.TOOL_FAILURE, "tool_error_ended_run", last, fatal)
    answer = view.last_model
    finish = view.finish(answer) if answer is not None else None
    if answer is not None and finish in _BY_FINISH and not _acted_after(view, answer):
        # Frameworks raise on an empty or cut answer; why it was empty is the model's own word.
        return heuristic(*_BY_FINISH[finish], answer, fatal)
    if any(m.fault is not None for m in view.models[-1:]):
        return heuristic(Outcome.ERROR, "model_error", view.models[-1], fatal)
    if _TIMEOUT.search(fatal.error_type):
        return heuristic(Outcome.LIMIT, "timeout", fatal)
    return heuristic(Outcome.ERROR, "agent_error", fatal)


def ending(view: RunView, handed: Finding | None) -> Iterator[Finding]:
    """The findings on how the run ended; `handed`: the finding on its hand-over to a person."""
    fatal = view.fatal
    found = fatal_finding(view, fatal) if fatal is not None else None
    if found is not None:
        yield found
        return
    if view.run.root is None:
        yield heuristic(Outcome.LIMIT, "root_never_ended", *view.run.steps[-1:])
        return
    stopped = _stopped(view)
    if stopped is not None:
        yield stopped
        return
    if handed is not None:
        yield handed
    elif broken := unrecovered(view):
        yield heuristic(Outcome.TOOL_FAILURE, "tool_error_not_recovered", *broken)
    yield from _quiet_end(view)


def _stopped(view: RunView) -> Finding | None:
    """Guardrails, pauses and finish reasons that ended the run without an error."""
    for guard in view.run.steps if view.marks & _GUARDED else ():
        tripped = guard.triggered is True or guard.fault is Fault.GUARDRAIL
        if tripped and not any(a.start_ns >= guard.end_ns for a in view.actions):
            return heuristic(Outcome.BLOCKED, "guardrail", guard)
    last = view.last_action
    if last is not None and last.fault in (Fault.PAUSED, Fault.CANCELLED):
        return heuristic(*_BY_FAULT[last.fault], last)
    if last is not None and last.role is Role.TOOL and _pending(last):
        return heuristic(Outcome.WAITING, "tool_call_pending", last)
    model = view.last_model
    finish = view.finish(model) if model is not None else None
    if model is not None and finish in _BY_FINISH and not _acted_after(view, model):
        return heuristic(*_BY_FINISH[finish], model)
    if model is not None and (_forced_answer(view, model) or _beyond_its_steps(view, model)):
        return heuristic(Outcome.LIMIT, "answer_forced_after_last_step", model)
    return _own_word(view, finish)


def _own_word(view: RunView, finish: Finish | None) -> Finding | None:
    """What the run's own answer says of its end, where its models do not tell: `finish`."""
    agent = view.speaker
    if agent is None:
        return None
    if agent.finish is Finish.ERROR:
        return heuristic(Outcome.ERROR, "agent_error", agent)
    if finish is None and agent.finish in _BY_FINISH:
        return heuristic(*_BY_FINISH[agent.finish], agent)
    return None


def _beyond_its_steps(view: RunView, model: Step) -> bool:
    """The agent that made the call says how many it may make, and this was one more: when those
    were spent, an answer was asked for all the same.
    """
    agent = view.agent_of(model) if view.marks & mark.MAX_STEPS else None
    if agent is None or agent.max_steps is None:
        return False
    return sum(view.agent_of(m) is agent for m in view.models) > agent.max_steps


def _forced_answer(view: RunView, model: Step) -> bool:
    """The run counts its steps, and its last model call stands outside of them, after the last:
    the step limit was met and an answer was asked for all the same.
    """
    if not view.marks & _STEPS:
        return False
    numbered = [s for s in view.run.steps if s.role is Role.STEP and _NUMBERED.match(s.name)]
    inside = any(a in numbered for a in view.ancestors(model))
    return bool(numbered) and not inside and model.start_ns >= max(s.end_ns for s in numbered)


def _pending(tool: Step) -> bool:
    """Content is captured, the call took no time and has no result: it was never made."""
    return tool.has_args and not tool.has_result and not tool.failed and tool.duration_s < PENDING_S


def _acted_after(view: RunView, model: Step) -> bool:
    return any(t.start_ns >= view.over_ns(model) for t in view.tools)


def _quiet_end(view: RunView) -> Iterator[Finding]:
    """The run ended without any sign of failure: what it did last decides."""
    if view.last_action is None:
        outputs = [s for s in view.agents if s.answered and s.fault is None]
        if outputs:
            yield heuristic(Outcome.COMPLETED, "ended_with_output", outputs[0])
        else:
            yield heuristic(Outcome.UNKNOWN, "no_model_or_tool_call_seen")
        return
    last = _last_leaf(view, view.last_action)
    if last.role is Role.LLM and view.finish(last) is Finish.TOOL_CALL:
        shown = any(view.habits.tools(s.scope) for s in (last, *view.ancestors(last)))
        if shown and _stopped_at_once(view, last):
            yield heuristic(Outcome.WAITING, "tool_call_pending", last)
        else:
            yield heuristic(Outcome.UNKNOWN, "ended_asking_for_a_tool", last)
    elif last.role is Role.LLM and not view.answered(last) and view.habits.answers(last.scope):
        yield heuristic(Outcome.UNKNOWN, "no_model_response_seen", last)
    elif last.role is Role.TOOL and _unanswered(view, last):
        if _HANDED_ON.search(last.tool or last.name) and not view.failed(last):
            yield heuristic(Outcome.COMPLETED, "handed_to_agent", last)
        elif _answered_by_agent(view, last):
            yield heuristic(Outcome.COMPLETED, "ended_with_output", last)
        else:
            yield heuristic(Outcome.UNKNOWN, "no_answer_after_tool", last)
    else:
        yield heuristic(Outcome.COMPLETED, "ended_normally", last)


def _stopped_at_once(view: RunView, model: Step) -> bool:
    """The run ended with the model's wish: one that went on for a while was doing something."""
    return (view.run.end_ns - view.over_ns(model)) / 1e9 < PAUSE_S


def _last_leaf(view: RunView, last: Step) -> Step:
    """The innermost action that ended last: a tool that ran an agent stands for that agent."""
    if not view.marks & mark.UNDER_ACTION:
        return last
    inner = [a for a in view.actions if a is not last and last in view.ancestors(a)]
    return inner[-1] if inner else last


def _answered_by_agent(view: RunView, tool: Step) -> bool:
    """The run itself gave an answer after its last tool call: it says OK and why it stopped, or
    its answer is what the tool was given or returned.
    """
    root = view.run.root
    if root is None or view.failed(tool):
        return False
    if root.status == STATUS_OK and root.answered and root.finish is not None:
        return True
    return root.result_hash is not None and root.result_hash in (tool.result_hash, tool.args_hash)


def _unanswered(view: RunView, tool: Step) -> bool:
    """A model asked for this tool and was not called again, so nobody read the result."""
    asked = [m for m in view.models if view.over_ns(m) <= tool.start_ns]
    if not asked or is_output_tool(tool):
        return False
    if view.finish(asked[-1]) in (Finish.TOOL_CALL, None):
        return True
    return tool.has_args and not tool.has_result
