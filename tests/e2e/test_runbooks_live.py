"""Every command of every runbook, typed while its agent is in the state the alert is about.

One service took runs of every kind that alerts are about, of an agent with a file and of one
without. A command is typed as it stands, names and ports filled in; `EFFECTS` says what it must do.
"""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from alert_parts import alertmanager_server, webhook
from runbook_parts import DECLARED, RUNS, STRAY, agents_folder, commands, request, runbooks
from service_parts import Service, agentslo, listening, send

from agentslo.cli.main import main
from support.wait import until

pytestmark = [pytest.mark.xdist_group("runbooks"), pytest.mark.timeout(300)]

STATE = {
    "AgentUnsafeAction": "unsafe_action",
    "AgentUnsafeActionUndeclared": "unsafe_action",
    "AgentDataCorruption": "data_corruption",
    "AgentDataCorruptionUndeclared": "data_corruption",
    "AgentDuplicateActions": "data_corruption",
    "AgentLoopRateHigh": "limit",
    "AgentEscalationRateHigh": "safe_escalation",
}
"""The runs an alert is about; of the others, those that failed."""
CONTAINED = {"AgentKillSwitchEngaged": "kill_switch", "AgentContainmentNotEffective": "kill_switch"}
CONTAINED["AgentContainmentExpiring"] = "to_humans"


class Answer(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


def ours(arguments: list[str]) -> Answer:
    """What `agentslo` does with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    return Answer(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Bench:
    """The service, where its files are, and an Alertmanager that knows the watchdog."""

    service: Service
    folder: Path
    alertmanager: str
    tools: Path

    def typed(self, line: str) -> Answer:
        """What a line does in the terminal of whoever is on call. Ours run in this process: a
        start of Python for each would take longer than all else.
        """
        line = line.replace("http://127.0.0.1:9464", self.service.metrics)
        line = line.replace("http://127.0.0.1:9465", self.service.page)
        line = line.replace("http://127.0.0.1:9093", self.alertmanager)
        if line.startswith("agentslo "):
            words = shlex.split(line)[1:]
            return ours([*words, "--live", self.service.page] if words[0] == "explain" else words)
        env = {**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", line], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def run_of(self, agent: str, outcome: str) -> str:
        """The id of a run of an agent that ended so and was not judged anew since."""
        found = (
            run
            for run in self.service.runs()
            if (run["agent"], run["outcome"]) == (agent, outcome) and "corrected_to" not in run
        )
        return str(next(found)["run_id"])

    def containments(self, agent: str) -> list[dict[str, object]]:
        """What is in force."""
        done = self.typed(f"agentslo contain status --json --agent {shlex.quote(agent)}")
        found: list[dict[str, object]] = json.loads(done.out)
        return found


@pytest.fixture(scope="module")
def bench(
    alertmanager: Path,
    amtool: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("runbooks")
    agents_folder(folder)
    config = {"storage": {"directory": str(folder / "data")}}
    with (
        webhook() as (hook_url, _),
        agentslo(folder, listening(config)) as service,
        alertmanager_server(alertmanager, folder, hook_url) as am,
    ):
        for name in ("till", "stray"):
            send(service.grpc, [request(name, outcome) for outcome in RUNS for _ in range(2)])
        until(lambda: len(service.runs()) == 4 * len(RUNS), what="every run")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("AGENTSLO_CONFIG", "agentslo.yaml")
            yield Bench(service, folder, am, amtool.parent)


@dataclass(frozen=True)
class State:
    """What a runbook's names stand for in one state."""

    bench: Bench
    agent: str
    run: str
    containment: str = ""

    def filled(self, line: str) -> str:
        """A line with its names filled in."""
        names = {"AGENT": self.agent, "ENVIRONMENT": "prod", "SLO": "success", "TOOL": "book"}
        names |= {"RUN": self.run, "CONTAINMENT": self.containment}
        return re.sub(
            r"\b(AGENT|ENVIRONMENT|SLO|TOOL|RUN|CONTAINMENT)\b", lambda m: names[m[1]], line
        )


Effect = Callable[[State, str], bool]


def _in_force(state: State, action: str) -> bool:
    return action in {str(one["action"]) for one in state.bench.containments(state.agent)}


def _silenced(state: State, said: str) -> bool:
    line = "amtool silence query -q --alertmanager.url=http://127.0.0.1:9093"
    return said.strip() in state.bench.typed(line).out


EFFECTS: dict[str, Effect] = {
    r"agentslo runs list": lambda state, said: state.run.split(":")[0] in said,
    r"agentslo runs show": lambda state, said: state.run in said,
    r"agentslo runs export": lambda state, said: state.run in said,
    r"agentslo explain": lambda state, said: state.run.split(":")[0] in said,
    r"agentslo contain do .*--action kill_switch": lambda s, _: _in_force(s, "kill_switch"),
    r"agentslo contain do .*--action to_humans": lambda s, _: _in_force(s, "to_humans"),
    r"agentslo contain do .*--action disable_tool": lambda s, _: _in_force(s, "disable_tool"),
    r"agentslo contain status": lambda state, said: state.agent in said,
    r"agentslo contain extend": lambda state, _: _in_force(state, "to_humans"),
    r"agentslo contain undo": lambda state, _: (
        not [
            one
            for one in state.bench.containments(state.agent)
            if str(one["id"]) == state.containment
        ]
    ),
    r"agentslo incident list": lambda state, said: state.agent in said,
    r"agentslo doctor --live": lambda state, said: state.agent in said,
    r"agentslo init --live": lambda state, _: any(
        "stray" in path.name for path in (state.bench.folder / "agents-seen").iterdir()
    ),
    r"agentslo check": lambda _, said: "cashier" in said or "no problem" in said,
    r"curl .*/healthz": lambda _, said: said == "ok\n",
    r"curl .*/readyz": lambda _, said: json.loads(said)["ready"] is True,
    r"curl .*/api/v1/status": lambda state, said: state.agent in said,
    r"curl .*/-/reload": lambda _, said: json.loads(said)["status"] == "ok",
    r"curl .*/v1/feedback": lambda _, said: json.loads(said)["status"] == "ok",
    r"amtool alert query": lambda _, said: "AgentSLOWatchdog" in said,
    r"amtool config routes test": lambda _, said: said.strip() == "agent-slo-deadman",
    r"amtool silence add": _silenced,
    r"export AGENTSLO_CONFIG=": lambda state, _: (state.bench.folder / "agentslo.yaml").exists(),
}


def effect(line: str) -> Effect:
    """What a line must do."""
    return next(found for pattern, found in EFFECTS.items() if re.match(pattern, line))


def entered(bench: Bench, runbook: str) -> State:
    """The state of a runbook's alert, put there where runs alone do not."""
    agent = STRAY if runbook.endswith("Undeclared") else DECLARED
    state = State(bench, agent, bench.run_of(agent, STATE.get(runbook, "tool_failure")))
    shutil.rmtree(bench.folder / "agents-seen", ignore_errors=True)
    action = CONTAINED.get(runbook)
    if action:
        _contain(state, action)
    if runbook == "AgentContainmentExpiring":
        line = f"agentslo incident open --agent {agent} --environment prod 'lookup fails'"
        assert bench.typed(line).code == 0
    if runbook == "AgentSLOWatchdog":
        add = "amtool alert add alertname=AgentSLOWatchdog product=agent-slo slo_action=watch"
        assert bench.typed(f"{add} --alertmanager.url=http://127.0.0.1:9093").code == 0
        until(lambda: "Watchdog" in bench.typed(commands(runbook)[0]).out, what="the watchdog")
    return state


def _contain(state: State, action: str) -> None:
    line = f"agentslo contain do --agent '{state.agent}' --environment prod --action {action}"
    done = state.bench.typed(f"{line} --reason test")
    assert done.code == 0, done.err


def tried(state: State, line: str) -> str:
    """Type a line; what is wrong with what it did, empty where nothing is."""
    if "CONTAINMENT" in line:
        state = State(state.bench, state.agent, state.run, _newest(state))
    line = state.filled(line)
    done = state.bench.typed(line)
    if done.code:
        return f"{line}: exit code {done.code}: {done.err}{done.out}"
    return "" if effect(line)(state, done.out) else f"{line}: {done.out}{done.err}"


def _newest(state: State) -> str:
    found = state.bench.containments(state.agent)
    if not found:  # after containing some other way than the runbook's commands
        _contain(state, "to_humans")
        found = state.bench.containments(state.agent)
    return str(max(int(str(one["id"])) for one in found))


@pytest.mark.parametrize("runbook", runbooks())
def test_every_command_does_what_the_runbook_says(bench: Bench, runbook: str) -> None:
    state = entered(bench, runbook)
    wrong = [problem for line in commands(runbook) if (problem := tried(state, line))]
    for one in bench.containments(state.agent):
        bench.typed(f"agentslo contain undo {one['id']} --reason test")
    assert wrong == []
