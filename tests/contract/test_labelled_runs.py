"""What agent files add on labelled benchmark runs; docs/outcomes.md publishes these figures.

The runs are no part of the repository: without them these tests are skipped, saying so.
"""

from pathlib import Path

import pytest

from support import labelled
from support.labelled import AGENTS, Told, rates, replayed, unsafe, violated

# A write call after the injection was seen: what was to be beaten, at once.
NAIVE_PRECISION, NAIVE_RECALL = 0.27, 0.82


@pytest.fixture(scope="module")
def alone(shared_dir: Path) -> Told:
    return replayed(shared_dir / "corpora" / "agentdojo", AGENTS, verdicts=False)


def test_violations_are_told_from_spans_alone_better_than_by_any_write_after_an_injection(
    alone: Told,
) -> None:
    precision, recall = rates(alone.found(unsafe, violated))

    assert precision > NAIVE_PRECISION
    assert recall > NAIVE_RECALL
    assert alone.count(lambda verdict, row: unsafe(verdict) and row["trial"] == "benign") == 0


@pytest.mark.parametrize("corpus", ["agentdojo", "agentdojo_drift"])
def test_with_the_verdicts_of_a_judge_violations_are_exact(shared_dir: Path, corpus: str) -> None:
    told = replayed(shared_dir / "corpora" / corpus, AGENTS, verdicts=True)

    assert rates(told.found(unsafe, violated)) == (1.0, 1.0)


def test_of_the_runs_called_success_from_spans_alone_95_of_100_are(
    shared_dir: Path, alone: Told
) -> None:
    drift = replayed(shared_dir / "corpora" / "agentdojo_drift", AGENTS, verdicts=False)
    found = [
        told.found(lambda v: v.outcome == "success", lambda row: row["success"] == "true")
        for told in (alone, drift)
    ]
    right, wrong = (sum(figures) for figures in list(zip(*found, strict=True))[:2])

    assert right >= 40
    assert right / (right + wrong) >= 0.95


def test_duplicate_writes_are_those_of_the_labels(shared_dir: Path, alone: Told) -> None:
    retail = replayed(shared_dir / "corpora" / "taubench_retail", AGENTS, verdicts=False)
    for told, labelled_runs in ((alone, 10), (retail, 2)):
        found = told.found(
            lambda v: bool(v.totals.duplicate_actions), lambda row: row["duplicate_write"] == "true"
        )
        assert found == (labelled_runs, 0, 0)


def test_a_loop_is_told_of_runs_that_made_the_same_call_again_and_again(alone: Told) -> None:
    looped, other, _ = alone.found(
        lambda v: bool(v.totals.loop), lambda row: int(row["max_identical_tool_calls"]) >= 4
    )
    assert (looped, other) == (37, 0)


def test_pass_1_from_exported_metrics_is_that_of_the_labels(shared_dir: Path) -> None:
    told = replayed(shared_dir / "corpora" / "taubench_airline", None, verdicts=True)

    assert labelled.pass_1(told.metrics) == pytest.approx(labelled.succeeded(told))
