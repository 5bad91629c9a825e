"""A run as its rules see it: order, nesting, and what it did last.

In: a `Run`. Out: `RunView`, made once and read by every rule. Pure. What the run's marks rule out
is not looked for (`runs/marks`): most runs are flat, and no step stands above another of its kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from agentslo.model import AGENT_LIKE, CONTROL_FLOW, Finish, Role, Run, Scope, Step
from agentslo.runs import marks as mark

MAX_ABOVE = 100
"""Steps above one that are looked at: no agent nests deeper, and a hostile trace would cost time
that grows with the square of its depth.
"""
ACTIONS = frozenset({Role.LLM, Role.TOOL, Role.RETRIEVAL, Role.HANDOFF, Role.HUMAN})
_OTHER_ACTIONS = frozenset({Role.RETRIEVAL, Role.HANDOFF, Role.HUMAN})
_STEPS = mark.ROLE_BITS[Role.STEP]
_ENDED = attrgetter("end_ns", "start_ns")


def _unknown(_scope: Scope) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a scope is known to send, so that the lack of it is evidence (design.md 2).

    `tools(scope)`: a span for every tool call; `answers(scope)`: something of every response on its
    model span. By default nothing is known of any scope.
    """

    tools: Callable[[Scope], bool] = _unknown
    answers: Callable[[Scope], bool] = _unknown


NO_HABITS = Habits()


Made = TypeVar("Made")


class once(Generic[Made]):  # noqa: N801 - stands as a decorator, like `property`
    """A property worked out once. That of `functools` takes a lock, which costs more than most."""

    def __init__(self, work: "Callable[[RunView], Made]") -> None:
        self._work, self._name = work, work.__name__
        self.__doc__ = work.__doc__

    def __get__(self, view: "RunView", _: object = None) -> Made:
        found = view.__dict__[self._name] = self._work(view)
        return found


class RunView:
    """Derived facts of one run. `habits`: what its scopes are known to send.

    `tools`: tool calls, each once: a call below a call of the same tool is the same call.
    `models`: model calls, each once: a model span directly below a model span is the same call.
    """

    def __init__(self, run: Run, habits: Habits = NO_HABITS, marks: int | None = None) -> None:
        """`marks`: in place of the run's own, to show that a rule is not missed for them."""
        self.run = run
        self.habits = habits
        self.marks = run.marks if marks is None else marks
        tools: list[Step] = []
        models: list[Step] = []
        actions: list[Step] = []
        for step in run.steps:
            role = step.reading.role
            if role is Role.TOOL:
                tools.append(step)
                actions.append(step)
            elif role is Role.LLM:
                models.append(step)
                actions.append(step)
            elif role in _OTHER_ACTIONS:
                actions.append(step)
        self.calls_models = bool(models)
        self.tools, self.models, self._acted = tools, models, actions
        if self.marks & mark.NESTED_TOOL:
            self.tools = [s for s in tools if not self._in_same_tool(s)]
        if self.marks & mark.NESTED_MODEL:
            self.models = [s for s in models if not self._repeats(s)]

    def has(self, marks: int) -> bool:
        """Whether something with one of these marks may occur in the run."""
        return bool(self.marks & marks)

    @once
    def by_id(self) -> dict[bytes, Step]:
        """The steps by span id."""
        return {s.span_id: s for s in self.run.steps}

    def above(self, step: Step) -> Step | None:
        """The nearest step above, inside the run."""
        return self.by_id.get(self.run.parents.get(step.span_id, b""))

    @once
    def _below(self) -> dict[bytes, list[Step]]:
        found: dict[bytes, list[Step]] = {}
        for step in self.run.steps:
            for above in self.ancestors(step):
                found.setdefault(above.span_id, []).append(step)
        return found

    def below(self, step: Step) -> list[Step]:
        """All steps below, in order of start."""
        return self._below.get(step.span_id, [])

    def ancestors(self, step: Step) -> list[Step]:
        """The steps above, nearest first, at most `MAX_ABOVE`."""
        out: list[Step] = []
        at = self.above(step)
        while at is not None and len(out) < MAX_ABOVE:
            out.append(at)
            at = self.above(at)
        return out

    def _in_same_tool(self, step: Step) -> bool:
        return any(a.role is Role.TOOL and same_tool(a, step) for a in self.ancestors(step))

    def _repeats(self, step: Step) -> bool:
        for above in self.ancestors(step):
            if above.role is Role.LLM:
                return True
            if above.role is not Role.STEP:
                return False
        return False

    def failed(self, tool: Step) -> bool:
        """A tool call failed by its own mark, or by that of the inner span of the same call."""
        if tool.failed:
            return True
        if not self.marks & mark.NESTED_TOOL:
            return False
        inner = (s for s in self.below(tool) if s.role is Role.TOOL and same_tool(tool, s))
        return tool.fault is None and any(s.failed and s.tool == tool.tool for s in inner)

    @once
    def failures(self) -> list[Step]:
        """The tool calls that failed."""
        if not self.marks & mark.FAULT:
            return []
        return [s for s in self.tools if self.failed(s)]

    def finish(self, model: Step) -> Finish | None:
        """Why a model call stopped: its own word, that of the inner span of the same call, or what
        the step around it captured of the answer.
        """
        if not self.marks & (mark.NESTED_MODEL | _STEPS):
            return model.finish
        told = [s.finish for s in (model, *self._same_call(model)) if s.finish is not None]
        strong = [f for f in told if f is not Finish.STOP]
        if strong:
            return strong[0]
        for above in self.ancestors(model):
            if above.role is not Role.STEP:
                break
            if above.finish is not None and above.end_ns >= model.end_ns:
                return above.finish
        return told[0] if told else None

    def answered(self, model: Step) -> bool:
        """Something of a response is on the model span or on the inner span of the same call."""
        return any(s.answered for s in (model, *self._same_call(model)))

    def _same_call(self, model: Step) -> list[Step]:
        if not self.marks & mark.NESTED_MODEL:
            return []
        return [s for s in self.below(model) if s.role is Role.LLM and self._repeats(s)]

    def over_ns(self, step: Step) -> int:
        """When a step's own work was over: a model span around the tool calls it asked for had
        answered before the first of them, and one around the real call when that had.
        """
        if not self.marks & mark.UNDER_MODEL or step.role is not Role.LLM:
            return step.end_ns
        called = [s.start_ns for s in self.below(step) if s.role is Role.TOOL]
        inner = [s.end_ns for s in self._same_call(step)]
        return min([*called, max(inner, default=step.end_ns), step.end_ns])

    @once
    def actions(self) -> list[Step]:
        """What the run did, by end time: model calls, tool calls, retrievals, hand-offs, people.

        The outer span of a nested pair stands for both; a retrieval inside a tool is the tool's.
        """
        if not self.marks & mark.UNDER_ACTION:
            return sorted(self._acted, key=_ENDED)
        counted = {s.span_id for s in (*self.tools, *self.models)}
        found = [
            s
            for s in self._acted
            if s.span_id in counted or (s.role in _OTHER_ACTIONS and not self._in_tool(s))
        ]
        return sorted(found, key=self._over_key)

    def _over_key(self, step: Step) -> tuple[int, int]:
        return self.over_ns(step), step.start_ns

    @once
    def last_action(self) -> Step | None:
        """The last of what the run did."""
        if self.marks & mark.UNDER_ACTION:
            return self.actions[-1] if self.actions else None
        # Of two that ended together the later one, as in `actions`.
        return max(reversed(self._acted), key=_ENDED, default=None)

    @once
    def last_model(self) -> Step | None:
        """The model call that ended last and gave the run its answer."""
        flat = not self.marks & mark.UNDER_MODEL
        return max(self.models, key=_ENDED if flat else self._over_key, default=None)

    @once
    def agents(self) -> list[Step]:
        """Agent-like steps, the root included."""
        return [s for s in self.run.steps if s.role in AGENT_LIKE or s is self.run.root]

    @once
    def fatal(self) -> Step | None:
        """The step whose error ended the run: the root's own, or one that nothing followed.

        A root that says OK proves nothing (FINDINGS 1.1): the error may sit on an agent, a step or
        a model call below it. Control flow counts as well.
        """
        if not self.marks & mark.FAULT:
            return None
        if self.run.root is not None and self.run.root.fault is not None:
            return self.run.root
        chain = [s for s in self.agents if s.fault is not None]
        marked = [s for s in chain if not (self._in_tool(s) or self._followed(s))]
        if marked:
            return max(marked, key=lambda s: s.end_ns)
        return self._last_error

    @once
    def speaker(self) -> Step | None:
        """Who gives the run's answer: the root, or below one that is no agent the last to end."""
        root = self.run.root
        if root is not None and root.role in AGENT_LIKE:
            return root
        agents = (s for s in self.agents if s is not root and not self._in_tool(s))
        return max(agents, key=_ENDED, default=None)

    def agent_of(self, step: Step) -> Step | None:
        """The nearest agent above a step."""
        return next((a for a in self.ancestors(step) if a.role is Role.AGENT), None)

    def _in_tool(self, step: Step) -> bool:
        if not self.marks & mark.UNDER_TOOL:
            return False
        return any(a.role is Role.TOOL for a in self.ancestors(step))

    @once
    def _last_error(self) -> Step | None:
        """A failed step or model call outside tools that no later model call followed."""
        failed = [
            s
            for s in self.run.steps
            if s.role in (Role.STEP, Role.LLM) and s.fault is not None and not self._in_tool(s)
        ]
        if not failed:
            return None
        last = max(failed, key=_ENDED)
        if last.fault in CONTROL_FLOW and last.role is Role.STEP:
            return last if not self._followed(last) else None
        return None if self._followed(last) else last

    def _followed(self, step: Step) -> bool:
        return any(
            a.start_ns >= step.end_ns and a.fault is None and a.span_id != step.span_id
            for a in self.actions
        )


def same_tool(one: Step, other: Step) -> bool:
    """Two tool spans of one tool: equal names, or either has none."""
    return one.tool == other.tool or not one.tool or not other.tool
