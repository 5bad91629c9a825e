"""Learning anew is a decision: recorded with its reason, followed by the watch, and once."""

from pathlib import Path

import pytest

from agentslo.cli.main import main
from agentslo.config.options import DriftOptions
from agentslo.respond.rebaseline import RELEARN, asked
from agentslo.store.decisions import open_decisions
from agentslo.watch.shelf import Shelf
from agentslo.watch.watch import Watch
from support.drifting import START_NS, Traffic, feed
from support.people import service_file, token_of

SMALL = DriftOptions(baseline_runs=900, baseline_days=0, slice_runs=150, false_alarm_days=0)
AT = ("desk", "production")


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    service_file(tmp_path, {"ada": ("engineering",)})
    return tmp_path / "storage"


@pytest.fixture
def watch(storage: Path) -> Watch:
    shelf = Shelf(storage)
    found = Watch(SMALL, shelf)
    monitor = found.monitors[AT] = found._new(AT, heavy=False)
    feed(monitor, Traffic().runs(900, seed=1))
    assert monitor.baseline is not None
    shelf.put(monitor.baseline)
    return found


def test_the_decision_says_why_and_which_baseline_was_given_up(
    storage: Path,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = [
        "--config",
        str(storage.parent / "agentslo.yaml"),
        "--agent",
        AT[0],
        "--environment",
        AT[1],
    ]
    asking = ["baseline", "relearn", *told, "--reason", "a new market is served"]
    assert main(asking) == 4  # a person known by a token decides
    monkeypatch.setenv("AGENTSLO_TOKEN", token_of("ada"))
    capsys.readouterr()
    assert main(asking) == 0
    assert "learns its baseline anew" in capsys.readouterr().out

    decisions = open_decisions(storage)
    (row,) = decisions.rows(kind=RELEARN)
    since = asked([row])
    decisions.close()
    old = watch.monitors[AT].baseline
    assert old is not None
    assert (row.body["reason"], row.body["digest"]) == ("a new market is served", old.digest)
    assert since == {AT: row.time_ns}


def test_the_watch_learns_anew_once_and_the_old_baseline_does_not_come_back(
    storage: Path, watch: Watch
) -> None:
    since_ns = START_NS + 90 * 86_400 * 10**9

    assert watch.relearn(*AT, since_ns)
    assert watch.monitors[AT].baseline is None
    assert not watch.relearn(*AT, since_ns)
    feed(watch.monitors[AT], Traffic(now_ns=since_ns).runs(900, seed=2))
    assert watch.monitors[AT].baseline is not None
    assert not watch.relearn(*AT, since_ns)
    assert Shelf(storage).get(*AT) is None
    assert not watch.relearn("another", "production", since_ns)
