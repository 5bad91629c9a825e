"""The first page: every agent, the worst first, and the last runs.

In: a `View`. Out: HTML in pieces, so that a browser sees the first at once and the loop does other
work between them. Pure.
"""

from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import urlencode

from agentslo.page import parts
from agentslo.page.answers import Answer, safe_to_run, within_slo
from agentslo.page.values import Agent, View

ROWS_A_PIECE = 10
SINCE = "Counts are since this process started, not over the objective's window."
LEGEND = (
    '<p class="dim"><span class="good">Green</span> went well, with evidence; '
    '<span class="bad">red</span> went wrong or did harm; grey is left out of objectives or cannot '
    "be told. <code>completed</code> ended without a sign of failure: nothing verified what it "
    "did. Evidence <i>heuristic</i> is read from spans alone. A click on a run selects its id, for "
    "<code>agentslo explain RUN</code>.</p>"
)
_COLUMNS = (
    *("Agent", "Environment", "Safe to run?", "Within SLO?", "Least budget left"),
    *("#Runs", "Outcomes"),
)


def page(view: Callable[[], View], *, refresh: bool) -> Iterator[str]:
    """The page; what it shows is only gathered when its head is on its way."""
    yield parts.head("agentslo", refresh=refresh) + "<h1>agentslo</h1>"
    yield from _body(view())


def _body(view: View) -> Iterator[str]:
    answered = [
        (agent, safe_to_run(agent, view.now_ns), within_slo(agent)) for agent in view.chosen
    ]
    answered.sort(key=lambda row: (_urgency(row[1], row[2]), row[0].agent))
    yield _top(view, answered)
    yield "<h2>Agents</h2>"
    if not answered:
        yield _empty(view)
    else:
        yield parts.table_start("Every agent, those that need somebody first", _COLUMNS)
        for start in range(0, len(answered), ROWS_A_PIECE):
            yield "".join(_row(*row) for row in answered[start : start + ROWS_A_PIECE])
        yield parts.TABLE_END
    yield "<h2>Last runs</h2>"
    yield from _runs(view)
    yield LEGEND + parts.TAIL


def _top(view: View, answered: list[tuple[Agent, Answer, Answer]]) -> str:
    unsafe = sum(safe.state == "no" for _, safe, _ in answered)
    missing = sum(within.state == "no" for _, _, within in answered)
    tiles = (
        (len(answered), "agents", ""),
        (unsafe, "not safe to run", "bad" if unsafe else "good"),
        (missing, "outside an objective", "bad" if missing else "good"),
        (view.open_traces, "open traces", ""),
    )
    items = "".join(f'<li><b class="{shade}">{n}</b>{what}</li>' for n, what, shade in tiles)
    notes = "".join(f"<p>{escape(note)}</p>" for note in view.notes)
    since = f"Since {parts.clock(view.started_ns)} UTC. {SINCE}"
    return f'{_filter(view)}<ul class="tiles">{items}</ul><p class="dim">{since}</p>{notes}'


def _urgency(safe: Answer, within: Answer) -> int:
    """0 for what harms, then what misses, then what nobody can tell."""
    if safe.state == "no":
        return 0
    if within.state == "no":
        return 1
    return 2 if "cannot tell" in (safe.state, within.state) else 3


def _filter(view: View) -> str:
    links = [
        _choice(name or "all environments", name, view)
        for name in ("", *(view.environments if len(view.environments) > 1 else ()))
    ]
    pause = _link("stop refreshing" if view.refresh else "refresh", view, not view.refresh)
    return f'<nav aria-label="Environment">{"".join(links)}{pause}</nav>'


def _choice(text: str, environment: str, view: View) -> str:
    query = _query(environment, view.refresh)
    here = ' aria-current="page"' if environment == view.environment else ""
    return f'<a href="/{query}"{here}>{escape(text)}</a>'


def _link(text: str, view: View, refresh: bool) -> str:  # noqa: FBT001  # the other of two states
    return f'<a href="/{_query(view.environment, refresh)}">{text}</a>'


def _query(environment: str, refresh: bool) -> str:  # noqa: FBT001  # as in the view
    asked = {"environment": environment} if environment else {}
    if not refresh:
        asked["refresh"] = "off"
    return "?" + escape(urlencode(asked), quote=True) if asked else ""


def _empty(view: View) -> str:
    if view.environment and view.agents:
        return f"<p>No agent was seen in <b>{escape(view.environment)}</b>.</p>"
    return (
        "<p>No run has closed yet. A run closes when its root span has ended and 2 to 10 seconds "
        "have passed without a span.</p><p>To see something at once:</p><pre>make hello</pre>"
    )


def _row(agent: Agent, safe: Answer, within: Answer) -> str:
    lefts = [left for slo in agent.slos if (left := slo.budget_left_ratio) is not None]
    why = f'<br><span class="dim">{escape("; ".join(safe.reasons))}</span>' if safe.reasons else ""
    missed = ", ".join(within.reasons)
    missed = f'<br><span class="dim">{escape(missed)}</span>' if missed else ""
    return (
        f'<tr><th scope="row" class="k">{parts.to_agent(agent)}</th>'
        f"<td>{escape(agent.environment)}</td><td>{parts.said(safe)}{why}</td>"
        f'<td>{parts.said(within)}{missed}</td><td class="k">{parts.left(min(lefts, default=None))}'
        f'</td><td class="n">{agent.runs}</td><td>{parts.outcomes(agent)}</td></tr>'
    )


def _runs(view: View) -> Iterator[str]:
    shown = [
        run for run in view.runs if not view.environment or run["environment"] == view.environment
    ]
    if not shown:
        yield '<p class="dim">None yet.</p>'
        return
    yield parts.runs(f"The newest {len(shown)}, newest first", shown, view.trace_url)
