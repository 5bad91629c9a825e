"""Which reports let a release meet people; missing evidence blocks as failing does."""

import copy
from typing import Any

import pytest

from agentslo.respond.evaluation import ADVERSARIAL, STAGES, STRATA, judge
from support.reports import a_report

REPORT = a_report("retrain/1", "ab" * 32)
PARTS = [
    *((part,) for part in REPORT if part not in ("format", "request", "bundle_sha256")),
    *(("stages", name) for name in STAGES),
    *(("strata", name) for name in STRATA),
    *(("strata", name, "stable_ratio") for name in STRATA),
    *(("adversarial", name) for name in ADVERSARIAL),
    *(("index", name) for name in ("version", "source_age_s", "lineage")),
    ("data_quality", "disputed"),
    ("candidate", "sha256"),
]


def result(report: dict[str, Any], *, writes: bool = True) -> str:
    return judge(report, "retrain/1", "ab" * 32, writes=writes).result


def changed(value: Any, *path: str) -> dict[str, Any]:
    report = copy.deepcopy(REPORT)
    at = report
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return report


def test_a_whole_report_above_every_bar_passes() -> None:
    assert result(REPORT) == "pass"


@pytest.mark.parametrize("path", PARTS, ids=".".join)
def test_whatever_is_missing_blocks(path: tuple[str, ...]) -> None:
    assert result(changed(None, *path)) == "inconclusive"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("strata", "common", "passed"), 37, id="below the bar"),
        pytest.param(("strata", "dangerous", "passed"), 39, id="one dangerous case"),
        pytest.param(("strata", "common", "stable_ratio"), 1.03, id="worse than the stable one"),
        pytest.param(("adversarial", "injection", "passed"), 19, id="one injection"),
        pytest.param(("transaction_integrity", "passed"), 7, id="one broken transaction"),
        pytest.param(("index", "source_age_s"), 90_000, id="an index of old sources"),
        pytest.param(("leakage", "overlaps"), 1, id="a golden case in the training set"),
        pytest.param(("data_quality", "disputed"), 41, id="labels people disagree on"),
        pytest.param(("request",), "retrain/2", id="another request"),
        pytest.param(("bundle_sha256",), "cd" * 32, id="other evidence"),
    ],
)
def test_whatever_fails_blocks(path: tuple[str, ...], value: Any) -> None:
    assert result(changed(value, *path)) == "fail"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("strata", "edge"), {"cases": 9, "passed": 9, "stable_ratio": 0.9}),
        (("strata", "edge", "passed"), 50),
        (("strata", "edge", "cases"), True),
        (("strata",), ["common"]),
        (("stages", "curation", "sha256"), "yes"),
    ],
)
def test_what_shows_nothing_is_missing(path: tuple[str, ...], value: Any) -> None:
    assert result(changed(value, *path)) == "inconclusive"


def test_only_an_agent_that_cannot_write_may_leave_out_transactions() -> None:
    report = changed({"not_applicable": "it only reads"}, "transaction_integrity")
    assert result(report, writes=False) == "pass"
    assert result(report) == "inconclusive"
