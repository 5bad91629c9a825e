"""A dispatch that is killed in the middle is sent again, once more, and decided once."""

import json
import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentslo.cli.main import main
from support.ledgers import a_run, ledger_of
from support.people import service_file, token_of
from support.receiver import receiving

HOUR_NS = 3600 * 1_000_000_000
SECRET = "a secret of the pipeline"


def test_a_dispatch_killed_before_its_answer_is_delivered_again_with_the_same_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(service_file(tmp_path, {"bob": ["engineering"]}))
    runs = [a_run(n, time.time_ns() - n * HOUR_NS, "bad") for n in range(1, 9)]
    with ledger_of(tmp_path / "storage", runs):
        pass
    monkeypatch.setenv("AGENTSLO_TOKEN", token_of("bob"))
    monkeypatch.setenv("AGENTSLO_WEBHOOK_SECRET", SECRET)
    asks = ("--agent", "shop", "--trigger", "slo", "--source", "AgentSLOErrorBudgetBurn")
    assert main(["retrain", "propose", "--config", config, *asks]) == 0
    assert main(["retrain", "approve", "--config", config, "1"]) == 0
    with receiving() as receiver:
        words = ["retrain", "dispatch", "1", "--config", config, "--to", receiver.url]
        command = [sys.executable, "-m", "agentslo.cli.main", *words]
        started: queue.Queue[subprocess.Popen[bytes]] = queue.Queue()
        receiver.before_answer = lambda: started.get(timeout=60).kill()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ))
        started.put(process)
        assert process.wait(60) == -signal.SIGKILL
        receiver.before_answer = lambda: None
        capsys.readouterr()
        assert main(["retrain", "show", "1", "--config", config, "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["state"], shown["undelivered"]) == ("dispatched", [receiver.url])
        assert main(words) == 4, "it was decided, and is not decided again"
        assert main(["retrain", "deliver", "1", "--config", config]) == 0
        first, second = receiver.requests
        assert first.body == second.body
    assert main(["audit", "verify", "--config", config]) == 0
