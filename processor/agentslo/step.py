"""One agent span, reduced to what a run needs.

What a span says falls in two parts. Its *reading*, role, names, versions, how it ended, is that of
countless other spans, which share one object. Its own are ids, times, counts, hashes; what few
spans have is kept apart from what most do. A `Step` shows all of it under one set of names. No I/O.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from agentslo.vocabulary import Evaluation, Fault, Finish, Resource, Role, Scope, ToldCall

Facts = Mapping[str, str | bool | int | float]
_NO_FACTS: Facts = MappingProxyType({})


@dataclass(slots=True, kw_only=True)
class Reading:
    """What a span says that many others say as well. Changed by nobody once it is shared.

    `fault` is set where the span carries any error mark; `failed` is the tool's verdict on itself
    (True, False, None: not told); `parent_remote` follows OTLP flags (None: not told).
    """

    name: str
    role: Role
    resource: Resource
    scope: Scope
    client: bool = False
    status: int = 0
    parent_remote: bool | None = None
    dialect: str = ""
    carries_message: bool = False
    """It only takes a message from one agent to the next: whoever gets it heads a run, not it."""
    agent: str = ""
    agent_version: str = ""
    workflow: str = ""
    tool: str = ""
    model: str = ""
    provider: str = ""
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
    result_shape: str = ""
    """Hash of a result's field names."""
    unseen: bool = False
    """No span was sent for this tool call: messages tell of it."""
    triggered: bool | None = None
    """A guardrail's own word: True it stopped something, False it passed."""
    prompt_version: str = ""
    tools_version: str = ""
    """Short hash of the tool definitions the model was given."""
    arm: str = ""
    """Experiment arm: the variant a feature flag gave."""
    enriched: bool = False
    """It arrived with attributes of ours: none are added a second time."""
    record: bytes = field(default=b"", compare=False, repr=False)
    """The reading as `runs/steps` packs it, where a journal keeps it."""
    added: bytes = field(default=b"", compare=False, repr=False)
    shown: bool = field(default=False, compare=False, repr=False)
    """What spans of the reading get added on their way; whether it was seen what they show."""
    marks: int = field(default=-1, compare=False, repr=False)
    """What it says, as `runs/marks` has it; -1 until somebody looked."""


@dataclass(slots=True, kw_only=True)
class Rare:
    """What few spans have."""

    cost_usd: float | None = None
    documents: int | None = None
    ttft_s: float | None = None
    """Seconds to the first token of a streamed answer."""
    asked: tuple[ToldCall, ...] = ()
    told: tuple[ToldCall, ...] = ()
    """Calls its answer asks for, and results it was given: on a model span, from its messages; on
    an agent span, from the history that is its output."""
    evaluations: tuple[Evaluation, ...] = ()
    links: tuple[str, ...] = ()
    """What the span links to: trace id `:` span id, in hex."""
    declared: Facts = field(default_factory=lambda: _NO_FACTS)
    facts: Facts = field(default_factory=lambda: _NO_FACTS)
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


NOTHING = Rare()
"""Of the many that have none of it."""


def _shared(name: str) -> Any:  # noqa: ANN401 - the field's own type stands where it is declared
    def put(step: "Step", value: object) -> None:
        setattr(step.reading, name, value)

    return property(attrgetter(f"reading.{name}"), put)


def _rare(name: str) -> Any:  # noqa: ANN401 - the same
    def put(step: "Step", value: object) -> None:
        if step.rare is NOTHING:
            step.rare = Rare()
        setattr(step.rare, name, value)

    return property(attrgetter(f"rare.{name}"), put)


class Step:
    """One agent span. Times are unix ns; ids are raw bytes. None means not told: never 0.

    `usage_in`, `usage_out`: tokens as sent by this span. `args_hash`, `result_hash`: 32-bit content
    hashes, None where content was not captured; the result of an agent is the answer it gave.
    Nobody changes a step after its dialect has returned it. For what is not said here see
    `Reading` and `Rare`.
    """

    __slots__ = (
        *("reading", "rare", "trace_id", "span_id", "parent_id", "start_ns", "end_ns"),
        *("arrival_ns", "conversation_id", "call_id", "response_id", "usage_in", "usage_out"),
        *("usage_cached", "args_hash", "result_hash", "request", "source", "record"),
    )

    def __init__(
        self,
        reading: Reading,
        trace_id: bytes,
        span_id: bytes,
        parent_id: bytes,
        start_ns: int,
        end_ns: int,
        arrival_ns: int,
        conversation_id: str = "",
        call_id: str = "",
        response_id: str = "",
        usage_in: int | None = None,
        usage_out: int | None = None,
        usage_cached: int | None = None,
        args_hash: int | None = None,
        result_hash: int | None = None,
        source: str = "",
        request: bytes = b"",
        rare: Rare | None = None,
    ) -> None:
        """`source`: where it came in, a listener's name, or in replay the file. `request`: packed
        hashes of what a person asked (`dialects.request`).
        """
        self.reading, self.rare = reading, rare or NOTHING
        self.trace_id, self.span_id, self.parent_id = trace_id, span_id, parent_id
        self.start_ns, self.end_ns, self.arrival_ns = start_ns, end_ns, arrival_ns
        self.conversation_id, self.call_id = conversation_id, call_id
        self.response_id = response_id
        self.usage_in, self.usage_out, self.usage_cached = usage_in, usage_out, usage_cached
        self.args_hash, self.result_hash = args_hash, result_hash
        self.source, self.request = source, request
        self.record = b""

    @classmethod
    def made(cls, **told: Any) -> "Step":  # noqa: ANN401 - each under the name and type of its field
        """A step from its fields by name, with a reading of its own."""
        of_reading = {name: told.pop(name) for name in READING_FIELDS & told.keys()}
        of_few = {name: told.pop(name) for name in RARE_FIELDS & told.keys()}
        rare = Rare(**of_few) if of_few else None
        return cls(Reading(**of_reading), rare=rare, **told)

    def but(self, **told: Any) -> "Step":  # noqa: ANN401 - the same
        """The step with other values for some fields."""
        other = copy(self)
        other.reading, other.record = copy(self.reading), b""
        other.reading.record, other.reading.shown, other.reading.marks = b"", False, -1
        other.rare = NOTHING if self.rare is NOTHING else copy(self.rare)
        for name, value in told.items():
            setattr(other, name, value)
        return other

    @property
    def has_rare(self) -> bool:
        """Whether it has something of what few spans have."""
        return self.rare is not NOTHING

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step):
            return NotImplemented
        return self is other or (self.span_id == other.span_id and _all(self) == _all(other))

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        told = zip(FIELDS, _all(self), strict=True)
        return f"Step({', '.join(f'{name}={value!r}' for name, value in told)})"

    @property
    def duration_s(self) -> float:
        """Seconds from start to end; 0 where the sender's clock ran backwards."""
        return max(0, self.end_ns - self.start_ns) / 1e9

    name: str = _shared("name")
    role: Role = _shared("role")
    resource: Resource = _shared("resource")
    scope: Scope = _shared("scope")
    client: bool = _shared("client")
    status: int = _shared("status")
    parent_remote: bool | None = _shared("parent_remote")
    dialect: str = _shared("dialect")
    carries_message: bool = _shared("carries_message")
    agent: str = _shared("agent")
    agent_version: str = _shared("agent_version")
    workflow: str = _shared("workflow")
    tool: str = _shared("tool")
    model: str = _shared("model")
    provider: str = _shared("provider")
    task_type: str = _shared("task_type")
    finish: Finish | None = _shared("finish")
    answered: bool = _shared("answered")
    max_steps: int | None = _shared("max_steps")
    fault: Fault | None = _shared("fault")
    error_type: str = _shared("error_type")
    failed: bool | None = _shared("failed")
    has_args: bool = _shared("has_args")
    has_result: bool = _shared("has_result")
    result_shape: str = _shared("result_shape")
    unseen: bool = _shared("unseen")
    triggered: bool | None = _shared("triggered")
    prompt_version: str = _shared("prompt_version")
    tools_version: str = _shared("tools_version")
    arm: str = _shared("arm")
    enriched: bool = _shared("enriched")
    cost_usd: float | None = _rare("cost_usd")
    documents: int | None = _rare("documents")
    ttft_s: float | None = _rare("ttft_s")
    asked: tuple[ToldCall, ...] = _rare("asked")
    told: tuple[ToldCall, ...] = _rare("told")
    evaluations: tuple[Evaluation, ...] = _rare("evaluations")
    links: tuple[str, ...] = _rare("links")
    declared: Facts = _rare("declared")
    facts: Facts = _rare("facts")
    effect_key: int | None = _rare("effect_key")
    said: frozenset[int] = _rare("said")
    instructed: frozenset[int] = _rare("instructed")
    carried: frozenset[int] = _rare("carried")
    retrieved_ids: frozenset[str] = _rare("retrieved_ids")
    cited_ids: frozenset[str] = _rare("cited_ids")


_NOT_TOLD = {"record", "added", "shown", "marks"}
READING_FIELDS = frozenset(f.name for f in fields(Reading)) - _NOT_TOLD
RARE_FIELDS = frozenset(f.name for f in fields(Rare))
_OWN = tuple(name for name in Step.__slots__ if name not in ("reading", "rare", "record"))
FIELDS: tuple[str, ...] = (*_OWN, *sorted(READING_FIELDS), *sorted(RARE_FIELDS))
"""The names of all fields of a step."""
_all = attrgetter(*FIELDS)
