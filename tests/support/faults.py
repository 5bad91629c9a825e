"""Faults injected into made-up traffic, each with what an operator should be told of it.

Written from what happens in the field, apart from the rules that attribute: a fault says which
knobs turn and which versions change, how far by `size` (0.5 small to 1 large), and what is right.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from agentslo.watch.observe import Observed
from support.drifting import Traffic

Change = Callable[[Traffic, float], None]
ROLLBACK, RETRAIN, CONFIGURE, NOTHING = "rollback", "retraining", "configuration", "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`what`: features that may be named first; `where`: segments that hold exactly the runs it
    strikes, `global` too where nothing but its cause tells those from the others; `share`: part of
    the traffic it strikes, all of it by default, chosen by `only` (a task).
    """

    name: str
    change: Change
    what: frozenset[str]
    lever: str
    where: frozenset[str] = frozenset({"global"})
    only: str = ""
    share: float = 1.0


def _knobs(**knobs: Callable[[float], object]) -> Change:
    def change(traffic: Traffic, size: float) -> None:
        for name, value in knobs.items():
            setattr(traffic, name, value(size))

    return change


def _version(kind: str, value: str, **knobs: Callable[[float], object]) -> Change:
    def change(traffic: Traffic, size: float) -> None:
        traffic.versions = {**traffic.versions, kind: value}
        traffic.release = f"r-{value}"
        _knobs(**knobs)(traffic, size)

    return change


def _tasks(failure: Callable[[float], float] | None, **shares: float) -> Change:
    def change(traffic: Traffic, size: float) -> None:
        moved = {name: share * size for name, share in shares.items()}
        rest = 1 - sum(moved.values())
        kept = {name: share * rest for name, share in traffic.tasks.items()}
        traffic.tasks = {n: kept.get(n, 0) + moved.get(n, 0) for n in {**kept, **moved}}
        if failure is not None:
            traffic.failure_of = dict.fromkeys(shares, failure(size))

    return change


def _both(*changes: Change) -> Change:
    def change(traffic: Traffic, size: float) -> None:
        for one in changes:
            one(traffic, size)

    return change


def _fault(
    name: str,
    change: Change,
    what: str,
    lever: str,
    where: str = "global",
    only: str = "",
    share: float = 1.0,
) -> Fault:
    features = frozenset(what.split())
    return Fault(
        name=name,
        change=change,
        what=features,
        lever=lever,
        where=frozenset(where.split("|")),
        only=only,
        share=share,
    )


_TOOL = "tool_error:search tool_error_class:search failure"

FAULTS = (
    _fault(
        "prompt makes answers longer",
        _version("prompt_version", "p2", tokens_out=lambda s: 200 + 500 * s),
        "tokens_out",
        ROLLBACK,
    ),
    _fault(
        "prompt makes answers shorter",
        _version("prompt_version", "p2", tokens_out=lambda s: 200 - 140 * s),
        "tokens_out",
        ROLLBACK,
    ),
    _fault(
        "prompt hands over more",
        _version("prompt_version", "p2", escalation=lambda s: 0.1 + 0.4 * s),
        "escalation",
        ROLLBACK,
    ),
    _fault(
        "prompt never hands over",
        _version("prompt_version", "p2", escalation=lambda _: 0.0),
        "escalation",
        ROLLBACK,
    ),
    _fault(
        "model is slower",
        _version("model", "m2", latency_s=lambda s: 4 + 12 * s),
        "latency",
        ROLLBACK,
    ),
    _fault(
        "model fails more",
        _version("model", "m2", failure=lambda s: 0.08 + 0.4 * s),
        "failure",
        ROLLBACK,
    ),
    _fault(
        "model refuses more",
        _version("model", "m2", refusal=lambda s: 0.02 + 0.3 * s),
        "refusal",
        ROLLBACK,
    ),
    _fault(
        "code retries more",
        _version("agent_version", "2", retry=lambda s: 0.04 + 0.4 * s),
        "retry",
        ROLLBACK,
    ),
    _fault(
        "canary fails more",
        _version("agent_version", "2", failure=lambda s: 0.2 + 0.6 * s),
        "failure",
        ROLLBACK,
        where="release:r-2",
        share=0.4,
    ),
    _fault(
        "canary writes more",
        _version("prompt_version", "p2", tokens_out=lambda s: 300 + 900 * s),
        "tokens_out",
        ROLLBACK,
        where="release:r-p2",
        share=0.4,
    ),
    _fault(
        "tool is slower",
        _knobs(tool_latency_s=lambda s: 0.5 + 2 * s),
        "tool_latency:search latency",
        CONFIGURE,
    ),
    _fault("tool fails", _knobs(tool_error=lambda s: 0.03 + 0.4 * s), _TOOL, CONFIGURE),
    _fault(
        "tool denies permission",
        _knobs(tool_error=lambda s: 0.1 + 0.4 * s, error_class=lambda _: "permission_denied"),
        _TOOL,
        CONFIGURE,
    ),
    _fault(
        "tool answers in another shape",
        _knobs(shape=lambda _: "bb"),
        "tool_shape:search",
        CONFIGURE,
    ),
    _fault(
        "new tool version fails",
        _version("tool_version:search", "s2", tool_error=lambda s: 0.03 + 0.4 * s),
        _TOOL,
        CONFIGURE,
    ),
    _fault(
        "new tool definitions fail",
        _version("tools_version", "t2", tool_error=lambda s: 0.03 + 0.4 * s),
        _TOOL,
        CONFIGURE,
    ),
    _fault(
        "tool slower for one task",
        _knobs(tool_latency_s=lambda s: 1.5 + 4 * s),
        "tool_latency:search latency",
        CONFIGURE,
        where="task_type:refund",
        only="refund",
    ),
    _fault(
        "policy denies more",
        _version("policy_version", "q2", denial=lambda s: 0.05 + 0.4 * s),
        "denial",
        CONFIGURE,
    ),
    _fault("guardrail denies more", _knobs(denial=lambda s: 0.05 + 0.4 * s), "denial", CONFIGURE),
    _fault("guardrail is off", _knobs(denial=lambda _: 0.0), "denial", CONFIGURE),
    _fault(
        "people override a new policy",
        _version("policy_version", "q2", override=lambda s: 0.06 + 0.4 * s),
        "override",
        CONFIGURE,
    ),
    _fault(
        "new index finds less",
        _version("index_version", "i2", retrieval_miss=lambda s: 0.05 + 0.4 * s),
        "retrieval_miss",
        CONFIGURE,
    ),
    _fault(
        "index is stale",
        _knobs(
            index_age_s=lambda s: 40_000 * (1 + 7 * s), retrieval_miss=lambda s: 0.05 + 0.15 * s
        ),
        "index_age retrieval_miss",
        CONFIGURE,
    ),
    _fault("fewer documents", _knobs(documents=lambda s: 4 - 3 * s), "documents", CONFIGURE),
    _fault(
        "new tasks, done well",
        _tasks(None, loans=0.5),
        "task_type",
        NOTHING,
        where="global|task_type:loans",
    ),
    _fault(
        "new tasks, done badly",
        _tasks(lambda s: 0.3 + 0.4 * s, loans=0.5),
        "task_type failure",
        RETRAIN,
        where="global|task_type:loans",
    ),
    _fault(
        "another mix, done well",
        _tasks(None, address=0.5),
        "task_type",
        NOTHING,
        where="global|task_type:address",
    ),
    _fault(
        "more of what fails",
        _tasks(lambda s: 0.3 + 0.4 * s, cancel=0.5),
        "task_type failure",
        RETRAIN,
        where="global|task_type:cancel",
    ),
    _fault("foreign requests, done well", _knobs(foreign=lambda s: 0.5 * s), "novelty", NOTHING),
    _fault(
        "foreign requests, done badly",
        _knobs(foreign=lambda s: 0.5 * s, failure_of=lambda s: {"foreign": 0.3 + 0.5 * s}),
        "novelty failure",
        RETRAIN,
    ),
    _fault("known requests, other mix", _knobs(leaning=lambda s: s), "wording", NOTHING),
    _fault("longer requests", _knobs(tokens_in=lambda s: 900 * (1 + 2 * s)), "tokens_in", NOTHING),
)

PAIRS = (
    ("tool is slower", "policy denies more"),
    ("new tool version fails", "prompt makes answers longer"),
    ("new index finds less", "foreign requests, done well"),
    ("policy denies more", "model is slower"),
)
"""Two at once that must be told apart."""


def by_name(name: str) -> Fault:
    """The fault of a name."""
    return next(fault for fault in FAULTS if fault.name == name)


def struck(
    traffic: Traffic, faults: tuple[Fault, ...], size: float, count: int, seed: int
) -> Iterator[Observed]:
    """The next runs under faults."""
    rng = np.random.default_rng(seed)
    for number, well in enumerate(traffic.runs(count, seed + 1)):
        ill = replace(traffic, now_ns=well.time_ns)
        hit = [f for f in faults if _strikes(f, well, rng)]
        for fault in hit:
            fault.change(ill, size)
        tasks = list(ill.tasks)
        shares = np.array(list(ill.tasks.values()))
        task = next((f.only for f in hit if f.only), "") or str(
            rng.choice(tasks, p=shares / shares.sum())
        )
        yield ill.one(np.random.default_rng((seed, number)), task) if hit else well


def _strikes(fault: Fault, run: Observed, rng: np.random.Generator) -> bool:
    if fault.only and run.bins["task_type"] != fault.only:
        return False
    return bool(rng.random() < fault.share)
