"""One run under judgement: what every rule may look at, gathered once.

In: a `RunView`, its agent file, what was said of it. Out: `Case`. Pure. A part whose marks or
promises are missing is not worked out: it is what the rule would have found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentslo.config.agent_options import AgentFile
from agentslo.model import Evaluation, Role, Step
from agentslo.outcomes import escalation, judged
from agentslo.outcomes import promised as promise
from agentslo.outcomes.actions import Action, actions, pending
from agentslo.outcomes.handover import declared_handover
from agentslo.outcomes.judged import Judgement
from agentslo.outcomes.loops import Repeats, repeats
from agentslo.outcomes.permissions import Breaches, breaches
from agentslo.outcomes.promised import Promised
from agentslo.outcomes.view import RunView
from agentslo.runs import marks as mark

_TOOLS = mark.ROLE_BITS[Role.TOOL]
_HAND_OVERS = _TOOLS | mark.ROLE_BITS[Role.HANDOFF]
_NOTHING_SAID = Judgement(findings=(), results={})


@dataclass(slots=True)
class Case:
    """A run, its file, and what the rules have in common."""

    view: RunView
    file: AgentFile
    known: Promised
    said: Sequence[Evaluation]
    """Evaluations from outside the run's own spans."""
    done: Sequence[Action]
    loop: Repeats
    declared_handover: Step | None
    handed: Step | None
    """The hand-over to a person: a declared one, else one told by its name."""
    judgement: Judgement
    breaches: Breaches


def gather(view: RunView, file: AgentFile, said: Sequence[Evaluation], known: Promised) -> Case:
    """The case of a run. `known`: what is promised of it."""
    marks, kinds = view.marks, known.kinds
    done: Sequence[Action] = ()
    declared = handed = None
    if marks & _HAND_OVERS:
        if kinds & promise.HANDS_OVER:
            declared = handed = declared_handover(view, file)
        handed = handed or escalation.find(view)
    if kinds & promise.WRITES:
        done = actions(view, file)
    judgement = _NOTHING_SAID
    if said or marks & mark.EVALUATED:
        own = (e for s in view.run.steps for e in s.evaluations)
        every = [*own, *said]
        judgement = judged.evaluated(every, file.evaluations, escalated=handed is not None)
    return Case(
        view,
        file,
        known,
        said,
        done,
        repeats(view.tools, _pending(view, known) if kinds & promise.POLLS else frozenset()),
        declared,
        handed,
        judgement,
        breaches(view, file, kinds),
    )


def _pending(view: RunView, known: Promised) -> frozenset[bytes]:
    tools = known.tools
    return frozenset(s.span_id for s in view.tools if s.tool in tools and pending(s, tools[s.tool]))
