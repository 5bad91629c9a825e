"""Recorded runs of real frameworks get the outcomes, runs and tokens a person would accept.

The recordings in the package are always checked; the larger set beside the project where there is
one, by its own scoring scripts.
"""

import csv
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from agentslo.demo.hello import CAPTURES
from scenarios.runner import Line, replay

GENAI_FORM = "__(native|native-legacy|otel-genai|otel-v2)$"
FINE = {"success", "completed"}
# The start of a recording's expected outcome, in a person's words -> the outcomes that say so.
ACCEPTED: dict[str, set[str]] = {
    "success": FINE,
    "escalated to a human": {"safe_escalation"},
    "failed: the tool failed": {"tool_failure"},
    "failed: looped": {"limit"},
    "failed: model API error": {"error"},
    "waiting for a human approval": {"waiting"},
    "blocked": {"blocked"},
    "cancelled": {"cancelled"},
    "refused": {"refused"},
}  # Two runs below one agent-like span are one run: the spans tell no more.
ONE_RUN_IN_SPANS = {"openai-agents__otel-genai/m_two_runs_one_trace"}


def _recordings() -> list[dict[str, str]]:
    with (CAPTURES / "manifest.csv").open(encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


def _accepted(expected: str) -> set[str]:
    (found,) = [outcomes for start, outcomes in ACCEPTED.items() if expected.startswith(start)]
    return found


@pytest.fixture(scope="module")
def runs() -> dict[str, list[Line]]:
    """The runs of every shipped recording, by the file's place in the manifest."""
    found = defaultdict(list)
    for line in replay("--each-file", "--format", "jsonl", str(CAPTURES / "data")):
        if line["type"] == "run":
            found[str(Path(line["source"]).relative_to(CAPTURES))].append(line)
    return found


RECORDINGS = [pytest.param(row, id=f"{row['capture']}/{row['scenario']}") for row in _recordings()]


def test_every_shipped_recording_is_in_the_manifest() -> None:
    files = {str(p.relative_to(CAPTURES)) for p in (CAPTURES / "data").rglob("*.gz")}
    assert files == {row["file"] for row in _recordings()}


@pytest.mark.parametrize("row", RECORDINGS)
def test_a_recording_has_the_runs_that_were_made(
    row: dict[str, str], runs: dict[str, list[Line]]
) -> None:
    made = int(row["expected_agent_runs"])
    wrapped = f"{row['capture']}/{row['scenario']}" in ONE_RUN_IN_SPANS
    assert len(runs[row["file"]]) == (1 if wrapped else made)


@pytest.mark.parametrize("row", RECORDINGS)
def test_a_recording_has_an_outcome_a_person_accepts(
    row: dict[str, str], runs: dict[str, list[Line]]
) -> None:
    outcomes = {line["outcome"] for line in runs[row["file"]]}
    assert outcomes <= _accepted(row["expected_outcome"])


@pytest.mark.parametrize("row", RECORDINGS)
def test_a_recording_has_the_tokens_the_model_was_asked_for(
    row: dict[str, str], runs: dict[str, list[Line]]
) -> None:
    found = runs[row["file"]]
    told = [line["tokens_in"] for line in found if line["tokens_in"] is not None]
    written = sum(line["tokens_out"] or 0 for line in found)
    assert sum(told) == int(row["tokens_in"])
    # Some senders count the thoughts into the output, some beside it.
    assert written - int(row["tokens_out"]) in (0, int(row["tokens_reasoning"]))
    assert 0 not in told


@pytest.mark.parametrize("row", RECORDINGS)
def test_a_recording_has_the_model_calls_that_were_made(
    row: dict[str, str], runs: dict[str, list[Line]]
) -> None:
    calls = [line["llm_calls"] or 0 for line in runs[row["file"]]]
    assert sum(calls) == int(row["expected_model_calls"])


def _score(script: Path, *options: str) -> str:
    command = Path(sys.executable).parent / "agentslo"
    result = subprocess.run(
        [sys.executable, script, "--agentslo", command, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3_000:] + result.stderr[-1_000:]
    return result.stdout


def test_the_larger_set_of_recordings_in_genai_form_is_read_right(shared_dir: Path) -> None:
    least = ("--min-outcome", "0.95", "--min-runs", "1.0", "--min-tokens", "1.0")
    shown = _score(shared_dir / "score" / "captures.py", "--only", GENAI_FORM, *least)
    assert re.search(r"^files [1-9]", shown, re.MULTILINE)


def test_the_larger_set_of_recordings_in_every_form_is_read_right(shared_dir: Path) -> None:
    least = ("--min-outcome", "0.97", "--min-runs", "1.0", "--min-tokens", "1.0")
    _score(shared_dir / "score" / "captures.py", *least)


def test_labelled_benchmark_runs_get_the_outcome_of_their_label(shared_dir: Path) -> None:
    least = ("--min-counts", "1.0", "--min-agreement", "0.995")
    shown = _score(shared_dir / "score" / "corpora.py", *least)
    assert "honest True" in shown


def test_replaying_everything_recorded_never_raises(shared_dir: Path) -> None:
    # One stream of all captures: runs of many frameworks interleave, and traces are shared.
    lines = replay("--format", "jsonl", str(shared_dir / "captures" / "data"))
    assert lines[-1]["type"] == "summary"
    assert lines[-1]["warnings"] == []
    assert lines[-1]["runs"] == sum(line["type"] == "run" for line in lines) > 400
