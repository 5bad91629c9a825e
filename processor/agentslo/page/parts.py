"""Pieces of HTML that several parts of the page are made of.

In: plain values. Out: HTML. Pure; whatever comes from telemetry is escaped here or by the caller.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote, urlencode

from agentslo.outcomes.groups import ENDED, GOOD, NOT_JUDGED
from agentslo.page.answers import Answer
from agentslo.page.style import STYLE
from agentslo.page.values import Agent, Line

REFRESH_S = 15
_SHADES = {"yes": "good", "no": "bad", "cannot tell": "warn"}


def tone(outcome: str) -> str:
    """The class an outcome is shown in."""
    if outcome in GOOD:
        return "good"
    if outcome in ENDED:
        return "plain"
    return "dim" if outcome in NOT_JUDGED else "bad"


def head(title: str, *, refresh: bool) -> str:
    """The document up to its heading."""
    again = f'<meta http-equiv="refresh" content="{REFRESH_S}">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        '</title><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"{again}<style>{STYLE}</style></head><body><main>"
    )


TAIL = "</main></body></html>"


def table(caption: str, columns: Sequence[str], rows: Iterable[str]) -> str:
    """A table; a column's name that begins with `#` stands over numbers."""
    return f"{table_start(caption, columns)}{''.join(rows)}{TABLE_END}"


def table_start(caption: str, columns: Sequence[str]) -> str:
    """A table up to its first row."""
    cells = "".join(
        f'<th scope="col" class="n">{escape(name[1:])}</th>'
        if name.startswith("#")
        else f'<th scope="col">{escape(name)}</th>'
        for name in columns
    )
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>"
    )


TABLE_END = "</tbody></table></div>"


def said(answer: Answer) -> str:
    """An answer in its colour; the word tells it without."""
    word = "NO" if answer.state == "no" else answer.state
    return f'<span class="{_SHADES[answer.state]}">{word}</span>'


def to_agent(agent: Agent) -> str:
    """A link to an agent's own page."""
    query = urlencode({"agent": agent.agent, "environment": agent.environment})
    return f'<a href="/agent?{escape(query, quote=True)}">{escape(agent.agent)}</a>'


def outcomes(agent: Agent) -> str:
    """Runs by outcome, in colour."""
    return ", ".join(
        f'<span class="k {tone(name)}">{escape(name)} {count}</span>'
        for name, count in sorted(agent.outcomes.items())
        if count
    )


def runs(caption: str, lines: Iterable[Line], trace_url: str | None) -> str:
    """Runs, a row each."""
    columns = ("End (UTC)", "Agent", "Outcome", "Why", "Evidence", "#Took", "Run", "Trace")
    return table(caption, columns, (_run(line, trace_url) for line in lines))


def _run(run: Line, trace_url: str | None) -> str:
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
        f'<td>{shown}</td><td>{why}</td><td class="dim">{evidence}</td>'
        f'<td class="n">{duration(run["duration_s"])}</td><td>{ident}</td><td>{link}</td></tr>'
    )


def duration(value: object) -> str:
    """A duration as people read it: milliseconds below a second."""
    seconds = float(str(value))
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def ago(then_ns: int, now_ns: int) -> str:
    """How long ago, in one unit."""
    seconds = max(0, now_ns - then_ns) // 10**9
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def clock(time_ns: int) -> str:
    """A time in UTC, to the minute."""
    return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M}"


def percent(ratio: float | None, digits: int = 1) -> str:
    """A share, or a dash where there is none."""
    return "-" if ratio is None else f"{ratio:.{digits}%}"


def left(ratio: float | None) -> str:
    """What is left of a budget, as a bar and a figure."""
    if ratio is None:
        return '<span class="dim">-</span>'
    shade = "bad" if ratio <= 0 else "warn" if ratio < 0.25 else "good"
    value = min(1.0, max(0.0, ratio))
    bar = f'<meter min="0" max="1" low="0.25" high="0.5" optimum="1" value="{value:.3f}">'
    return f'{bar}{ratio:.0%}</meter> <span class="{shade}">{ratio:.0%}</span>'
