"""The error-budget policy over histories: down at once, up slowly, never on missing data."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentslo.respond.budget import BELOW, GAP_NS, REGAINED_NS, Counts, left_ratio, standing

HOUR_NS = 3600 * 1_000_000_000
DAY_NS = 24 * HOUR_NS
OBJECTIVE = 0.9


def counts(time_ns: int, bad: float, unknown: float = 0) -> Counts:
    """1,000 judged runs: the budget is 100 bad ones."""
    return Counts(time_ns=time_ns, good=1000 - bad, bad=bad, unknown=unknown)


def every_6_h(*days: tuple[int, float]) -> list[Counts]:
    """A history of (days, bad runs in the period) one after the other."""
    found: list[Counts] = []
    for length, bad in days:
        found += [counts((len(found) + i) * 6 * HOUR_NS, bad) for i in range(length * 4)]
    return found


def state(history: Sequence[Counts]) -> str:
    found = standing(history, OBJECTIVE, 20)
    assert found is not None
    return found.state


@pytest.mark.parametrize(
    ("bad", "expected"),
    [(0, "normal"), (74, "normal"), (76, "caution"), (99, "caution"), (101, "frozen")],
)
def test_the_state_follows_what_is_left(bad: int, expected: str) -> None:
    assert state([counts(0, bad)]) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([(1, 101), (6, 50)], "frozen", id="six days are not seven"),
        pytest.param([(1, 101), (8, 50)], "normal", id="well above both for seven days"),
        pytest.param([(1, 101), (8, 80)], "caution", id="thawed, still little left"),
        pytest.param([(1, 101), (20, 95)], "frozen", id="5 % is not 10 % regained"),
        pytest.param([(1, 101), (5, 50), (1, 95), (5, 50)], "frozen", id="a relapse starts anew"),
        pytest.param([(1, 80), (20, 70)], "caution", id="30 % left does not end caution"),
        pytest.param([(1, 80), (8, 60)], "normal", id="40 % for seven days ends caution"),
        pytest.param([(1, 101), (6, 50), (8, 70)], "caution", id="one step after the other"),
    ],
)
def test_a_state_ends_only_after_seven_days_ten_points_above_it(
    days: list[tuple[int, float]], expected: str
) -> None:
    assert state(every_6_h(*days)) == expected


def test_a_gap_in_the_history_is_no_recovery() -> None:
    frozen = counts(0, 101)
    apart = [counts(DAY_NS * day, 0) for day in (1, 5, 9)]
    assert state([frozen, *apart]) == "frozen"


def test_few_runs_change_no_state() -> None:
    assert state([Counts(time_ns=0, good=9, bad=10, unknown=0)]) == "normal"


def test_runs_nobody_judged_spend_nothing_and_regain_nothing() -> None:
    unjudged = counts(0, 50, unknown=1000)
    found = standing([unjudged], OBJECTIVE, 20)
    assert found is not None and found.state == "normal"
    assert found.left_ratio < 0, "what is left is said as if unknown were bad"
    blind = [counts(t.time_ns, 0, unknown=1000) for t in every_6_h((9, 0))]
    assert state([counts(-1, 101), *blind]) == "frozen"


def test_bad_runs_alone_can_spend_the_budget_however_few_were_judged() -> None:
    assert state([counts(0, 300, unknown=1000)]) == "frozen"


def test_a_day_that_spent_a_fifth_of_the_budget_is_told() -> None:
    found = standing(every_6_h((5, 10), (5, 40)), OBJECTIVE, 20)
    assert found is not None and found.worst_day_ratio == pytest.approx(0.3)
    slow = standing(every_6_h(*[(1, float(bad)) for bad in range(10, 60, 5)]), OBJECTIVE, 20)
    assert slow is not None and slow.worst_day_ratio < 0.2


histories = st.lists(
    st.tuples(
        st.integers(1, 40).map(lambda hours: hours * HOUR_NS),
        st.floats(0, 300),
        st.floats(0, 2000),
    ),
    min_size=1,
    max_size=60,
)


def made(steps: list[tuple[int, float, float]]) -> list[Counts]:
    found, time_ns = [], 0
    for step_ns, bad, unknown in steps:
        time_ns += step_ns
        found.append(counts(time_ns, bad, unknown))
    return found


@given(histories)
def test_a_spent_budget_is_always_frozen(steps: list[tuple[int, float, float]]) -> None:
    history = made(steps)
    now = history[-1]
    found = standing(history, OBJECTIVE, 20)
    assert found is not None
    if now.coverage_ratio >= 0.9 and left_ratio(now, OBJECTIVE) <= 0:
        assert found.state == "frozen"


@given(histories)
def test_whoever_left_frozen_had_seven_good_days_without_a_gap(
    steps: list[tuple[int, float, float]],
) -> None:
    history = made(steps)
    for end in range(1, len(history)):
        before, after = state(history[:end]), state(history[: end + 1])
        if before == "frozen" and after != "frozen":
            until = history[end].time_ns
            week = [c for c in history[: end + 1] if c.time_ns >= until - REGAINED_NS]
            assert all(left_ratio(c, OBJECTIVE) >= BELOW["frozen"] + 0.1 for c in week)
            assert all(c.coverage_ratio >= 0.9 for c in week)
            times = [c.time_ns for c in history[: end + 1]]
            gaps = [b - a for a, b in itertools.pairwise(times) if b > week[0].time_ns]
            assert max(gaps) <= GAP_NS
