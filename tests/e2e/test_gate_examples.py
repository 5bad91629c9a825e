"""The examples of gates: the Action's script is run, the others have the shape their tools take."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.gate_examples import FOLDER, argo_verdict, documents, filled, flagger_ranges
from support.ledgers import a_run, ledger_of

MINUTE_NS = 60 * 1_000_000_000


def action() -> Any:
    return yaml.safe_load((FOLDER / "github-action.yml").read_text())["jobs"]


@pytest.mark.parametrize(
    ("good", "bad", "change", "code", "result"),
    [
        (100, 0, "feature", 0, "result=pass\n"),
        (60, 40, "feature", 2, ""),
        (60, 40, "reliability", 0, "result=pass\n"),
        (5, 0, "feature", 0, "result=inconclusive\n"),
    ],
)
def test_the_action_s_step_runs_and_tells_the_next_jobs(
    tmp_path: Path, good: int, bad: int, change: str, code: int, result: str
) -> None:
    now_ns = time.time_ns()
    results = ["good"] * good + ["bad"] * bad
    runs = [a_run(n, now_ns - n * MINUTE_NS, r, slo="completion") for n, r in enumerate(results)]
    for run in runs:
        run.body["run"]["slos"] |= {"latency": "good", "safety": "good"}
    (tmp_path / "storage").mkdir()
    with ledger_of(tmp_path / "storage", runs):
        pass
    (step,) = (s for s in action()["gate"]["steps"] if s.get("id") == "gate")
    files = {"GITHUB_OUTPUT": tmp_path / "output", "GITHUB_STEP_SUMMARY": tmp_path / "summary"}
    files["GITHUB_OUTPUT"].touch()
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AGENT": "shop",
            "CHANGE": change,
            "GITHUB_SHA": "0f3c",
            "SOURCE": f"--storage {tmp_path / 'storage'}",
            **{name: str(path) for name, path in files.items()},
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert files["GITHUB_OUTPUT"].read_text() == result
    assert "of shop in production" in files["GITHUB_STEP_SUMMARY"].read_text()


def test_the_action_deploys_by_itself_only_what_passed() -> None:
    jobs = action()
    assert jobs["deploy"]["if"] == "needs.gate.outputs.result == 'pass'"
    assert jobs["deploy-by-hand"]["if"] == "needs.gate.outputs.result == 'inconclusive'"
    for name in ("deploy", "deploy-by-hand"):
        assert jobs[name]["needs"] == "gate"
    assert jobs["deploy-by-hand"]["environment"] != jobs["deploy"]["environment"]


def test_the_analysis_of_argo_has_both_conditions_and_never_an_empty_answer() -> None:
    (template,) = documents("argo-rollouts.yaml")
    assert template["apiVersion"] == "argoproj.io/v1alpha1"
    assert template["kind"] == "ClusterAnalysisTemplate"
    given = {argument["name"] for argument in template["spec"]["args"]}
    for metric in template["spec"]["metrics"]:
        assert {"name", "interval", "count", "successCondition", "failureCondition"} < set(metric)
        assert metric["failureLimit"] == metric["inconclusiveLimit"] == 0
        query = metric["provider"]["prometheus"]["query"]
        assert query.rstrip().splitlines()[-1].startswith("or vector(")
        assert {"agent", "environment", "prometheus"} == given
        assert "{{" not in filled(query, "shop")


def test_the_templates_of_flagger_give_one_number_and_have_a_range_each() -> None:
    templates = documents("flagger.yaml")
    assert {t["kind"] for t in templates} == {"MetricTemplate"}
    assert {t["apiVersion"] for t in templates} == {"flagger.app/v1beta1"}
    assert {t["metadata"]["name"] for t in templates} == set(flagger_ranges())
    for template in templates:
        assert template["spec"]["provider"]["type"] == "prometheus"
        query = template["spec"]["query"]
        assert query.rstrip().splitlines()[-1].startswith("or vector(")
        assert "{{" not in filled(query, "shop")


@pytest.mark.parametrize(
    ("verdict", "argo", "flagger"),
    [(-1.0, "fail", False), (0.0, "inconclusive", True), (1.0, "pass", True)],
)
def test_a_release_that_is_worse_stops_and_one_not_known_yet_waits(
    verdict: float, argo: str, *, flagger: bool
) -> None:
    (template,) = documents("argo-rollouts.yaml")
    metric = next(m for m in template["spec"]["metrics"] if m["name"] == "release")
    least, most = flagger_ranges()["agent-slo-release"]

    assert argo_verdict(metric, verdict) == argo
    assert (least <= verdict <= most) is flagger
