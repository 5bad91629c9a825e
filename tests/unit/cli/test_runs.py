"""`agentslo runs`: looking back at counted runs, without anything a person wrote."""

import json
import re
from pathlib import Path

import pytest

from agentslo.cli.main import main
from agentslo.config.agents import load_agents
from agentslo.config.service_file import ServiceConfig
from agentslo.service.assembly import pipeline
from agentslo.service.enrich import run_attributes
from agentslo.service.events import Counted
from agentslo.service.ledger_rows import row
from agentslo.store.ledger import LEDGER_FILE, Ledger
from scenarios import tree

SECRET = "hunter2"
SAID = f"my password is {SECRET}, mail eve@{SECRET}.example, card 4111111111111111"
AGENT = """
agent: helpdesk
match: {agents: [helpdesk_agent]}
task: {unit: one request}
tools:
  lookup: {}
  reset:
    effect: write
    permission: autonomous
    idempotency_arguments: [user]
    untrusted_arguments: [user]
expect:
  - {name: reset_done, tool_result: {tool: reset, field: note}, matches: done}
policies:
  nothing_leaks: {attribute: app.answer, matches: "^never"}
citation_pattern: 'KB-\\d+'
slos:
  - {name: resolved, dimension: success, objective: 0.95}
"""
FIVE_USUAL = 5


def a_run(number: int, *tools: str) -> dict:
    """A run whose every text holds the secret."""
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": SAID}]}])
    called = [
        {
            "tool": tool,
            "id": f"{number} {place}",
            "at": [number + place, number + place + 0.5],
            "args": json.dumps({"user": SAID, "id": place}),
            "result": json.dumps({"note": f"done for {SAID}, see KB-{number}", "user": SAID}),
            "message": SAID,
            "events": [
                {
                    "name": "exception",
                    "attributes": {"exception.message": SAID, "exception.stacktrace": SAID},
                }
            ],
        }
        for place, tool in enumerate(tools, start=1)
    ]
    return {
        "agent": "helpdesk_agent",
        "id": f"root {number}",
        "trace": f"t {number}",
        "at": [number, number + 9],
        "conversation": SAID,
        "message": SAID,
        "attributes": {
            "app.answer": SAID,
            "gen_ai.input.messages": messages,
            "gen_ai.output.messages": messages,
            "agent_slo.declared.confidence": 0.7,
        },
        "below": [
            *called,
            {"chat": "m", "at": [number + 7, number + 8], "finish": "stop", "message": SAID},
        ],
    }


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Five runs that look up and reset, one that resets twice without looking up."""
    (tmp_path / "helpdesk.yaml").write_text(AGENT)
    agents, problems = load_agents([tmp_path / "helpdesk.yaml"], {})
    assert not [problem for problem in problems if problem.is_error]
    runs = [a_run(number, "lookup", "reset") for number in range(FIVE_USUAL)]
    runs.append(a_run(FIVE_USUAL, "reset", "lookup"))
    line = pipeline(ServiceConfig(agents=agents))
    happenings = line.traces(tree.request(tree.spans(runs)), tree.at_ns(20)).happenings
    happenings += line.due(tree.at_ns(100))
    counted = [h for h in happenings if isinstance(h, Counted)]
    assert len(counted) == FIVE_USUAL + 1
    with Ledger(tmp_path / LEDGER_FILE) as opened:
        found = [row(happening, tree.at_ns(100)) for happening in counted]
        opened.write([one for one in found if one is not None])
    for one in counted:
        assert SECRET not in repr(run_attributes(one.run, one.verdict))
    return tmp_path / LEDGER_FILE


def shown(
    ledger: Path, capsys: pytest.CaptureFixture[str], *arguments: str, number: int = FIVE_USUAL
) -> str:
    run_id = f"{tree.trace_id(f't {number}').hex()}:{tree.span_id(f'root {number}').hex()}"
    assert main(["runs", *arguments, run_id, "--ledger", str(ledger)]) == 0
    return capsys.readouterr().out


def test_a_run_is_shown_with_its_tools_documents_confidence_and_where_it_left_the_usual_path(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = " ".join(shown(ledger, capsys, "show").split())

    assert "outcome success: expectations_hold (evidence: tool_result)" in said
    assert "path: reset > lookup" in said
    assert "first step off the usual path: call 1 was reset, usually lookup" in said
    assert f"document ids KB-{FIVE_USUAL}" in said
    assert "confidence 0.7" in said


def test_a_run_on_the_usual_path_is_shown_without_a_departure(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "off the usual path" not in shown(ledger, capsys, "show", number=0)


def test_nothing_a_person_or_tool_said_is_kept(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = shown(ledger, capsys, "export") + shown(ledger, capsys, "show", "--json")
    on_disk = b"".join(path.read_bytes() for path in ledger.parent.glob(f"{LEDGER_FILE}*"))

    for text in (exported, on_disk.decode("latin-1")):
        assert not re.search(rf"{SECRET}|4111|password is", text)
    assert json.loads(exported[: exported.index("\n}\n") + 2])["run"]["outcome"] == "success"
