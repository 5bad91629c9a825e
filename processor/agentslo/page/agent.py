"""The page of one agent: whether it is within its SLOs, what changed, what to do next.

In: a `View` and one of its agents. Out: HTML in pieces. Pure.
"""

from collections.abc import Iterator
from html import escape

from agentslo.page import parts
from agentslo.page.answers import Step, next_steps, safe_to_run, within_slo
from agentslo.page.burndown import burndown
from agentslo.page.fleet import LEGEND, SINCE
from agentslo.page.values import Agent, Drift, Release, Slo, View

RUNBOOKS = "alert-rules/runbooks"
_SLO_COLUMNS = (
    *("Objective", "#Target", "#Good", "#Good at worst", "Budget left"),
    *("#Bad", "#Judged", "#Unknown"),
)
_DRIFT_COLUMNS = (
    *("Feature", "State", "What", "Where", "Since (UTC)", "#z"),
    *("Likeliest cause", "Reversed by"),
)
_RELEASE_COLUMNS = ("Release", "Versions", "First seen (UTC)", "Last run", "#Runs", "#Failed")


def page(agent: Agent, view: View) -> Iterator[str]:
    """The page."""
    yield parts.head(f"{agent.agent} - agentslo", refresh=view.refresh)
    yield (
        f'<nav aria-label="Pages"><a href="/">All agents</a></nav><h1>{escape(agent.agent)} '
        f'<span class="dim">in {escape(agent.environment)}</span></h1>'
    )
    yield _answers(agent, view)
    yield "<h2>Within SLO?</h2>"
    yield parts.table("Objectives, by the runs seen", _SLO_COLUMNS, map(_slo, agent.slos))
    for slo in agent.slos:
        drawn = burndown(slo)
        if drawn:
            yield f"<p>Budget of {escape(slo.name)}</p>{drawn}"
    yield f"<h2>What changed?</h2><p>Outcomes: {parts.outcomes(agent) or 'none yet'}</p>"
    if agent.drifts:
        drifts = (_drift(drift) for drift in agent.drifts)
        yield parts.table("Unlike its baseline", _DRIFT_COLUMNS, drifts)
    rows = (_release(release, view.now_ns) for release in agent.releases)
    yield parts.table("Releases, the newest first", _RELEASE_COLUMNS, rows)
    yield "<h2>What next?</h2>" + _next(agent, view)
    yield _bad_runs(agent, view)
    yield _people(agent)
    yield LEGEND + parts.TAIL


def _answers(agent: Agent, view: View) -> str:
    safe, within = safe_to_run(agent, view.now_ns), within_slo(agent)
    last = parts.ago(agent.last_end_ns, view.now_ns) if agent.last_end_ns else "none"
    tiles = (
        (parts.said(safe), "safe to run?", "; ".join(safe.reasons)),
        (parts.said(within), "within SLO?", ", ".join(within.reasons)),
        (str(agent.runs), "runs", f"last {last}"),
    )
    items = "".join(
        f'<li><b>{value}</b>{what}<br><span class="dim">{escape(more)}</span></li>'
        for value, what, more in tiles
    )
    held = "".join(f'<p class="warn">Contained: {escape(one)}</p>' for one in agent.contained)
    if agent.gate:
        shade = "dim" if agent.gate == "normal" else "warn"
        held += f'<p class="{shade}">Error budget at the release gate: {escape(agent.gate)}</p>'
    return f'<ul class="tiles">{items}</ul>{held}<p class="dim">{SINCE}</p>'


def _slo(slo: Slo) -> str:
    every = slo.judged + slo.unknown
    worst = slo.good / every if every else None
    shade = {True: "good", False: "bad", None: "dim"}[slo.met]
    return (
        f'<tr><th scope="row">{escape(slo.name)}</th>'
        f'<td class="n">{parts.percent(slo.objective_ratio)}</td>'
        f'<td class="n {shade}">{parts.percent(slo.good_ratio)}</td>'
        f'<td class="n">{parts.percent(worst)}</td>'
        f'<td class="k">{parts.left(slo.budget_left_ratio)}</td><td class="n">{slo.bad}</td>'
        f'<td class="n">{slo.judged}</td><td class="n">{slo.unknown}</td></tr>'
    )


def _drift(drift: Drift) -> str:
    where = drift.segment if drift.segment not in ("", "global") else "everywhere"
    state = '<b class="bad">drift</b>' if drift.drifted else '<span class="warn">watch</span>'
    return (
        f'<tr><th scope="row">{escape(drift.feature)}</th><td>{state}</td>'
        f"<td>{escape(drift.bin)}</td><td>{escape(where)}</td>"
        f'<td class="k">{parts.clock(drift.since_ns)}</td><td class="n">{drift.z:.1f}</td>'
        f"<td>{escape(drift.cause)}</td><td>{escape(drift.reversible_by)}</td></tr>"
    )


def _release(release: Release, now_ns: int) -> str:
    failed = release.failed / release.runs if release.runs else None
    return (
        f'<tr><th scope="row" class="k"><code>{escape(release.release)}</code></th>'
        f"<td>{escape(release.versions) or '-'}</td>"
        f'<td class="k">{parts.clock(release.first_ns)}</td>'
        f'<td class="k">{parts.ago(release.last_ns, now_ns)}</td>'
        f'<td class="n">{release.runs}</td><td class="n">{parts.percent(failed)}</td></tr>'
    )


def _next(agent: Agent, view: View) -> str:
    steps = next_steps(agent, view.now_ns)
    if not steps:
        return "<p>Nothing to do.</p>"
    return f"<ol>{''.join(map(_step, steps))}</ol>"


def _step(step: Step) -> str:
    runbook = f" Runbook: <code>{RUNBOOKS}/{step.runbook}.md</code>" if step.runbook else ""
    return f"<li>{escape(step.why)}{runbook}<pre>{escape(step.command)}</pre></li>"


def _bad_runs(agent: Agent, view: View) -> str:
    if not agent.bad_runs:
        return '<p class="dim">No run went wrong yet.</p>'
    return parts.runs("Last runs that went wrong, newest first", agent.bad_runs, view.trace_url)


def _people(agent: Agent) -> str:
    if not agent.declared:
        return '<h2>Who decides</h2><p class="dim">No agent file names an owner.</p>'
    rows = "".join(
        f'<tr><th scope="row">{escape(role)}</th><td>{escape(name) or "-"}</td></tr>'
        for role, name in agent.owners.items()
    )
    return "<h2>Who decides</h2>" + parts.table(
        "Owners, from the agent file", ("Role", "Who"), [rows]
    )
