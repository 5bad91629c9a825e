"""`agentslo init`: a commented agent file from what was seen, or a Collector's file with a tap."""

import difflib
import json
from pathlib import Path

import pytest
import yaml

from agentslo.cli.main import main
from agentslo.config.agent_file import load_agent
from agentslo.config.agent_options import AgentFile
from agentslo.config.agent_templates import template, template_names
from agentslo.config.checking import check
from scenarios import tree
from scenarios.runner import frame
from support.tools import PROJECT_ROOT

SHIPPED = PROJECT_ROOT / "processor" / "agentslo" / "demo" / "captures"
EXAMPLES = PROJECT_ROOT / "examples"
SCHEMA_LINE = "# yaml-language-server: $schema=../../docs/schema/agent.schema.json\n#\n"
TOOLS = ("search_flights", "book_flight", "transfer_to_human_agents", "frobnicate")


def recorded(folder: Path, *, runs: int = 20, agent: str = "travel", service: str = "desk") -> Path:
    """Runs of 1 to `runs` seconds, each calling every tool once."""
    sent = []
    for number in range(1, runs + 1):
        own = f"{service} {agent} {number}"
        below = [{"tool": tool, "id": f"{own} {tool}", "at": [0, 0.1]} for tool in TOOLS]
        model = {"chat": "m", "id": f"{own} model", "at": [0, 1], "finish": "stop"}
        root = {
            "agent": agent,
            "id": f"{own} root",
            "trace": own,
            "at": [0, number],
            "service": service,
            "below": [model, *below],
        }
        sent += tree.spans([root])
    path = folder / f"{agent or 'none'}-{service}.otlp"
    path.write_bytes(frame(tree.request(sent)))
    return path


def loaded(path: Path) -> AgentFile:
    found = load_agent(path, {})
    assert [problem for problem in found.problems if problem.is_error] == []
    assert found.agent is not None
    return found.agent


def test_a_file_is_written_for_an_agent_that_was_seen_and_passes_check(tmp_path: Path) -> None:
    out = tmp_path / "agents"

    assert main(["init", "--from", str(recorded(tmp_path)), "--out", str(out)]) == 0
    assert main(["check", str(out)]) == 0
    agent = loaded(out / "travel.yaml")
    assert (agent.match.agents, agent.match.services) == (("travel",), ("desk",))
    assert {tool.name: tool.effect for tool in agent.tools} == {
        "search_flights": "read",
        "book_flight": "write",
        "transfer_to_human_agents": "write",
        "frobnicate": "read",
    }
    assert [tool.name for tool in agent.tools if tool.escalation] == ["transfer_to_human_agents"]


def test_guesses_and_call_counts_are_marked(tmp_path: Path) -> None:
    main(["init", "--from", str(recorded(tmp_path)), "--out", str(tmp_path)])
    text = (tmp_path / "travel.yaml").read_text()

    assert "# 20 calls\n  search_flights: {}\n" in text
    assert "# 20 calls\n  book_flight:\n    # A guess.\n    effect: write\n" in text
    assert "# 20 calls. A guess: hands over to a person.\n" in text
    assert "# 20 calls. No verb tells what it does" in text


def test_limits_come_from_the_95th_percentile(tmp_path: Path) -> None:
    main(["init", "--from", str(recorded(tmp_path)), "--out", str(tmp_path)])
    agent = loaded(tmp_path / "travel.yaml")

    assert [slo.limit for slo in agent.slos if slo.dimension == "latency"] == [19.0]
    assert agent.task.limits.duration_s == 57.0
    assert "# 95th percentile seen: 19s.\n" in (tmp_path / "travel.yaml").read_text()


def test_a_file_that_exists_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recordings = [recorded(tmp_path), recorded(tmp_path, agent="other")]
    theirs = tmp_path / "travel.yaml"
    theirs.write_text("mine\n")

    assert main(["init", "--from", *map(str, recordings), "--out", str(tmp_path)]) == 1
    assert f"not overwritten: {theirs}" in capsys.readouterr().err
    assert theirs.read_text() == "mine\n"
    assert not (tmp_path / "other.yaml").exists()


def test_agents_of_one_name_in_two_services_get_a_file_each(tmp_path: Path) -> None:
    recordings = [recorded(tmp_path), recorded(tmp_path, service="web")]
    out = tmp_path / "agents"

    assert main(["init", "--from", *map(str, recordings), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["desk-travel.yaml", "web-travel.yaml"]
    assert [problem for problem in check([out], {}) if problem.is_error] == []


def test_names_that_telemetry_brings_cannot_break_the_file(tmp_path: Path) -> None:
    out = tmp_path / "agents"
    recording = odd(tmp_path, 'a: "b"\n- ${env:HOME} # \x1b[31m\u2028é')

    assert main(["init", "--from", str(recording), "--out", str(out)]) == 0
    (written,) = out.iterdir()
    assert loaded(written).match.services == ("desk",)


def test_odd_names_that_fit_a_file_are_matched_exactly(tmp_path: Path) -> None:
    out, name = tmp_path / "agents", "true: ${env:HOME} 'é' # x"

    assert main(["init", "--from", str(odd(tmp_path, name)), "--out", str(out)]) == 0
    (written,) = out.iterdir()
    assert loaded(written).match.agents == (name,)
    assert [tool.name for tool in loaded(written).tools] == [name]


def odd(folder: Path, name: str) -> Path:
    row = {"agent": name, "id": "r", "trace": "t", "at": [0, 1], "service": "desk"}
    tool = {"tool": name, "id": "x", "at": [0, 1]}
    path = folder / "odd.otlp"
    path.write_bytes(frame(tree.request(tree.spans([{**row, "below": [tool]}]))))
    return path


def test_the_shipped_recordings_give_files_that_pass(tmp_path: Path) -> None:
    assert main(["init", "--from", str(SHIPPED), "--out", str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) != []
    assert main(["check", str(tmp_path)]) == 0


def test_nothing_seen_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tick = {"name": "tick", "id": "t", "trace": "t", "at": [0, 1]}
    path = tmp_path / "a.otlp"
    path.write_bytes(frame(tree.request(tree.spans([tick]))))

    assert main(["init", "--from", str(path), "--out", str(tmp_path / "o")]) == 3
    assert "no agent was seen" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no source"),
        pytest.param(["--live", "http://127.0.0.1:1", "--from", "a.otlp"], id="two sources"),
        pytest.param(["--from", "/nowhere.otlp"], id="no such file"),
        pytest.param(["--live", "http://127.0.0.1:1"], id="nobody listens"),
        pytest.param(["--collector", "/nowhere.yaml"], id="no such Collector file"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_1(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["init", "--out", str(tmp_path), *arguments]) == 1
    assert capsys.readouterr().err.count("\n") == 1


# ---- templates


@pytest.mark.parametrize("name", template_names())
def test_a_template_is_the_example_and_passes_without_a_warning(name: str, tmp_path: Path) -> None:
    assert main(["init", "--template", name, "--out", str(tmp_path)]) == 0
    assert check([tmp_path / f"{name}.yaml"], {}) == []
    example = (EXAMPLES / "agents" / f"{name}.yaml").read_text()
    assert template(name) == example.removeprefix(SCHEMA_LINE)


def test_every_example_is_a_template() -> None:
    examples = {path.stem for path in (EXAMPLES / "agents").iterdir()}

    assert set(template_names()) == examples


def test_json_names_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--template", "crew", "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": [str(tmp_path / "crew.yaml")]}


# ---- the Collector's file

PLAIN = """\
# ours
receivers: {otlp: {protocols: {grpc: {}}}}
exporters:
  # the back end
  otlp_grpc: # keep
    endpoint: tempo:4317
  debug: {}
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp_grpc, debug] # both
    traces/2:
      receivers: [otlp]
      exporters:
        - otlp_grpc
        - debug
    logs:
      receivers: [otlp]
      exporters: [
        otlp_grpc,
        "debug",
      ]
    metrics:
      receivers: [otlp]
      exporters: [debug]
"""


def diffed(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What is printed, and the file it makes of `text`."""
    path = folder / "collector.yaml"
    path.write_text(text)
    assert main(["init", "--collector", str(path)]) == 0
    diff = capsys.readouterr().out
    assert path.read_text() == text
    assert all(line[0] in " +-@" for line in diff.splitlines())
    new = [*difflib.restore(_ndiff(text, diff), 2)]
    return diff, "".join(new)


def _ndiff(text: str, diff: str) -> list[str]:
    """The unified diff laid over the whole file, in ndiff's form."""
    old, rows, at = text.splitlines(keepends=True), [], 0
    for line in diff.splitlines(keepends=True)[2:]:
        if line.startswith("@@"):
            start = int(line.split("-")[1].split(",")[0]) - 1
            rows += [f"  {kept}" for kept in old[at:start]]
            at = start
        else:
            rows.append(f"{line[0]} {line[1:]}")
            at += line[0] in " -"
    return rows + [f"  {kept}" for kept in old[at:]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PLAIN, id="exporters first"),
        pytest.param(
            PLAIN[PLAIN.index("service:") :] + PLAIN[: PLAIN.index("service:")], id="service first"
        ),
        pytest.param((EXAMPLES / "collector" / "after.yaml").read_text(), id="an example"),
    ],
)
def test_the_tap_is_added_to_traces_and_logs_alone_and_nothing_else_changes(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diff, new = diffed(tmp_path, text, capsys)
    before, after = yaml.safe_load(text), yaml.safe_load(new)

    added = after["exporters"].pop("otlp_grpc/agentslo")
    assert added["endpoint"] == "127.0.0.1:4317"
    for name, pipeline in after["service"]["pipelines"].items():
        if name != "metrics":
            pipeline["exporters"].remove("otlp_grpc/agentslo")
    assert after == before
    gone = [line for line in diff.splitlines()[2:] if line.startswith("-")]
    assert all("exporters" in line or '"debug"' in line or "]" in line for line in gone)


def test_a_collector_that_has_the_tap_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--collector", str(EXAMPLES / "collector" / "tap.yaml")]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "nothing to change" in printed.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "cannot be read", id="empty"),
        pytest.param("a: [", "cannot be read", id="not YAML"),
        pytest.param("exporters: {}\n", "is no Collector file", id="no pipelines"),
        pytest.param(
            PLAIN.replace("exporters: [otlp_grpc, debug] # both", "exporters: debug"),
            "by hand",
            id="a pipeline without a list",
        ),
        pytest.param(
            "exporters: {debug: {}}\nservice: {pipelines: {traces: {exporters: [debug]}}}\n",
            "by hand",
            id="all on one line",
        ),
    ],
)
def test_a_file_that_cannot_be_changed_is_refused_with_what_to_do(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "collector.yaml"
    path.write_text(text)

    assert main(["init", "--collector", str(path)]) == 1
    assert said in capsys.readouterr().err
