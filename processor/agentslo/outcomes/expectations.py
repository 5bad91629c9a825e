"""Did the run bring about what was asked of it? The agent file's assertions.

In: a `RunView`, the agent file, whether the run was handed to a person. Out: findings. Pure. Of a
value seen several times the last counts. Success needs every assertion that could prove it to have
been seen, and none to fail: stronger evidence of one fact is no evidence of another.
"""

from collections.abc import Iterator

from agentslo.config.agent_options import AgentFile, Expect, Scalar
from agentslo.model import Evidence, Finding, Outcome, Step
from agentslo.outcomes.conditions import holds
from agentslo.outcomes.view import RunView

_PREFIX = {
    "attribute": "attribute",
    "system_of_record": "attribute",
    "tool_result": "result",
    "tool_argument": "argument",
}


def applicable(file: AgentFile, task_type: str) -> list[Expect]:
    """The assertions for runs of this task type."""
    return [e for e in file.expect if not e.task_types or task_type in e.task_types]


def seen(view: RunView, expect: Expect) -> tuple[Step, Scalar] | None:
    """The last span that carries the value, and the value."""
    key = f"{_PREFIX[expect.source]}:{expect.key}"
    for step in reversed(view.run.steps):
        if (not expect.tool or step.tool == expect.tool) and key in step.facts:
            if expect.tool and view.failed(step):
                continue
            return step, step.facts[key]
    return None


def expectations(view: RunView, file: AgentFile, *, escalated: bool) -> Iterator[Finding]:
    """Findings from all applicable assertions. A hand-over leaves the rest of the task undone, so
    nothing is missed then.
    """
    proofs: list[tuple[Step, Evidence]] = []
    complete = True
    for expect in applicable(file, view.run.task_type):
        rank = _rank(expect)
        value = seen(view, expect)
        if value is None:
            complete = complete and not expect.proves_success
            if expect.required and not escalated:
                yield Finding(
                    outcome=Outcome.WRONG_RESULT,
                    reason=f"expect_{expect.name}_missing",
                    evidence=rank,
                )
        elif not holds(expect.condition, value[1]):
            complete = False
            yield Finding(
                outcome=Outcome.WRONG_RESULT,
                reason=f"expect_{expect.name}",
                evidence=rank,
                span_ids=(value[0].span_id,),
            )
        elif expect.proves_success:
            proofs.append((value[0], rank))
    if proofs and complete and not escalated:
        yield Finding(
            outcome=Outcome.SUCCESS,
            reason="expectations_hold",
            evidence=max(rank for _, rank in proofs),
            span_ids=tuple(step.span_id for step, _ in proofs),
        )


def _rank(expect: Expect) -> Evidence:
    system = expect.source == "system_of_record"
    return Evidence.SYSTEM_OF_RECORD if system else Evidence.TOOL_RESULT
