"""Was handing over to a person right? The agent file's conditions on escalation tools.

In: a `RunView`, the agent file, the run's actions. Out: a finding, or None where nothing is
declared of the escalating tool. Pure. Sources: design.md 3 (`safe_escalation`, `bad_escalation`),
methods.md 2.2. Reasons and deadline that are declared and hold make the escalation safe; one that
cannot be checked proves nothing.
"""

from collections.abc import Sequence

from agentslo.config.agent_options import AgentFile, Escalation
from agentslo.model import Evidence, Finding, Outcome, Step
from agentslo.outcomes.actions import COMMITTED, Action, tools_by_name
from agentslo.outcomes.view import RunView


def declared_handover(view: RunView, file: AgentFile) -> Step | None:
    """The last successful call of a tool that the agent file says hands over to a person."""
    known = tools_by_name(file)
    calls = [
        s
        for s in view.tools
        if s.tool in known and known[s.tool].escalation is not None and not view.failed(s)
    ]
    return calls[-1] if calls else None


def reason_of(step: Step, rule: Escalation) -> str:
    """Why the agent handed over, as its call says it, "" where it does not."""
    if rule.reason_argument:
        return str(step.facts.get(f"argument:{rule.reason_argument}", ""))
    return str(step.declared.get("escalation_reason", ""))


def handover(view: RunView, file: AgentFile, step: Step, done: Sequence[Action]) -> Finding | None:
    """The verdict on a hand-over by a declared escalation tool."""
    tool = tools_by_name(file).get(step.tool)
    if tool is None or tool.escalation is None:
        return None
    rule = tool.escalation
    wrong = _wrong(view, file, step, rule, done)
    if wrong:
        return _finding(Outcome.BAD_ESCALATION, wrong, Evidence.TOOL_RESULT, step)
    checked = (not rule.reasons or reason_of(step, rule)) and (
        rule.reasons or rule.deadline_s is not None
    )
    if checked:
        return _finding(
            Outcome.SAFE_ESCALATION, "declared_conditions_hold", Evidence.TOOL_RESULT, step
        )
    return _finding(Outcome.SAFE_ESCALATION, "handed_to_person", Evidence.HEURISTIC, step)


def _finding(outcome: Outcome, reason: str, evidence: Evidence, step: Step) -> Finding:
    return Finding(outcome=outcome, reason=reason, evidence=evidence, span_ids=(step.span_id,))


def _wrong(
    view: RunView, file: AgentFile, step: Step, rule: Escalation, done: Sequence[Action]
) -> str:
    told = reason_of(step, rule)
    queue = str(step.facts.get(f"argument:{rule.queue_argument}", "")) if rule.queues else ""
    started_s = (step.start_ns - view.run.start_ns) / 1e9
    if rule.deadline_s is not None and started_s > rule.deadline_s:
        return "late"
    if queue and queue.lower() not in {q.lower() for q in rule.queues}:
        return "wrong_queue"
    if view.run.task_type and view.run.task_type in rule.not_for_task_types:
        return "unnecessary"
    if told and rule.reasons and told.lower() not in {r.lower() for r in rule.reasons}:
        return "reason_not_allowed"
    return "after_partial_change" if _half_done(file, done) else ""


def _half_done(file: AgentFile, done: Sequence[Action]) -> bool:
    """A group of effects begun and neither finished nor undone, or an effect nobody knows of."""
    if any(a.state == "unresolved" and a.tool.escalation is None for a in done):
        return True
    for group in file.commits_together:
        states = {a.tool.name for a in done if a.tool.name in group.tools and a.state in COMMITTED}
        if states and states != set(group.tools):
            return True
    return False
