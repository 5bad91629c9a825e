"""How often a comparison is wrong, looked at after every slice, and how soon it is right."""

import pytest

from agentslo.respond.canary import ALPHA, Slice, Verdict, compare
from support.canary_rates import false_rollbacks, rates


def rate(stable: float, canary: float, runs: tuple[int, int], verdict: Verdict) -> float:
    """Share of 150 trials that reach a verdict."""
    return rates(stable, canary, *runs, trials=150, seed=11)[verdict]


@pytest.mark.parametrize(("both", "runs"), [(0.1, (10, 10)), (0.02, (10, 10)), (0.1, (18, 2))])
def test_identical_releases_are_rolled_back_in_2_percent_at_most(
    both: float, runs: tuple[int, int]
) -> None:
    # 2 % of 150 trials is 3; 6 or more would come by chance in 3 % of such tests at the bound.
    assert rate(both, both, runs, "worse") <= ALPHA + 0.02


def test_a_canary_that_is_worse_by_the_margin_is_hardly_ever_promoted() -> None:
    assert rate(0.10, 0.15, (10, 10), "not_worse") <= ALPHA + 0.02


def test_twice_as_many_failures_are_found_and_fewer_are_promoted() -> None:
    assert rate(0.10, 0.20, (10, 10), "worse") >= 0.9
    assert rate(0.10, 0.04, (10, 10), "not_worse") >= 0.9


def test_too_little_is_undecided_and_a_slice_of_one_alone_says_nothing() -> None:
    assert compare([]).verdict == "undecided"
    alone = compare([Slice(stable=(False,) * 500, canary=()), Slice(stable=(), canary=(True,) * 9)])
    assert (alone.verdict, alone.log_e_worse, alone.canary_bad) == ("undecided", 0.0, 9)


def test_all_indicators_and_task_types_together_keep_the_bound() -> None:
    # By chance 3 or more of 15 at 2 % come once in 320 tests.
    assert false_rollbacks(15, seed=3) <= 2 / 15
