"""What a team declares of its agent, as plain values with their defaults: one agent file.

In: nothing. Out: frozen dataclasses, filled by the agent-file sections, read by the outcome rules.
No state, no I/O. Sources: design.md 3, requirements.md (SLO definition, G1, G5), methods.md 2.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agentslo.config.options import DAY_S, DEFAULT_ENVIRONMENTS, MinEvidence, Slo
from agentslo.config.options import Scope as RunScope
from agentslo.config.playbook_options import PlayChange

Tier = Literal["critical", "standard", "experimental"]
Effect = Literal["read", "write"]
Permission = Literal["autonomous", "confirm", "escalate", "never"]
UnlistedTools = Literal["allow", "report", "never"]
Verdict = Literal["good", "bad", "excluded"]
Operator = Literal["equals", "not_equals", "in", "matches", "present", "at_most", "at_least"]
Source = Literal["attribute", "tool_result", "tool_argument", "system_of_record"]
AgentDimension = Literal[
    "success", "latency", "safety", "cost", "handoff", "escalation", "satisfaction", "composite"
]
EvaluationDimension = Literal[
    "success", "safety", "groundedness", "escalation", "satisfaction", "ignore"
]
OwnerRole = Literal["product", "engineering", "operations"]
Decision = Literal["incident", "rollout", "retraining", "prompts", "tools"]
Scalar = str | bool | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which runs are this agent's: a run matches when every list that is not empty holds its
    value. `agents` are names as the spans carry them, `services` are `service.name`s.
    """

    agents: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Who answers for the agent; free text that ends up in alert labels and pages."""

    product: str = ""
    engineering: str = ""
    operations: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use; a run beyond it whose result nothing proves ends as `limit`. None: no
    limit.

    `steps` counts model calls, `turns` the traces of a conversation. `duration_s` is without the
    time people took.
    """

    duration_s: float | None = None
    cost_usd: float | None = None
    steps: int | None = None
    turns: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The unit of work: what one run is, when it is over, which kinds there are."""

    unit: str = ""
    ends_when: str = ""
    types: tuple[str, ...] = ()
    type_attribute: str = ""
    """Span attribute that names the task type; empty: `agent_slo.declared.task_type`."""
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison. `value` is the operand: a tuple for `in`, a boolean for `present`."""

    operator: Operator = "present"
    value: Scalar | tuple[Scalar, ...] | None = True

    @property
    def is_absence(self) -> bool:
        """Holds where no value was seen (`present: false`)."""
        return self.operator == "present" and self.value is False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What counts as a person's yes before a tool that needs one: a call of one of `tools` that
    did not fail, an attribute on the tool's own or an earlier span, or a human step.
    """

    tools: tuple[str, ...] = ()
    attribute: str = ""
    condition: Condition = Condition()
    human_step: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """A tool that hands over to a person, and when doing so is right."""

    reasons: tuple[str, ...] = ()
    """Allowed reasons; empty: any."""
    reason_argument: str = ""
    """The tool's argument that holds the reason; empty: `agent_slo.declared.escalation_reason`."""
    queues: tuple[str, ...] = ()
    queue_argument: str = ""
    deadline_s: float | None = None
    """Latest start of the hand-over after the run's start."""
    not_for_task_types: tuple[str, ...] = ()
    """Task types the agent must solve itself: handing them over is unnecessary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool: what it does to the world and what the agent may do with it."""

    name: str
    effect: Effect = "read"
    permission: Permission = "autonomous"
    approval: Approval = Approval()
    idempotency_arguments: tuple[str, ...] = ()
    """Arguments that name the effect; empty: all arguments but the volatile ones."""
    volatile_arguments: tuple[str, ...] = ()
    repeatable: bool = False
    """The same call twice is meant twice: never a duplicate."""
    poll_field: str = ""
    """Top-level field of the result that says the work is pending."""
    poll_pending: tuple[str, ...] = ()
    compensates: tuple[str, ...] = ()
    """Tools whose effect a successful call of this one undoes."""
    untrusted_arguments: tuple[str, ...] = ()
    """Arguments that must not come from a tool's output: addresses, accounts, links."""
    escalation: Escalation | None = None
    price_usd: float = 0.0
    """Cost of one call."""
    human_minutes: float = 0.0
    """A person's time one call takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """An assertion that must hold where it applies.

    `source` says where the value is read: an attribute of any span of the run, or a top-level field
    (dotted for nested) of a tool's result or arguments. `system_of_record`: an attribute that an
    instrumented system of record sets; it outranks the others. A value that was never seen gives
    nothing, or, with `required`, fails.
    """

    name: str
    source: Source = "attribute"
    tool: str = ""
    key: str = ""
    condition: Condition = Condition()
    task_types: tuple[str, ...] = ()
    required: bool = False
    proves_success: bool = True
    """Holding is positive evidence that the task went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Tools whose effects belong together: some committed and some failed is a partial commit."""

    name: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRule:
    """How an evaluation by this name (a pattern with `*`) is read."""

    name: str
    dimension: EvaluationDimension = "success"
    pass_at_least: float = 0.5
    wait_s: float = 0.0
    """How long counting waits for it; unsafe actions and corruption never wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A rule whose breach shows on a span: where the condition holds, the policy is violated."""

    name: str
    attribute: str
    condition: Condition = Condition()
    blocked_attribute: str = ""
    """Where this attribute is true on the same span, the violation was blocked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSlo:
    """One objective of the agent. `of`: for a composite, the objectives that must all be good.

    `limit`: seconds for latency, US dollars for cost. `segments`: values of
    `agent_slo.declared.user_segment` told apart.
    """

    name: str
    dimension: AgentDimension
    objective_ratio: float
    min_evidence: MinEvidence = "tool_result"
    limit: float | None = None
    window_s: float = 28 * DAY_S
    of: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    refused: Verdict = "bad"
    blocked: Verdict = "excluded"
    label_definition: str = ""
    """What a human or model judge was told to call correct; required for accuracy-like names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """When releases may go out, as written (`config/calendar.py` reads it), and who sees them."""

    customer_facing: bool = True
    timezone: str = "UTC"
    windows: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFile:
    """Everything a team declares of one agent."""

    name: str
    file: str = ""
    revision: str = ""
    """Short hash of the file's content."""
    description: str = ""
    match: Match = Match()
    owners: Owners = Owners()
    decides: Mapping[Decision, OwnerRole] = field(default_factory=dict)
    """Decision (incident, rollout, retraining, prompts, tools) to owner role."""
    tier: Tier = "standard"
    environments: tuple[str, ...] = DEFAULT_ENVIRONMENTS
    scope: RunScope | None = None
    task: Task = Task()
    tools: tuple[Tool, ...] = ()
    unlisted_tools: UnlistedTools = "report"
    expect: tuple[Expect, ...] = ()
    commits_together: tuple[Group, ...] = ()
    evaluations: tuple[EvaluationRule, ...] = ()
    policies: tuple[Policy, ...] = ()
    slos: tuple[AgentSlo, ...] = ()
    evidence_wait_s: float = 0.0
    human_deadline_s: float = DAY_S
    human_cost_usd_per_minute: float = 0.0
    releases: Releases = Releases()
    error_budget_policy: str = ""
    """What happens when the budget is spent; required for critical agents."""
    outcome_value_usd: float = 0.0
    """What one good outcome is worth, or billed at: money at stake in incidents; 0: not said."""
    playbook: tuple[PlayChange, ...] = ()
    citation_pattern: str = ""
    """Regular expression of document ids as answers cite them, such as `KB-\\d+`; a cited id that
    no retrieval or tool returned is a hallucination."""

    @property
    def is_default(self) -> bool:
        """True for the stand-in of agents nobody has declared anything of."""
        return not self.file


def defaults(slos: Iterable[Slo], environments: Iterable[str]) -> AgentFile:
    """The stand-in for agents without a file: the default objectives, nothing else declared."""
    return AgentFile(
        name="",
        unlisted_tools="allow",
        environments=tuple(environments),
        slos=tuple(
            AgentSlo(
                name=s.name,
                dimension=s.dimension,
                objective_ratio=s.objective_ratio,
                min_evidence=s.min_evidence,
                limit=s.limit_s,
                window_s=s.window_s,
            )
            for s in slos
        ),
    )
