"""What a team's spans tell and what they lack, per agent and dialect: the numbers behind `doctor`.

In: closed runs. Out: `Row`s: a field, on how many spans or runs it could be and was there, what
depends on it, and the switch that turns it on. State: counts per (agent, dialect, field), bounded.
Fields: requirements.md T6, T13, T16. Switches: conventions.md 10 and the packages' own docs.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentslo.model import AGENT_LIKE, Evidence, Role, Run, Step, Verdict
from agentslo.runs.marks import DECLARED
from agentslo.step import NOTHING

MAX_AGENTS = 500
_CONTENT = {
    "genai": "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY "
    "(older packages: =true), with OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental",
    "openinference": "OPENINFERENCE_HIDE_INPUTS=false OPENINFERENCE_HIDE_OUTPUTS=false",
    "openllmetry": "TRACELOOP_TRACE_CONTENT=true",
    "google-adk": "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY, with "
    "OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental (ADK 1: "
    "ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true)",
}
_SESSION = {
    "genai": "set gen_ai.conversation.id (most SDKs: a session, thread or group id on the call)",
    "openinference": "using_session(session_id) around the run, or session.id on the root",
    "openllmetry": 'Traceloop.set_association_properties({"session_id": ...})',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing to know. `roles` are those of the spans it can be on; `present`: it is there."""

    name: str
    needed_for: str
    roles: frozenset[Role]
    present: Callable[[Step], bool]
    switches: Mapping[str, str] = field(default_factory=dict)
    fallback: str = ""

    def switch(self, dialect: str) -> str:
        """What turns the field on for senders of this dialect."""
        return self.switches.get(dialect, self.fallback)


def _declared(key: str) -> Callable[[Step], bool]:
    return lambda step: key in step.declared


def _on_root(name: str, needed_for: str, attribute: str) -> Field:
    return Field(
        name=name,
        needed_for=needed_for,
        roles=AGENT_LIKE,
        present=_declared(attribute),
        fallback=f"set agent_slo.declared.{attribute} on the agent span",
    )


FIELDS: tuple[Field, ...] = (
    Field(
        name="agent name",
        needed_for="telling agents apart",
        roles=frozenset({Role.AGENT}),
        present=lambda s: bool(s.agent),
        fallback="name the agent where it is created (gen_ai.agent.name)",
    ),
    Field(
        name="agent version",
        needed_for="release comparison",
        roles=AGENT_LIKE,
        present=lambda s: bool(s.agent_version or s.resource.service_version),
        fallback="OTEL_RESOURCE_ATTRIBUTES=service.version=...",
    ),
    Field(
        name="environment",
        needed_for="which runs may page",
        roles=AGENT_LIKE,
        present=lambda s: bool(s.resource.environment),
        fallback="OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=production",
    ),
    Field(
        name="conversation id",
        needed_for="settling paused runs, runs over several traces",
        roles=AGENT_LIKE,
        present=lambda s: bool(s.conversation_id),
        switches=_SESSION,
        fallback="set gen_ai.conversation.id on the agent span",
    ),
    Field(
        name="tokens",
        needed_for="cost",
        roles=frozenset({Role.LLM}),
        present=lambda s: s.usage_in is not None,
        fallback="update the instrumentation; for streams ask the provider to include usage",
    ),
    Field(
        name="model",
        needed_for="cost, release comparison",
        roles=frozenset({Role.LLM}),
        present=lambda s: bool(s.model),
        fallback="update the instrumentation (gen_ai.request.model)",
    ),
    Field(
        name="finish reason",
        needed_for="cut-off and refused answers, pending approvals",
        roles=frozenset({Role.LLM}),
        present=lambda s: s.finish is not None,
        fallback="update the instrumentation (gen_ai.response.finish_reasons)",
    ),
    Field(
        name="tool arguments",
        needed_for="loops, duplicate actions, pending approvals",
        roles=frozenset({Role.TOOL}),
        present=lambda s: s.has_args,
        switches=_CONTENT,
        fallback="turn on content capture for tool calls",
    ),
    Field(
        name="tool results",
        needed_for="tool errors told only in the result, loops",
        roles=frozenset({Role.TOOL}),
        present=lambda s: s.has_result,
        switches=_CONTENT,
        fallback="turn on content capture for tool calls",
    ),
    Field(
        name="document count",
        needed_for="retrieval hit rate",
        roles=frozenset({Role.RETRIEVAL}),
        present=lambda s: s.documents is not None,
        switches=_CONTENT,
        fallback="put gen_ai.retrieval.documents on the retrieval span",
    ),
    Field(
        name="process id",
        needed_for="closing runs after 2 s instead of 10 s",
        roles=AGENT_LIKE,
        present=lambda s: bool(s.resource.instance_id),
        fallback="OTEL_RESOURCE_ATTRIBUTES=service.instance.id=...",
    ),
    _on_root("task type", "objectives per task", "task_type"),
    _on_root("user segment", "objectives per segment", "user_segment"),
    _on_root("prompt version", "release comparison", "prompt_version"),
    _on_root("escalation reason", "judging escalations", "escalation_reason"),
    _on_root("confidence", "leading indicators", "confidence"),
    _on_root("user-visible outcome", "a self-report where nothing else tells", "outcome"),
)


_OF_ROLE = {role: tuple(f for f in FIELDS if role in f.roles) for role in Role}
MAX_ALIKE = 1_000
"""Kinds of span that are counted together, until they are counted field by field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Coverage of one field: `present` of `applicable` spans."""

    agent: str
    dialect: str
    field: str
    present: int
    applicable: int
    needed_for: str
    switch: str

    @property
    def ratio(self) -> float:
        """Share of applicable spans that carry the field, 0 to 1."""
        return self.present / self.applicable if self.applicable else 0.0


def judged_by_others(verdict: Verdict) -> bool:
    """True where an evaluator, a person or a system of record had a say."""
    return any(f.evidence >= Evidence.EVALUATOR for f in verdict.findings)


def sampled(run: Run) -> float | None:
    """The share of runs that a head sampler sends, above 0 and below 1, where a span says so."""
    told = [step.declared.get("sampled_ratio") for step in run.steps]
    found = [float(t) for t in told if isinstance(t, int | float) and 0.0 < t < 1.0]
    return min(found, default=None)


class Coverage:
    """Counts what closed runs told."""

    def __init__(self) -> None:
        self._alike: dict[tuple[str, int, bool, bool], list[Any]] = {}
        """A span and how many like it: of one reading, with nothing rare. The span keeps the
        reading, whose identity is part of the key."""
        self._applicable: Counter[tuple[str, str, str]] = Counter()
        self._present: Counter[tuple[str, str, str]] = Counter()
        self._services: dict[str, set[str]] = {}
        self.runs: Counter[str] = Counter()
        self.evaluated: Counter[str] = Counter()
        self.sampled_ratio: dict[str, float] = {}
        """By agent: the share of its runs that is sent, the smallest heard of."""

    def add(self, run: Run, *, evaluated: bool) -> None:
        """Take one closed run in; `evaluated`: an evaluator or a person judged it."""
        agent = run.agent
        if agent not in self.runs:
            if len(self.runs) >= MAX_AGENTS:
                return
            self._services.setdefault(agent.rsplit("/", 1)[-1], set())
        self.runs[agent] += 1
        self.evaluated[agent] += evaluated
        if run.marks & DECLARED and (told := sampled(run)):
            self.sampled_ratio[agent] = min(told, self.sampled_ratio.get(agent, 1.0))
        self._services[agent.rsplit("/", 1)[-1]].add(run.service)
        alike = self._alike
        for step in run.steps:
            if step.rare is not NOTHING:
                self._count(agent, step, 1)
                continue
            key = agent, id(step.reading), step.usage_in is None, not step.conversation_id
            known = alike.get(key)
            if known is None:
                alike[key] = [step, 1]
            else:
                known[1] += 1
        if len(alike) > MAX_ALIKE:
            self._count_alike()

    def _count_alike(self) -> None:
        """Count the spans that tell the same things field by field."""
        for (agent, *_), (step, spans) in self._alike.items():
            self._count(agent, step, spans)
        self._alike.clear()

    def _count(self, agent: str, step: Step, spans: int) -> None:
        for known in _OF_ROLE[step.role]:
            key = agent, step.dialect, known.name
            self._applicable[key] += spans
            self._present[key] += spans * known.present(step)

    def rows(self) -> Iterator[Row]:
        """Every field of every agent and dialect, in a fixed order."""
        self._count_alike()
        fields = {f.name: f for f in FIELDS}
        order = {name: place for place, name in enumerate(fields)}
        for key in sorted(self._applicable, key=lambda k: (k[0], k[1], order[k[2]])):
            agent, dialect, name = key
            yield Row(
                agent=agent,
                dialect=dialect,
                field=name,
                present=self._present[key],
                applicable=self._applicable[key],
                needed_for=fields[name].needed_for,
                switch=fields[name].switch(dialect),
            )

    def shared_names(self) -> dict[str, list[str]]:
        """Agent names that several services use: one agent file would match them all."""
        return {n: sorted(s) for n, s in sorted(self._services.items()) if len(s) > 1}
