"""Baselines are kept whole or not at all, and gone on with after a restart."""

import json
from pathlib import Path

import pytest

from agentslo.cli.main import main
from agentslo.config.options import DriftOptions
from agentslo.watch.baseline import Baseline, BaselineError, from_json
from agentslo.watch.monitor import Monitor
from agentslo.watch.shelf import Shelf, read
from support.drifting import Traffic, alarms, feed

SMALL = DriftOptions(baseline_runs=900, baseline_days=0, slice_runs=150, false_alarm_days=0)


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    monitor = Monitor("desk", "production", SMALL)
    feed(monitor, Traffic().runs(900, seed=1))
    assert monitor.baseline is not None
    return monitor.baseline


def test_a_baseline_comes_back_from_json_with_the_same_digest(baseline: Baseline) -> None:
    assert from_json(baseline.to_json()).digest == baseline.digest


def test_no_word_of_a_request_is_in_it(baseline: Baseline) -> None:
    assert "novelty" in baseline.tally.names()
    assert "novelty" not in baseline.to_json()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "counts": 3}'])
def test_what_is_no_baseline_is_told(text: str) -> None:
    with pytest.raises(BaselineError):
        from_json(text)


def test_a_changed_count_is_noticed(tmp_path: Path, baseline: Baseline) -> None:
    path = Shelf(tmp_path).put(baseline)
    assert read(path).digest == baseline.digest
    path.write_text(path.read_text().replace('"runs": 900', '"runs": 901'))

    with pytest.raises(BaselineError, match="digest"):
        read(path)


def test_a_restarted_monitor_goes_on_with_it_and_learns_requests_anew(
    tmp_path: Path, baseline: Baseline
) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(baseline)
    kept = shelf.get("desk", "production")
    assert kept is not None
    monitor, traffic = Monitor("desk", "production", SMALL), Traffic()
    monitor.use(kept)

    assert not alarms(feed(monitor, traffic.runs(900, seed=5)))
    traffic.foreign, traffic.tool_latency_s = 0.6, 2.0
    found = {d.feature for d in alarms(feed(monitor, traffic.runs(300, seed=6)))}

    assert {"novelty", "tool_latency:search"} <= found


def test_another_agent_has_none(tmp_path: Path, baseline: Baseline) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(baseline)

    assert shelf.get("desk", "staging") is None


def test_the_command_shows_exports_imports_and_compares(
    tmp_path: Path, baseline: Baseline, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    Shelf(here).put(baseline)

    assert main(["baseline", "show", "--storage", str(here), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["baselines"][0]
    assert (shown["agent"], shown["runs"], shown["digest"]) == ("desk", 900, baseline.digest)
    assert main(["baseline", "export", "--storage", str(here), "--agent", "desk"]) == 0
    file = tmp_path / "desk.json"
    file.write_text(capsys.readouterr().out)
    assert main(["baseline", "import", "--storage", str(there), str(file)]) == 0
    assert main(["baseline", "compare", str(file), str(file)]) == 0
    capsys.readouterr()
    assert [b.digest for b in Shelf(there).all()] == [baseline.digest]


def test_the_command_says_when_there_is_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["baseline", "show", "--storage", str(tmp_path)]) == 3
    assert main(["baseline", "export", "--storage", str(tmp_path)]) == 3
    assert main(["baseline", "import", "--storage", str(tmp_path), str(tmp_path / "no")]) == 1
    assert "not a baseline" in capsys.readouterr().err
