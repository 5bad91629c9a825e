"""The windows ratios are taken over, and the pairs of them that alert.

In: nothing. Out: tables. No state. Sources: SRE workbook, chapter 5 (pairs of a long and a short
window, shares of the budget); prometheus-grafana.md 2 and 3 (reachable thresholds, sparse agents).
"""

from dataclasses import dataclass

from agentslo.bundle.rule import Action

RAW_WINDOWS = ("5m", "15m", "30m", "1h", "2h")
"""Taken from the counters themselves."""
TILED_WINDOWS = ("6h",)
DAY_WINDOWS = ("1d", "3d")
PERIOD_WINDOWS = ("7d", "28d")
"""All but the raw windows are sums of recorded increments: 20 times cheaper, and right under uneven
traffic, which a mean of ratios is not. Periods take the last day from the increments of 5 m, what
lies before it from those of an hour."""
WINDOWS = (*RAW_WINDOWS, *TILED_WINDOWS, *DAY_WINDOWS, *PERIOD_WINDOWS)
CORRECTED = frozenset(WINDOWS) - {"5m", "15m", "30m"}
"""Windows long enough that a verdict of some minutes later falls into the same one."""

SHORT_PERIOD_SECONDS = 14 * 86_400
"""An objective whose window is at most this long has its budget over 7 days, else over 28."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One pair of windows that must both be hot.

    The threshold is min(factor * budget, budget + cap * (1 - budget)): a bare factor cannot be
    reached at objectives of 1 - 1/factor and below. The factor spends `budget_share` of the budget
    within the long window, and is at least `least_factor`; None: only the cap.
    """

    window: str
    action: Action
    hours: float
    short: str
    sparse_short: str
    """The short window of agents with fewer than `dense_runs` judged runs in the long one: between
    two runs a window of minutes is empty, and the alert would flap."""
    dense_runs: int
    budget_share: float | None
    least_factor: float = 1.0
    cap: float
    min_bad: float
    """Compared with the extrapolated `increase`, hence half a run lower than the count meant."""
    min_evidence_nats: float
    wait: str
    keep: str = ""

    @property
    def factor_per_day(self) -> float:
        """Burn rate per day of the budget's period."""
        return round((self.budget_share or 0.0) * 24 / self.hours, 6)


PAGE_NATS = 8.0
"""ln(1/p) for p = 3e-4: how unlikely the bad runs must be for an agent just within its budget."""
TICKET_NATS = 3.5
"""p = 0.03. Both are as low as false pages and tickets allow (benchmarks/alerting.py)."""

PAIRS = (
    Pair(
        window="15m",
        action="page",
        hours=0.25,
        short="5m",
        sparse_short="5m",
        dense_runs=0,
        budget_share=None,
        cap=0.4,
        min_bad=4.5,
        min_evidence_nats=PAGE_NATS,
        wait="2m",
        keep="5m",
    ),
    Pair(
        window="1h",
        action="page",
        hours=1,
        short="5m",
        sparse_short="30m",
        dense_runs=30,
        budget_share=0.02,
        least_factor=2,
        cap=0.5,
        min_bad=2.5,
        min_evidence_nats=PAGE_NATS,
        wait="2m",
        keep="5m",
    ),
    Pair(
        window="2h",
        action="page",
        hours=2,
        short="5m",
        sparse_short="1h",
        dense_runs=60,
        budget_share=0.03,
        least_factor=2,
        cap=0.5,
        min_bad=2.5,
        min_evidence_nats=PAGE_NATS,
        wait="2m",
        keep="5m",
    ),
    Pair(
        window="6h",
        action="page",
        hours=6,
        short="30m",
        sparse_short="2h",
        dense_runs=120,
        budget_share=0.05,
        least_factor=2,
        cap=0.5,
        min_bad=2.5,
        min_evidence_nats=PAGE_NATS,
        wait="5m",
        keep="10m",
    ),
    Pair(
        window="1d",
        action="ticket",
        hours=24,
        short="2h",
        sparse_short="6h",
        dense_runs=240,
        budget_share=0.1,
        cap=0.25,
        min_bad=2.5,
        min_evidence_nats=TICKET_NATS,
        wait="10m",
    ),
    Pair(
        window="3d",
        action="ticket",
        hours=72,
        short="6h",
        sparse_short="1d",
        dense_runs=240,
        budget_share=0.1,
        cap=0.0,
        min_bad=1.5,
        min_evidence_nats=TICKET_NATS,
        wait="30m",
    ),
)
"""Page within 10 minutes where about half of many runs fail, then for 2 % of the budget in an hour,
3 % in two and 5 % in six; ticket for 10 % in a day, and for any pace over three days that the
budget does not last. Two hours are for agents of some runs an hour: in one they have too few to be
sure, in six the good runs before hide the bad ones."""
