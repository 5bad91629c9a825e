"""Random agent files, as values: sound ones, and ones whose words are anything.

Names are drawn from small pools, so that references meet what they refer to.
"""

from typing import get_args

from hypothesis import strategies as st

from agentslo.config.agent_options import (
    AgentFile,
    AgentSlo,
    Approval,
    Condition,
    Decision,
    Effect,
    Escalation,
    EvaluationDimension,
    EvaluationRule,
    Expect,
    Group,
    Limits,
    Match,
    OwnerRole,
    Owners,
    Permission,
    Policy,
    Releases,
    Task,
    Tier,
    Tool,
    UnlistedTools,
)
from agentslo.config.options import MinEvidence, Scope

TOOLS = ("search", "reset password", "issue_refund", "close_ticket", "bücher", "true", "<<", "a: b")
KINDS = ("reset", "triage", "no", "1:30")
NAMES = ("resolved", "speed", "a-1", "x_y")

words = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters=","), min_size=1, max_size=12
)
sentences = st.lists(words | st.just("${env:HOME}"), min_size=1, max_size=4).map(" ".join)
anything = st.text(max_size=20)
attributes = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters=":,"), min_size=1, max_size=20
)
milliseconds = st.integers(1, 80_000_000).map(lambda ms: ms / 1000)
usd = st.integers(1, 10**9).map(lambda micros: micros / 1e6)
ratios = st.integers(1, 99_999).map(lambda n: n / 100_000)
counts = st.integers(1, 10**9)
operands = st.one_of(
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    words,
)


def one_of(literal: object) -> st.SearchStrategy:
    """One word of a `Literal`."""
    return st.sampled_from(get_args(literal))


def lists(values: st.SearchStrategy, *, least: int = 0) -> st.SearchStrategy:
    """A tuple in which nothing stands twice."""
    return st.lists(
        values, min_size=least, max_size=4, unique_by=lambda v: (type(v).__name__, v)
    ).map(tuple)


def _numbers() -> st.SearchStrategy:
    return st.floats(-1e9, 1e9, allow_nan=False) | st.integers(-(10**9), 10**9)


conditions = st.one_of(
    st.builds(Condition, operator=st.sampled_from(("equals", "not_equals")), value=operands),
    st.builds(Condition, operator=st.just("in"), value=lists(operands, least=1)),
    st.builds(
        Condition, operator=st.just("matches"), value=st.sampled_from(("^KB-\\d+$", "a|b", "é"))
    ),
    st.builds(Condition, operator=st.just("present"), value=st.just(True)),
    st.builds(Condition, operator=st.sampled_from(("at_most", "at_least")), value=_numbers()),
)


@st.composite
def tools(draw: st.DrawFn, name: str, others: tuple[str, ...]) -> Tool:
    """One tool that refers to `others` alone."""
    permission = draw(one_of(Permission))
    some = lists(st.sampled_from(others)) if others else st.just(())
    attribute = draw(st.just("") | attributes)
    approval = Approval(
        tools=draw(some),
        attribute=attribute,
        condition=draw(conditions) if attribute else Condition(),
        human_step=draw(st.booleans()) if attribute else True,
    )
    escalation = st.builds(
        Escalation,
        reasons=lists(words),
        reason_argument=st.just("") | words,
        queues=lists(words),
        queue_argument=st.just("") | words,
        deadline_s=st.none() | milliseconds,
        not_for_task_types=lists(st.sampled_from(KINDS)),
    )
    polled = draw(st.booleans())
    return Tool(
        name=name,
        effect=draw(one_of(Effect)),
        permission=permission,
        approval=draw(st.just(Approval()) | st.just(approval)),
        idempotency_arguments=draw(lists(words)),
        volatile_arguments=draw(lists(words)),
        repeatable=draw(st.booleans()),
        poll_field=draw(words) if polled else "",
        poll_pending=draw(lists(words, least=1)) if polled else (),
        compensates=draw(some),
        untrusted_arguments=draw(lists(words)),
        escalation=None if permission == "never" else draw(st.none() | escalation),
        price_usd=draw(st.just(0.0) | usd.filter(lambda v: v <= 1e6)),
        human_minutes=draw(st.just(0.0) | usd),
    )


@st.composite
def expectations(draw: st.DrawFn, name: str, known: tuple[str, ...]) -> Expect:
    """One assertion on a tool that is known, or on an attribute."""
    of_tool = draw(st.booleans()) and bool(known)
    return Expect(
        name=name,
        source=draw(
            st.sampled_from(("tool_result", "tool_argument"))
            if of_tool
            else st.sampled_from(("attribute", "system_of_record"))
        ),
        tool=draw(st.sampled_from(known)) if of_tool else "",
        key=draw(attributes),
        condition=draw(conditions),
        task_types=draw(lists(st.sampled_from(KINDS))),
        required=draw(st.booleans()),
        proves_success=draw(st.booleans()),
    )


@st.composite
def objectives(draw: st.DrawFn, name: str, earlier: tuple[str, ...]) -> AgentSlo:
    """One objective; a composite is of earlier ones."""
    kinds = ["success", "latency", "safety", "cost", "handoff", "escalation", "satisfaction"]
    dimension = draw(st.sampled_from([*kinds, "composite"] if earlier else kinds))
    judged = dimension not in {"latency", "cost", "composite"}
    return AgentSlo(
        name=name,
        dimension=dimension,
        objective_ratio=draw(ratios),
        min_evidence=draw(one_of(MinEvidence)) if judged else "tool_result",
        limit=draw(milliseconds) if dimension in {"latency", "cost"} else None,
        window_s=draw(st.integers(1, 92)) * 86_400.0,
        of=draw(lists(st.sampled_from(earlier), least=1)) if dimension == "composite" else (),
        task_types=draw(lists(st.sampled_from(KINDS))),
        segments=draw(lists(words)),
        refused=draw(st.sampled_from(("good", "bad", "excluded"))),
        blocked=draw(st.sampled_from(("good", "bad", "excluded"))),
        label_definition=draw(st.just("") | sentences),
    )


@st.composite
def agent_files(draw: st.DrawFn) -> AgentFile:
    """A whole file, sound but for objectives that nothing can prove."""
    known = draw(lists(st.sampled_from(TOOLS)))
    made = [draw(tools(name, tuple(n for n in known if n != name))) for name in known]
    named = draw(lists(st.sampled_from(NAMES)))
    groups = lists(st.sampled_from(known), least=2) if len(known) > 1 else None
    return AgentFile(
        name=draw(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_./-]{0,20}[A-Za-z0-9])?", fullmatch=True)),
        description=draw(st.just("") | sentences),
        match=draw(
            st.builds(Match, agents=lists(words), services=lists(words), environments=lists(words))
        ),
        owners=Owners(product=draw(sentences), engineering=draw(sentences), operations="on-call"),
        decides=draw(st.dictionaries(one_of(Decision), one_of(OwnerRole))),
        tier=draw(one_of(Tier)),
        environments=draw(lists(words)),
        scope=draw(st.none() | one_of(Scope)),
        task=Task(
            unit=draw(sentences),
            ends_when=draw(st.just("") | sentences),
            types=draw(st.just(()) | st.just(KINDS)),
            type_attribute=draw(st.just("") | attributes),
            limits=draw(
                st.builds(
                    Limits,
                    duration_s=st.none() | milliseconds.filter(lambda s: s < 2_592_000),
                    cost_usd=st.none() | usd,
                    steps=st.none() | counts,
                    turns=st.none() | counts,
                    tokens=st.none() | counts,
                )
            ),
        ),
        tools=tuple(made),
        unlisted_tools=draw(one_of(UnlistedTools)),
        expect=tuple(
            draw(expectations(name, known)) for name in draw(lists(st.sampled_from(NAMES)))
        ),
        commits_together=(Group(name="all", tools=draw(groups)),) if groups is not None else (),
        evaluations=tuple(
            EvaluationRule(
                name=name,
                dimension=draw(one_of(EvaluationDimension)),
                pass_at_least=draw(st.floats(-1e6, 1e6, width=32)),
                wait_s=draw(st.integers(0, 604_800_000)) / 1000,
            )
            for name in draw(lists(words))
        ),
        policies=tuple(
            Policy(
                name=name,
                attribute=draw(attributes),
                condition=draw(conditions),
                blocked_attribute=draw(st.just("") | attributes),
            )
            for name in draw(lists(st.sampled_from(NAMES)))
        ),
        slos=tuple(draw(objectives(name, named[:i])) for i, name in enumerate(named)),
        evidence_wait_s=draw(st.integers(0, 604_800_000)) / 1000,
        human_deadline_s=draw(st.integers(1, 7_776_000)) * 1.0,
        human_cost_usd_per_minute=draw(st.integers(0, 10**7)) / 1000,
        releases=draw(
            st.builds(
                Releases,
                customer_facing=st.booleans(),
                timezone=st.sampled_from(("UTC", "Europe/Berlin")),
                windows=lists(st.sampled_from(("mon-thu 09:00-16:00", "sat 10:00-24:00"))),
                closed=lists(st.sampled_from(("2026-12-24", "2026-12-20..2027-01-03"))),
            )
        ),
        error_budget_policy=draw(st.just("") | sentences),
        citation_pattern=draw(st.just("") | st.sampled_from((r"KB-\d+", "[A-Z]{2}"))),
    )
