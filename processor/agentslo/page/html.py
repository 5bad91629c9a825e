"""The first, plain status page: agents, runs, outcomes, why.

In: plain values from the service. Out: a whole HTML document. Pure; every value from telemetry is
escaped, there is no script, and the only style is inside the document, allowed by its hash.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

GOOD = ("success", "safe_escalation")
PLAIN = ("completed",)
NEUTRAL = ("excluded", "blocked", "cancelled", "waiting", "unknown")

STYLE = """
:root{color-scheme:light dark;--line:#8884;--bad:#b3261e;--good:#1b7a3d;--dim:#6b6b6b}
@media(prefers-color-scheme:dark){:root{--bad:#ff8a80;--good:#7bd99a;--dim:#a0a0a0}}
body{font:15px/1.45 system-ui,sans-serif;max-width:78rem;margin:0 auto;padding:1rem}
h1{font-size:1.3rem;margin:.2rem 0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;
border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600}
td.n{text-align:right;font-variant-numeric:tabular-nums}td.n,td.k{white-space:nowrap}
.bad{color:var(--bad);font-weight:600}.good{color:var(--good)}.dim{color:var(--dim)}
.wide{overflow-x:auto}.id{display:inline-block;max-width:9rem;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap;vertical-align:bottom;user-select:all}
code,pre{font:13px ui-monospace,monospace}pre{background:#8881;padding:.7rem}
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SINCE = "Counts are since this process started, not over the objective's window."
LEGEND = (
    '<p class="dim"><span class="good">Green</span> went well, with evidence; '
    '<span class="bad">red</span> went wrong or did harm; grey is left out of objectives or cannot '
    "be told. <code>completed</code> ended without a sign of failure: nothing verified what it "
    "did. Evidence <i>heuristic</i> is read from spans alone. A click on a run selects its id, for "
    "<code>agentslo explain RUN</code>.</p>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLine:
    """One agent in one environment: runs by outcome, and each objective with its counts."""

    agent: str
    environment: str
    outcomes: Mapping[str, int]
    objectives: Mapping[str, float]
    slos: Mapping[str, Mapping[str, int]]


def tone(outcome: str) -> str:
    """The class an outcome is shown in."""
    if outcome in GOOD:
        return "good"
    if outcome in PLAIN:
        return "plain"
    return "dim" if outcome in NEUTRAL else "bad"


def ratio(counts: Mapping[str, int]) -> float | None:
    """good / (good + bad); None where neither was seen."""
    judged = counts.get("good", 0) + counts.get("bad", 0)
    return counts.get("good", 0) / judged if judged else None


def document(
    agents: Sequence[AgentLine],
    runs: Iterable[Mapping[str, object]],
    open_traces: int,
    notes: Sequence[str],
    trace_url: str | None,
) -> str:
    """The page."""
    body = [
        "<h1>agentslo</h1>",
        f'<p class="dim">{open_traces} open traces. {SINCE}</p>',
        *(f"<p>{escape(note)}</p>" for note in notes),
        "<h2>Agents</h2>",
        _agents(agents) if agents else _empty(),
        "<h2>Last runs</h2>",
        _runs(list(runs), trace_url),
        LEGEND,
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>agentslo</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="refresh" content="5"><style>{STYLE}</style></head>'
        f"<body><main>{''.join(body)}</main></body></html>"
    )


def _empty() -> str:
    return (
        "<p>No run has closed yet. A run closes when its root span has ended and 2 to 10 seconds "
        "have passed without a span.</p><p>To see something at once:</p><pre>make hello</pre>"
    )


def _agents(agents: Sequence[AgentLine]) -> str:
    rows = []
    for line in agents:
        outcomes = ", ".join(
            f'<span class="{tone(name)}">{escape(name)} {count}</span>'
            for name, count in sorted(line.outcomes.items())
            if count
        )
        slos = "<br>".join(
            _slo(name, counts, line.objectives.get(name)) for name, counts in line.slos.items()
        )
        total = sum(line.outcomes.values())
        rows.append(
            f'<tr><td class="k">{escape(line.agent)}</td><td>{escape(line.environment)}</td>'
            f'<td class="n">{total}</td><td>{outcomes}</td><td>{slos}</td></tr>'
        )
    head = "<th>Agent</th><th>Environment</th><th>Runs</th><th>Outcomes</th><th>Within SLO?</th>"
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _slo(name: str, counts: Mapping[str, int], objective: float | None) -> str:
    found = ratio(counts)
    unknown = counts.get("unknown", 0)
    tail = f' <span class="dim">({unknown} unknown)</span>' if unknown else ""
    if found is None or objective is None:
        return f'{escape(name)}: <span class="dim">no judged runs</span>{tail}'
    word, shade = ("yes", "good") if found >= objective else ("no", "bad")
    judged = counts.get("good", 0) + counts.get("bad", 0)
    return (
        f'{escape(name)}: <span class="{shade}">{word}</span>, {found:.1%} of {judged} good, '
        f"target {objective:.1%}{tail}"
    )


def _runs(runs: Sequence[Mapping[str, object]], trace_url: str | None) -> str:
    if not runs:
        return '<p class="dim">None yet.</p>'
    head = (
        "<th>End (UTC)</th><th>Agent</th><th>Outcome</th><th>Why</th><th>Took</th>"
        "<th>Run</th><th>Trace</th>"
    )
    return (
        f'<div class="wide"><table><tr>{head}</tr>'
        f"{''.join(_run(r, trace_url) for r in runs)}</table></div>"
    )


def _run(run: Mapping[str, object], trace_url: str | None) -> str:
    outcome, trace = str(run["outcome"]), str(run["trace_id"])
    shown = f'<span class="{tone(outcome)}">{escape(outcome)}</span>'
    if "corrected_to" in run:
        later = str(run["corrected_to"])
        shown += f' &rarr; <span class="{tone(later)}">{escape(later)}</span>'
    link = f'<code class="id">{escape(trace)}</code>'
    ident = f'<code class="id">{escape(str(run["run_id"]))}</code>'
    if trace_url:
        href = escape(trace_url.replace("{trace_id}", quote(trace)), quote=True)
        link = f'<a href="{href}" rel="noreferrer">{link}</a>'
    why = escape(str(run["reason"]).replace("_", " "))
    evidence = escape(str(run["evidence"]).replace("_", " "))
    end = escape(str(run["end"])[:19].replace("T", " "))
    return (
        f'<tr><td class="k">{end}</td><td class="k">{escape(str(run["agent"]))}</td>'
        f"<td>{shown}</td>"
        f'<td>{why} <span class="dim">(evidence: {evidence})</span></td>'
        f'<td class="n">{_seconds(run["duration_s"])}</td><td>{ident}</td><td>{link}</td></tr>'
    )


def _seconds(value: object) -> str:
    """A duration as people read it: milliseconds below a second."""
    seconds = float(str(value))
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
