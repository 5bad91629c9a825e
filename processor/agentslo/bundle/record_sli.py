"""Counts and ratios per window: bad over good plus bad, and beside it what unknown runs could hide.

In: counters and recorded increments. Out: five groups, by how often they need evaluation. No state.
Ratios are always taken of summed increments. Where nothing was judged there is no series: never
NaN, never Inf. Corrections are taken into account in windows of an hour and longer, clamped at 0,
at the time they were made. Source: design.md 3; prometheus-grafana.md 4.
"""

from collections.abc import Iterator
from typing import Final

from agentslo.bundle.rule import Record, RuleGroup
from agentslo.bundle.windows import (
    CORRECTED,
    DAY_WINDOWS,
    PERIOD_WINDOWS,
    RAW_WINDOWS,
    TILED_WINDOWS,
)

_ALL, _UNKNOWN, _JUDGED = "", "unknown", "good|bad"


def _increase(family: str, tile: str, matchers: str, window: str) -> list[str]:
    """Parts that add up to the increase over a window."""
    braces = f"{{{matchers}}}" if matchers else ""
    if window in RAW_WINDOWS:
        return [f"increase({family}{braces}[{window}])"]
    recorded = f"agent_slo:{tile}:increase"
    if window not in PERIOD_WINDOWS:
        return [f"sum_over_time({recorded}5m{braces}[{window}])"]
    before = f"sum_over_time({recorded}1h{braces}[{int(window[:-1]) - 1}d] offset 1d)"
    # Another label, or `or` would take the two for one.
    return [
        f"sum_over_time({recorded}5m{braces}[1d])",
        f'label_replace({before}, "part", "before", "", "")',
    ]


def _matcher(label: str, results: str) -> str:
    if not results:
        return "" if label == "result" else f'{label}!="excluded"'
    return f'{label}=~"{results}"' if "|" in results else f'{label}="{results}"'


def _runs(window: str, results: str) -> str:
    counted = _increase("agent_slo_events_total", "events", _matcher("result", results), window)
    if window not in CORRECTED:
        return f"sum by (<slo>, result) ({counted[0]})"
    family, tile = "agent_slo_corrections_total", "corrections"
    came = _increase(family, tile, _matcher("to", results), window)
    left = _increase(family, tile, _matcher("from", results), window)
    parts = (
        *counted,
        *(f'label_replace({part}, "result", "$1", "to", "(.*)")' for part in came),
        *(f'label_replace(-{part}, "result", "$1", "from", "(.*)")' for part in left),
    )
    summed = "\n  or ".join(parts)
    return f"clamp_min(sum by (<slo>, result) (\n  {summed}\n), 0)"


def _counted(window: str, results: str) -> Record:
    net = ", net of corrections" if window in CORRECTED else ""
    # promtool takes two rules of one name and the same labels for a mistake.
    labels = {"result": results} if results == _UNKNOWN else {}
    return Record(
        name=f"agent_slo:runs:increase{window}",
        expr=_runs(window, results),
        labels=labels,
        doc=f"Runs of the last {window} by result{net}.",
    )


def _error(window: str) -> Record:
    runs = f"agent_slo:runs:increase{window}"
    return Record(
        name=f"agent_slo:sli_error:ratio_rate{window}",
        expr=f'sum by (<slo>) ({runs}{{result="bad"}})\n/\n'
        f'(sum by (<slo>) ({runs}{{result=~"{_JUDGED}"}}) > 0)',
        doc="Bad share of judged runs.",
    )


def _counts(window: str) -> Iterator[Record]:
    runs = f"agent_slo:runs:increase{window}"
    rows = (("bad_runs", "bad", "Bad runs"), ("judged_runs", _JUDGED, "Good and bad runs"))
    return (
        Record(
            name=f"agent_slo:{name}:increase{window}",
            expr=f"sum by (<slo>) ({runs}{{{_matcher('result', results)}}})",
            doc=f"{words} of the last {window}.",
        )
        for name, results, words in rows
    )


def _views(window: str) -> Iterator[Record]:
    runs = f"agent_slo:runs:increase{window}"
    rows = (
        (
            f"agent_slo:sli_error_pessimistic:ratio_rate{window}",
            f'sum by (<slo>) ({runs}{{result=~"bad|unknown"}})\n/\n(sum by (<slo>) ({runs}) > 0)',
            "The same if every unknown run were bad.",
        ),
        (
            f"agent_slo:coverage:ratio_rate{window}",
            f'sum by (<slo>) ({runs}{{result=~"{_JUDGED}"}})\n/\n(sum by (<slo>) ({runs}) > 0)',
            "Share of runs that could be judged.",
        ),
        (
            f"agent_slo:burn:ratio_rate{window}",
            f"agent_slo:sli_error:ratio_rate{window} / (agent_slo:error_budget:ratio > 0)",
            "Burn rate: 1 spends the budget exactly by the end of its period.",
        ),
    )
    return (Record(name=name, expr=expr, doc=doc) for name, expr, doc in rows)


def _all(window: str) -> Iterator[Record]:
    yield _counted(window, _ALL)
    yield _error(window)
    yield from _views(window)


def _burning(windows: tuple[str, ...]) -> tuple[Record, ...]:
    return tuple(made for w in windows for made in (_counted(w, _JUDGED), _error(w)))


_HOURS = RAW_WINDOWS + TILED_WINDOWS
_EVERY_MINUTE = ("5m", "15m", "1h")
SLI: Final = RuleGroup(
    name="agent-slo-sli",
    interval="1m",
    doc="Good and bad runs and their ratio: what the fastest burn alerts read.",
    records=_burning(_EVERY_MINUTE),
)
SLI_HOURS: Final = RuleGroup(
    name="agent-slo-sli-hours",
    interval="2m",
    doc="The same for the slower ones, up to 6 h.",
    records=_burning(tuple(w for w in _HOURS if w not in _EVERY_MINUTE)),
)
# Below the 5 minutes an instant query looks back, or the series would flicker between two samples.
SLOW: Final = "4m"
SLI_VIEWS: Final = RuleGroup(
    name="agent-slo-sli-views",
    interval=SLOW,
    doc="Unknown runs, coverage and burn rates up to 6 h: what people read.",
    records=tuple(made for w in _HOURS for made in (_counted(w, _UNKNOWN), *_views(w))),
)
SLI_DAYS: Final = RuleGroup(
    name="agent-slo-sli-days",
    interval=SLOW,
    doc="The same over one and three days.",
    records=tuple(made for window in DAY_WINDOWS for made in _all(window)),
)
SLI_PERIOD: Final = RuleGroup(
    name="agent-slo-sli-period",
    interval=SLOW,
    doc="The same over the periods budgets are kept for.",
    records=tuple(made for window in PERIOD_WINDOWS for made in (*_all(window), *_counts(window))),
)
