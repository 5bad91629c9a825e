"""The words every stage shares: roles, steps, runs, outcomes, verdicts.

Plain values without behaviour beyond lookups. No state, no I/O. Sources: design.md 3 (outcomes and
evidence ranks), the OTel GenAI semantic conventions (roles, finish reasons).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Role(StrEnum):
    """What a span does in an agent run."""

    WORKFLOW = "workflow"
    AGENT = "agent"
    STEP = "step"
    LLM = "llm"
    TOOL = "tool"
    RETRIEVAL = "retrieval"
    EMBEDDING = "embedding"
    MEMORY = "memory"
    GUARDRAIL = "guardrail"
    HANDOFF = "handoff"
    EVALUATOR = "evaluator"
    HUMAN = "human"
    ADMIN = "admin"
    """Agent life-cycle calls (`create_agent`, handshakes): kept in the trace, never a run."""


AGENT_LIKE = frozenset({Role.AGENT, Role.WORKFLOW})


class Finish(StrEnum):
    """Why a model stopped writing, normalised over providers."""

    STOP = "stop"
    TOOL_CALL = "tool_call"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    ERROR = "error"
    CANCELLED = "cancelled"


class Fault(StrEnum):
    """What an exception or error mark on a span means for the run. Only OTHER, LIMIT, GUARDRAIL
    and REFUSAL are failures; the rest is control flow that instrumentation marks as an error.
    """

    HANDOFF = "handoff"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    LIMIT = "limit"
    GUARDRAIL = "guardrail"
    REFUSAL = "refusal"
    OTHER = "other"


CONTROL_FLOW = frozenset({Fault.HANDOFF, Fault.PAUSED, Fault.CANCELLED})


class Outcome(StrEnum):
    """How a run ended, in order of precedence among findings of equal weight (design.md 3)."""

    EXCLUDED = "excluded"
    UNSAFE_ACTION = "unsafe_action"
    DATA_CORRUPTION = "data_corruption"
    HALLUCINATION = "hallucination"
    TOOL_FAILURE = "tool_failure"
    LIMIT = "limit"
    ERROR = "error"
    WRONG_RESULT = "wrong_result"
    BAD_ESCALATION = "bad_escalation"
    REFUSED = "refused"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    SAFE_ESCALATION = "safe_escalation"
    SUCCESS = "success"
    COMPLETED = "completed"
    UNKNOWN = "unknown"


class Evidence(IntEnum):
    """What a finding rests on, weakest first."""

    NONE = 0
    SELF_REPORT = 1
    HEURISTIC = 2
    TOOL_RESULT = 3
    EVALUATOR = 4
    HUMAN = 5
    SYSTEM_OF_RECORD = 6

    @property
    def label(self) -> str:
        """The name used in attributes, metrics and replay output."""
        return self.name.lower()


class SloResult(StrEnum):
    """One run against one objective."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Who sent a span: what of an OTLP resource decides identity, and its bytes as sent."""

    service: str = ""
    service_version: str = ""
    instance_id: str = ""
    environment: str = ""
    encoded: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The instrumentation that made a span."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One judgement of a run by an evaluator or a person (`gen_ai.evaluation.result`).

    `score` is in the evaluator's own unit, None where only a label came; `id` makes it idempotent.
    """

    name: str
    label: str = ""
    score: float | None = None
    human: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCall:
    """One side of a tool call in messages: what a model asked for, or the result it was given."""

    id: str
    tool: str = ""
    content_hash: int | None = None
    failed: bool = False


# Not frozen: one is built for every agent span on the hot path, and a frozen dataclass costs
# four times as much to fill. Nobody changes a Step after its dialect has returned it.
@dataclass(slots=True, kw_only=True)
class Step:
    """One agent span, reduced to what a run needs. Times are unix ns; ids are raw bytes.

    None means not told: never 0. `usage_in`, `usage_out`: tokens as sent by this span.
    `args_hash`, `result_hash`: 32-bit content hashes, None where content was not captured; the
    result of an agent is the answer it gave.
    `fault` is set where the span carries any error mark; `failed` is the tool's verdict on itself
    (True, False, None: not told); `parent_remote` follows OTLP flags (None: not told).
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    role: Role
    start_ns: int
    end_ns: int
    arrival_ns: int
    client: bool = False
    status: int = 0
    parent_remote: bool | None = None
    resource: Resource
    scope: Scope
    dialect: str = ""
    carries_message: bool = False
    """It only takes a message from one agent to the next: whoever gets it heads a run, not it."""
    agent: str = ""
    agent_version: str = ""
    workflow: str = ""
    tool: str = ""
    call_id: str = ""
    model: str = ""
    provider: str = ""
    conversation_id: str = ""
    task_type: str = ""
    finish: Finish | None = None
    """Why the model stopped; on a step around a model call, what its captured output says of it."""
    answered: bool = False
    """It holds something only a response gives: tokens, a reason, an id; on an agent, an output."""
    max_steps: int | None = None
    """How many model calls an agent may make before it must answer, as its span says."""
    fault: Fault | None = None
    error_type: str = ""
    failed: bool | None = None
    has_args: bool = False
    has_result: bool = False
    args_hash: int | None = None
    result_hash: int | None = None
    asked: tuple[ToldCall, ...] = ()
    told: tuple[ToldCall, ...] = ()
    """Calls its answer asks for, and results it was given: on a model span, from its messages; on
    an agent span, from the history that is its output."""
    unseen: bool = False
    """No span was sent for this tool call: messages tell of it."""
    response_id: str = ""
    usage_in: int | None = None
    usage_out: int | None = None
    usage_cached: int | None = None
    cost_usd: float | None = None
    triggered: bool | None = None
    """A guardrail's own word: True it stopped something, False it passed."""
    documents: int | None = None
    ttft_s: float | None = None
    """Seconds to the first token of a streamed answer."""
    prompt_version: str = ""
    tools_version: str = ""
    """Short hash of the tool definitions the model was given."""
    arm: str = ""
    """Experiment arm: the variant a feature flag gave."""
    evaluations: tuple[Evaluation, ...] = ()
    links: tuple[str, ...] = ()
    """What the span links to: trace id `:` span id, in hex."""
    declared: Mapping[str, str | bool | int | float] = field(default_factory=dict)
    facts: Mapping[str, str | bool | int | float] = field(default_factory=dict)
    """What agent files ask about: `attribute:KEY`, `argument:FIELD`, `result:FIELD`."""
    effect_key: int | None = None
    """A tool call's effect: hash of the arguments that name it; None where untold."""
    said: frozenset[int] = frozenset()
    instructed: frozenset[int] = frozenset()
    carried: frozenset[int] = frozenset()
    """Word hashes: a person's, of a result's passage to the model, of untrusted arguments."""
    retrieved_ids: frozenset[str] = frozenset()
    cited_ids: frozenset[str] = frozenset()
    """Document ids that match the agent file's citation pattern: as returned, as answered."""
    request: bytes = b""
    result_shape: str = ""
    """Packed hashes of what a person asked (`dialects.request`); hash of a result's fields."""
    source: str = ""
    """Where it came in: a listener's name, or in replay the file."""
    enriched: bool = False
    """It arrived with attributes of ours: none are added a second time."""
    record: bytes = field(default=b"", compare=False, repr=False)
    """The step as `runs/steps` packs it, where a journal keeps it."""

    @property
    def duration_s(self) -> float:
        """Seconds from start to end; 0 where the sender's clock ran backwards."""
        return max(0, self.end_ns - self.start_ns) / 1e9


# Not frozen, as `Step` is not, and for the same reason.
@dataclass(slots=True, kw_only=True)
class Run:
    """One agent run, closed: its root (None: never came), its steps by start time, how it closed.

    `missing_parent` names the run where the root is lost. `parents` maps each span id to its parent
    as assembled (infrastructure spans skipped), so no rule walks raw spans.
    """

    run_id: str
    trace_id: str
    trace_ids: tuple[str, ...]
    root: Step | None
    steps: tuple[Step, ...]
    parents: Mapping[bytes, bytes]
    finalized_by: str
    agent: str
    agent_version: str
    service: str
    environment: str
    release: str
    conversation_id: str
    task_type: str
    start_ns: int
    end_ns: int
    source: str = ""
    prompt_version: str = ""
    tools_version: str = ""
    policy_version: str = ""
    models: tuple[str, ...] = ()
    entry_agent: str = ""
    """The run's agent as its own spans name it."""
    piece: bool = False  # a local parent of its topmost span never came: perhaps part of a run
    between_turns_s: float = 0.0  # in which a person had the word, in a whole conversation
    marks: int = field(default=-1, compare=False, repr=False)  # what may occur (`runs/marks`)

    @property
    def duration_s(self) -> float:
        """Seconds from the run's start to its end."""
        return max(0, self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One statement on a run with the evidence it rests on and the spans that prove it."""

    outcome: Outcome
    reason: str
    evidence: Evidence
    span_ids: tuple[bytes, ...] = ()


@dataclass(slots=True, kw_only=True)
class Totals:
    """What a run consumed and did. None: not told by any span (never 0)."""

    tokens_in: int | None
    tokens_out: int | None
    tokens_missing: int
    cost_usd: float | None
    cost_known_usd: float
    llm_calls: int | None
    tool_calls: int
    tool_errors: int
    retrievals: int
    human_wait_s: float
    loop: bool | None
    duplicate_actions: int
    escalated: bool | None
    escalation_reason: str
    policy_violation: bool | None
    confidence: float | None
    sub_agents: tuple[str, ...]
    cost_by_source: tuple[tuple[str, float], ...] = ()
    unpriced_tokens: tuple[tuple[str, int], ...] = ()
    violated: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    """Policies and permissions that were breached, or held against an attempt."""
    action_states: tuple[tuple[str, str], ...] = ()
    """(tool, state) of every effect, in order."""
    missed_evaluations: tuple[str, ...] = ()
    """Evaluations the agent file waits for that have not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of a run, what it rests on, and each objective's result."""

    outcome: Outcome
    reason: str
    evidence: Evidence
    findings: tuple[Finding, ...]
    slos: Mapping[str, SloResult]
    totals: Totals
