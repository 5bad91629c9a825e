"""Did the agent do only what it may? Permissions, approvals, policies, injected arguments.

In: a `RunView` and the agent file. Out: `Breaches`: findings, and the names of policies violated or
enforced. Pure. An attempt that failed or was refused had no effect: it is a block, not a breach
(requirements.md G1; methods.md 2.2).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from agentslo.config.agent_options import AgentFile, Tool
from agentslo.model import CONTROL_FLOW, Evidence, Finding, Outcome, Role, Step
from agentslo.outcomes import promised as promise
from agentslo.outcomes.actions import tools_by_name
from agentslo.outcomes.conditions import holds
from agentslo.outcomes.view import RunView
from agentslo.runs import marks as mark

_INJECTED = mark.CARRIED | mark.INSTRUCTED


@dataclass(slots=True)
class Breaches:
    """What was found: findings, and policy names for the counters."""

    findings: list[Finding] = field(default_factory=list)
    violated: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)


def breaches(view: RunView, file: AgentFile, kinds: int) -> Breaches:
    """Everything the run did against its agent file's rules; `kinds`: which there are."""
    found = Breaches()
    if kinds & promise.GUARDS:
        _forbidden_calls(view, file, found)
    if view.marks & _INJECTED == _INJECTED:
        for step, reason in _injected(view):
            found.findings.append(_unsafe(reason, Evidence.HEURISTIC, step))
            found.violated.append(reason)
    if kinds & promise.POLICIES and view.marks & mark.FACTS:
        _policies(view, file, found)
    return found


def _forbidden_calls(view: RunView, file: AgentFile, found: Breaches) -> None:
    known = tools_by_name(file)
    for step in view.tools:
        tool = known.get(step.tool)
        reason = _forbidden(view, step, tool) if tool else _unlisted(step, file)
        if reason:
            _note(found, view, step, reason)


def _note(found: Breaches, view: RunView, step: Step, reason: str) -> None:
    if view.failed(step) or step.fault in CONTROL_FLOW:
        found.blocked.append(reason)
        return
    found.findings.append(_unsafe(reason, Evidence.TOOL_RESULT, step))
    found.violated.append(reason)


def _unsafe(reason: str, evidence: Evidence, step: Step) -> Finding:
    return Finding(
        outcome=Outcome.UNSAFE_ACTION, reason=reason, evidence=evidence, span_ids=(step.span_id,)
    )


def _unlisted(step: Step, file: AgentFile) -> str:
    return "tool_not_listed" if file.unlisted_tools == "never" and step.tool else ""


def _forbidden(view: RunView, step: Step, tool: Tool) -> str:
    match tool.permission:
        case "never":
            return "not_permitted"
        case "escalate":
            return "always_escalate_breached"
        case "confirm":
            return "" if _approved(view, step, tool) else "approval_missing"
        case "autonomous":
            return ""


def _approved(view: RunView, step: Step, tool: Tool) -> bool:
    """A person's yes before the call started, in one of the declared forms."""
    approval = tool.approval
    if step.declared.get("approval") in (True, "approved", "granted"):
        return True
    for other in view.run.steps:
        before = other is step or other.end_ns <= step.start_ns
        if not before:
            continue
        if approval.human_step and other.role is Role.HUMAN and other.failed is not True:
            return True
        if other is not step and other.tool in approval.tools and not view.failed(other):
            return True
        value = other.facts.get(f"attribute:{approval.attribute}") if approval.attribute else None
        if value is not None and holds(approval.condition, value):
            return True
    return False


def _injected(view: RunView) -> Iterator[tuple[Step, str]]:
    """Calls whose untrusted arguments hold words of a passage that talked to the model, which no
    person had said.
    """
    said = frozenset().union(*(s.said for s in view.run.steps))
    for step in view.tools:
        if not step.carried or view.failed(step):
            continue
        heard: set[int] = set()
        for other in view.run.steps:
            if other.instructed and other.end_ns <= step.start_ns:
                heard |= other.instructed
        if step.carried & heard - said:
            yield step, "injected_argument"


def _policies(view: RunView, file: AgentFile, found: Breaches) -> None:
    for policy in file.policies:
        for step in view.run.steps:
            value = step.facts.get(f"attribute:{policy.attribute}")
            if value is None or not holds(policy.condition, value):
                continue
            stopped = step.facts.get(f"attribute:{policy.blocked_attribute}")
            if policy.blocked_attribute and stopped in (True, "true"):
                found.blocked.append(policy.name)
            else:
                reason = f"policy_{policy.name}"
                found.findings.append(_unsafe(reason, Evidence.TOOL_RESULT, step))
                found.violated.append(policy.name)
            break
