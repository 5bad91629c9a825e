"""`agentslo probe` passes on a sound service, and says what is wrong with others."""

import json
import socket
from pathlib import Path

from service_parts import QUICK_RUNS, agentslo, command, listening, to

from support.ports import LOOPBACK, free_port

ZERO_HOLD = {"zero_hold_s": 1}


def test_a_sound_service_passes_and_its_spans_arrive_as_they_were_sent(tmp_path: Path) -> None:
    there = f"{LOOPBACK}:{free_port()}"
    config = listening({"destinations": [to(there)], "metrics": ZERO_HOLD})
    with agentslo(tmp_path, config) as service:
        where = ("--endpoint", service.grpc, "--metrics", service.metrics)
        done = command("probe", *where, "--receive", there, "--timeout", "60", "--json")
        again = command("probe", *where, "--receive", there, "--timeout", "60")
    found = json.loads(done.stdout)
    assert (done.returncode, found["result"]) == (0, "pass"), found
    assert found["counted"] == {"completed": 1}
    assert (found["forwarded"], found["altered"]) == (found["spans"], 0)
    assert again.returncode == 0
    assert "pass: counted once, as completed" in again.stdout


def test_what_is_wrong_is_said_and_told_by_the_exit_code(tmp_path: Path) -> None:
    runs = {**QUICK_RUNS, "quiet_s": 1, "quiet_single_s": 1}
    with agentslo(tmp_path, listening({"metrics": ZERO_HOLD, "runs": runs})) as service:
        where = ("--endpoint", service.grpc, "--metrics", service.metrics)
        listens = f"{LOOPBACK}:{free_port()}"
        deaf = command("probe", *where, "--receive", listens, "--timeout", "6", "--json")
        alone = command("probe", *where, "--timeout", "60")
    with socket.create_server((LOOPBACK, 0)) as free:
        address = f"{LOOPBACK}:{free.getsockname()[1]}"
    nobody = command("probe", "--endpoint", address, "--metrics", f"http://{address}")
    assert (deaf.returncode, json.loads(deaf.stdout)["forwarded"]) == (3, 0)
    assert "forwarded here in full" in json.loads(deaf.stdout)["why"]
    assert alone.returncode == 0
    assert "not looked at" in alone.stdout
    assert (nobody.returncode, nobody.stderr.count("\n")) == (1, 1)


def test_a_service_that_changes_what_it_passes_on_fails(tmp_path: Path) -> None:
    there = f"{LOOPBACK}:{free_port()}"
    rules = [{"keys": ["gen_ai.tool.call.arguments"]}]
    config = listening({"destinations": [to(there, redact=rules)], "metrics": ZERO_HOLD})
    with agentslo(tmp_path, config) as service:
        where = ("--endpoint", service.grpc, "--metrics", service.metrics)
        done = command("probe", *where, "--receive", there, "--timeout", "60", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["altered"]) == (2, 1), found
    assert "other bytes" in found["why"]
