"""Probes: what of a checklist can be seen, without anybody's word.

In: what is known of an agent. Out: whether an item holds (None: cannot be told), why, what mends
it. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agentslo.config.agent_options import AgentFile
from agentslo.respond.containment import Containment
from agentslo.respond.incidents import Incident
from agentslo.store.audit import Audit
from agentslo.store.ledger import LedgerRun

DAY_NS = 86_400 * 1_000_000_000
NEEDED = ("success", "latency", "safety", "cost")
VERSION_SHARE = 0.95
POST_MORTEM_DAYS = 7
DRILL_DAYS = 90
PRECISION = 0.5
FALSE_ALARM = "false alarm"
"""Said in the note or the end of an incident whose page was not useful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one agent; `runs` are those of the last 30 days, newest first."""

    file: AgentFile
    runs: Sequence[LedgerRun]
    incidents: Sequence[Incident]
    containments: Sequence[Containment]
    audit: Audit | None
    now_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a probe saw; `ok` None: it cannot be told."""

    ok: bool | None
    why: str
    mend: str = ""
    evidence: tuple[str, ...] = ()


def boundary(known: Known) -> Shown:
    """Tools are declared with permissions, and no other is allowed silently."""
    if known.file.is_default:
        return Shown(ok=False, why="no agent file", mend="agentslo init --live URL")
    if not known.file.tools:
        return Shown(ok=False, why="no tool is declared", mend="declare them under 'tools:'")
    if known.file.unlisted_tools == "allow":
        return Shown(ok=False, why="any other tool is allowed", mend="unlisted_tools: report")
    counts = Counter(tool.permission for tool in known.file.tools)
    said = ", ".join(f"{n} {permission}" for permission, n in counts.items())
    return Shown(ok=True, why=f"{len(known.file.tools)} tools: {said}", evidence=_file(known))


def objectives(known: Known) -> Shown:
    """Success, latency, safety and cost each have an objective."""
    have = {slo.dimension for slo in known.file.slos}
    lacking = [d for d in NEEDED if d not in have]
    if lacking:
        mend = "add an SLO for each under 'slos:'"
        return Shown(ok=False, why=f"none for {', '.join(lacking)}", mend=mend)
    return Shown(ok=True, why=f"{len(known.file.slos)} objectives", evidence=_file(known))


def policy(known: Known) -> Shown:
    """It is written what happens when the budget is spent."""
    if known.file.error_budget_policy:
        return Shown(ok=True, why=known.file.error_budget_policy, evidence=_file(known))
    return Shown(ok=False, why="not written", mend="add 'error_budget_policy:'")


def owners(known: Known) -> Shown:
    """Product, engineering and operations each have somebody."""
    names = ("product", "engineering", "operations")
    lacking = [name for name in names if not getattr(known.file.owners, name)]
    if lacking:
        return Shown(ok=False, why=f"nobody for {', '.join(lacking)}", mend="add 'owners:'")
    return Shown(ok=True, why="named", evidence=_file(known))


def versions(known: Known) -> Shown:
    """Runs carry the agent's version."""
    if not known.runs:
        return _no_runs("send a few runs, of a canary or a test")
    named = sum(bool(run.body["run"].get("agent_version")) for run in known.runs)
    share = named / len(known.runs)
    why = f"{share:.0%} of {len(known.runs)} runs name it"
    return Shown(ok=share >= VERSION_SHARE, why=why, mend="set gen_ai.agent.version")


def tools(known: Known) -> Shown:
    """Every tool that was called is declared."""
    if not known.runs:
        return _no_runs("send a few runs, of a canary or a test")
    declared = {tool.name for tool in known.file.tools}
    strange = Counter(t for run in known.runs for t in _tools(run) if t not in declared)
    if strange:
        said = ", ".join(f"{tool} ({count})" for tool, count in strange.most_common(5))
        example = next(r.run_id for r in known.runs if set(_tools(r)) & set(strange))
        mend = "declare them, or take them away from the agent"
        return Shown(ok=False, why=f"undeclared: {said}", mend=mend, evidence=(f"run {example}",))
    return Shown(ok=True, why=f"all of {len(known.runs)} runs")


def drilled(known: Known) -> Shown:
    """Containment was practised, or done in earnest, not long ago."""
    since_ns = known.now_ns - DRILL_DAYS * DAY_NS
    done = [c for c in known.containments if c.done_ns >= since_ns]
    mend = f"agentslo contain drill --agent {known.file.name} --action fallback"
    if not done:
        return Shown(ok=False, why=f"not in {DRILL_DAYS} days", mend=mend)
    last = done[-1]
    evidence = (f"containment {last.id}",)
    return Shown(ok=True, why=f"{last.action} by {last.actor}: {last.reason}", evidence=evidence)


def audited(known: Known) -> Shown:
    """The decisions are as they were recorded."""
    if known.audit is None:
        return Shown(ok=None, why="nothing was decided yet", mend="agentslo audit verify")
    if known.audit.problems:
        return Shown(ok=False, why=known.audit.problems[0], mend="agentslo audit verify")
    return Shown(ok=True, why=f"{known.audit.rows} decisions", evidence=(known.audit.head,))


def post_mortems(known: Known) -> Shown:
    """Every incident that ended a week ago has its post-mortem."""
    since_ns = known.now_ns - POST_MORTEM_DAYS * DAY_NS
    due = [i for i in known.incidents if i.opened_ns < since_ns and i.post_mortem is None]
    if due:
        ids = ", ".join(i.id for i in due)
        mend = f"agentslo incident draft {due[0].id}"
        evidence = tuple(f"incident {i.id}" for i in due)
        return Shown(ok=False, why=f"none for incident {ids}", mend=mend, evidence=evidence)
    held = sum(i.post_mortem is not None for i in known.incidents)
    return Shown(ok=True, why=f"{held} of {len(known.incidents)} incidents, none overdue")


def precision(known: Known) -> Shown:
    """At least half of the pages were about something."""
    since_ns = known.now_ns - 30 * DAY_NS
    paged = [i for i in known.incidents if i.alerts and i.opened_ns >= since_ns]
    judged = [i for i in paged if i.state in ("resolved", "closed")]
    if not judged:
        return Shown(ok=None if paged else True, why=f"{len(paged)} pages, none judged yet")
    useless = [i for i in judged if any(FALSE_ALARM in _said(r.body) for r in i.timeline)]
    share = 1 - len(useless) / len(judged)
    why = f"{len(judged) - len(useless)} of {len(judged)} pages were useful"
    evidence = tuple(f"incident {i.id}" for i in useless[:5])
    mend = "raise the objective's limit or the alert's minimum of bad runs"
    return Shown(ok=share >= PRECISION, why=why, mend=mend, evidence=evidence)


def permissions(known: Known) -> Shown:
    """No declared tool lay unused for a month: a permission nobody needs is a risk."""
    if not known.runs:
        return _no_runs("look again when there are runs")
    used = {tool for run in known.runs for tool in _tools(run)}
    idle = [tool.name for tool in known.file.tools if tool.name not in used]
    if idle:
        why = f"unused in 30 days: {', '.join(idle)}"
        return Shown(ok=False, why=why, mend="take them away, or say why they stay")
    return Shown(ok=True, why=f"all {len(known.file.tools)} tools are used")


def _no_runs(mend: str) -> Shown:
    return Shown(ok=None, why="no run in 30 days", mend=mend)


def _tools(run: LedgerRun) -> list[str]:
    return [tool for tool in run.path.split(">") if tool]


def _file(known: Known) -> tuple[str, ...]:
    return (f"{known.file.file} revision {known.file.revision}",)


def _said(body: object) -> str:
    return str(body.get("text", "")).lower() if isinstance(body, dict) else ""
