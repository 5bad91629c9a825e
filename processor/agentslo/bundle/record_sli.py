"""Counts and ratios per window: bad over good plus bad, and beside it what unknown runs could hide.

In: counters and recorded increments. Out: three groups, by how often they need evaluation. No
state. Ratios are always taken of summed increments. Where nothing was judged there is no series:
never NaN, never Inf. Corrections are taken into account in windows of an hour and longer, clamped
at 0, at the time they were made. Source: design.md 3; prometheus-grafana.md 4.
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

_JUDGED = 'result=~"good|bad"'


def _increase(family: str, tile: str, matchers: str, window: str) -> str:
    if window in RAW_WINDOWS:
        return f"increase({family}{matchers}[{window}])"
    return f"sum_over_time(agent_slo:{tile}:increase5m{matchers}[{window}])"


def _runs(window: str) -> str:
    counted = _increase("agent_slo_events_total", "events", "", window)
    if window not in CORRECTED:
        return f"sum by (<slo>, result) ({counted})"
    family, tile = "agent_slo_corrections_total", "corrections"
    came = _increase(family, tile, '{to!="excluded"}', window)
    left = _increase(family, tile, '{from!="excluded"}', window)
    return (
        "clamp_min(sum by (<slo>, result) (\n"
        f"  {counted}\n"
        f'  or label_replace({came}, "result", "$1", "to", "(.*)")\n'
        f'  or label_replace(-{left}, "result", "$1", "from", "(.*)")\n'
        "), 0)"
    )


def _records(window: str) -> Iterator[Record]:
    runs = f"agent_slo:runs:increase{window}"
    bad, judged = f"agent_slo:bad_runs:increase{window}", f"agent_slo:judged_runs:increase{window}"
    error = f"agent_slo:sli_error:ratio_rate{window}"
    every = f"(sum by (<slo>) ({runs}) > 0)"
    net = ", net of corrections" if window in CORRECTED else ""
    rows = (
        (runs, _runs(window), f"Runs of the last {window} by result{net}."),
        (bad, f'sum by (<slo>) ({runs}{{result="bad"}})', f"Bad runs of the last {window}."),
        (
            judged,
            f"sum by (<slo>) ({runs}{{{_JUDGED}}})",
            f"Good and bad runs of the last {window}.",
        ),
        (error, f"{bad} / ({judged} > 0)", "Bad share of judged runs."),
        (
            f"agent_slo:sli_error_pessimistic:ratio_rate{window}",
            f'sum by (<slo>) ({runs}{{result=~"bad|unknown"}})\n/\n{every}',
            "The same if every unknown run were bad.",
        ),
        (
            f"agent_slo:coverage:ratio_rate{window}",
            f"{judged}\n/\n{every}",
            "Share of runs that could be judged.",
        ),
        (
            f"agent_slo:burn:ratio_rate{window}",
            f"{error} / (agent_slo:error_budget:ratio > 0)",
            "Burn rate: 1 spends the budget exactly by the end of its period.",
        ),
    )
    return (Record(name=name, expr=expr, doc=doc) for name, expr, doc in rows)


def _group(name: str, interval: str, doc: str, windows: tuple[str, ...]) -> RuleGroup:
    records = tuple(record for window in windows for record in _records(window))
    return RuleGroup(name=name, interval=interval, doc=doc, records=records)


SLI: Final = _group(
    "agent-slo-sli", "1m", "Counts, ratios and burn rates up to 6 h.", RAW_WINDOWS + TILED_WINDOWS
)
SLI_DAYS: Final = _group(
    "agent-slo-sli-days", "2m", "The same over one and three days.", DAY_WINDOWS
)
# Below the 5 minutes an instant query looks back, or the series would flicker between two samples.
SLI_PERIOD: Final = _group(
    "agent-slo-sli-period", "4m", "The same over the periods budgets are kept for.", PERIOD_WINDOWS
)
