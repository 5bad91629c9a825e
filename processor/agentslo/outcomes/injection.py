"""Signs that someone tries to instruct the agent through its data: leading, never an outcome.

In: a run and the policies it violated. Out: how many of each sign. Pure. What comes of an attempt
is judged by permissions, policies and evaluations (methods.md 2.5).
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Literal

from agentslo.model import Role, Run
from agentslo.outcomes.judged import passed
from agentslo.runs.marks import EVALUATED, INSTRUCTED, TRIGGERED

_TELLING = INSTRUCTED | TRIGGERED | EVALUATED
Sign = Literal["instructions_in_result", "argument_from_result", "guardrail", "evaluation"]
_NAMED = re.compile(r"inject|jailbreak|prompt.?attack", re.IGNORECASE)


def signs(run: Run, violated: Collection[str]) -> Mapping[Sign, int]:
    """The signs of a run: tool results that talk to the model, calls whose argument came from one,
    guardrails and evaluations for injection that said so.
    """
    if not violated and not run.marks & _TELLING:
        return {}
    found: Counter[Sign] = Counter()
    found["argument_from_result"] = sum(name == "injected_argument" for name in violated)
    for step in run.steps:
        found["instructions_in_result"] += step.role is Role.TOOL and bool(step.instructed)
        found["guardrail"] += bool(step.triggered) and _NAMED.search(step.name) is not None
        for said in step.evaluations:
            named = _NAMED.search(said.name) is not None
            found["evaluation"] += named and passed(said) is False
    return {sign: count for sign, count in found.items() if count}
