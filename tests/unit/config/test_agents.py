"""Which agent files a service reads, what they turn into, and how `check` finds them."""

from pathlib import Path

import pytest

from agentslo.cli import check as check_command
from agentslo.config.agent_options import AgentFile, Approval, Condition, Escalation, Expect, Limits
from agentslo.config.checking import check
from agentslo.config.directory import Directory
from agentslo.config.problems import ConfigError
from agentslo.config.service_file import ServiceConfig, load

SOUND = "task: {unit: one}\nslos: [{name: safe, dimension: safety, objective: 0.99}]\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def agent(folder: Path, name: str, more: str = SOUND) -> Path:
    return write(folder / f"{name}.yaml", f"agent: {name}\n{more}")


def service(folder: Path, text: str = "", **environ: str) -> ServiceConfig:
    return load(write(folder / "agentslo.yaml", text), environ)


def names(config: ServiceConfig) -> list[str]:
    return [found.name for found in config.agents]


def only(folder: Path, more: str) -> AgentFile:
    agent(folder / "agents", "helper", more)
    (found,) = service(folder).agents
    return found


def test_the_folder_beside_the_service_file_is_read_by_itself(tmp_path: Path) -> None:
    agent(tmp_path / "agents", "b")
    agent(tmp_path / "agents", "a")
    write(tmp_path / "agents" / ".b.yaml.swp.yaml", "half: [")
    write(tmp_path / "agents" / "README.md", "no agent")

    assert names(service(tmp_path)) == ["a", "b"]


def test_without_a_service_file_no_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent(tmp_path / "agents", "a")
    monkeypatch.chdir(tmp_path)

    assert load(None, {}).agents == ()
    assert names(load(None, {"AGENTSLO_AGENTS_DIRECTORY": "agents"})) == ["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agents: {directory: teams}\n", ["t"]),
        ("agents: [x.yaml, teams/t.yaml]\n", ["t", "x"]),
        ("agents: x.yaml\n", ["x"]),
        ("agents: {directory: teams, files: [x.yaml, teams/t.yaml, ./x.yaml]}\n", ["t", "x"]),
        ("agents:\n", ["a"]),
        ("agents: {}\n", ["a"]),
    ],
)
def test_files_are_named_one_by_one_or_by_their_folder(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    agent(tmp_path / "agents", "a")
    agent(tmp_path / "teams", "t")
    agent(tmp_path, "x")

    assert names(service(tmp_path, text)) == expected


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    agent(tmp_path / "agents", "a")
    agent(tmp_path / "teams", "t")

    assert names(service(tmp_path, AGENTSLO_AGENTS_DIRECTORY="teams")) == ["t"]
    assert names(service(tmp_path, AGENTSLO_AGENTS_FILES="teams/t.yaml,agents/a.yaml")) == [
        "a",
        "t",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agents: {directory: none}\n", '"none" cannot be read: No such file or directory'),
        ("agents: [none.yaml]\n", "cannot be read: No such file or directory"),
        ("agents: [.]\n", '"." is a folder'),
    ],
)
def test_files_that_are_not_there_are_problems(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        service(tmp_path, text)

    assert [problem.what for problem in caught.value.problems] == [said]


def test_one_bad_agent_file_refuses_the_whole_configuration_and_all_is_said(tmp_path: Path) -> None:
    agent(tmp_path / "agents", "good")
    agent(tmp_path / "agents", "bad", "tier: gold\nowner: {}\n")

    with pytest.raises(ConfigError) as caught:
        service(tmp_path, "logs: {}\n")
    found = [f"{Path(p.file).name}:{p.line}" for p in caught.value.problems if p.is_error]
    assert found == ["agentslo.yaml:1", "bad.yaml:2", "bad.yaml:3"]


def test_warnings_stop_nothing_and_are_kept(tmp_path: Path) -> None:
    agent(tmp_path / "agents", "a")
    config = service(tmp_path)

    assert names(config) == ["a"]
    assert [problem.severity for problem in config.warnings] == ["warning"]


def test_the_revision_changes_with_an_agent_file(tmp_path: Path) -> None:
    file = agent(tmp_path / "agents", "a")
    before = service(tmp_path)
    same = service(tmp_path)
    file.write_text(file.read_text() + "tier: experimental\n")
    after = service(tmp_path)

    assert before.revision == same.revision
    assert before.revision != after.revision
    assert before.agents[0].revision != after.agents[0].revision


def test_the_caps_of_the_service_file_hold_for_its_agents(tmp_path: Path) -> None:
    agent(tmp_path / "agents", "a", "task: {unit: one, types: [x, y, z]}\n" + SOUND[18:])

    with pytest.raises(ConfigError, match="3 types are more than the cap of 2"):
        service(tmp_path, "metrics: {caps: {task_types: 2}}\n")


# ---- what is written turns into


def test_a_file_that_says_only_its_name_has_every_default(tmp_path: Path) -> None:
    found = only(tmp_path, "")

    assert found == AgentFile(name="helper", file=found.file, revision=found.revision)


def test_tools_expectations_and_limits_turn_into_values(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        """\
task: {unit: one, limits: {duration: 1m, cost_usd: 0.02, steps: 12}}
tools:
  ask: {}
  pay:
    effect: write
    permission: confirm
    approval: {tools: ask, attribute: app.ok, equals: true}
    poll: {field: state, pending: [busy, 'true']}
  hand_over:
    permission: escalate
    escalation: {reasons: [unclear], deadline: 45s}
expect:
  - {name: paid, tool_result: {tool: pay, field: a.b}, in: [1, '1', yes, 0.5]}
evidence: {wait: 90s, human_deadline: 2h}
decides: {incident: operations}
owners: {operations: us}
""",
    )
    tools = {tool.name: tool for tool in found.tools}

    assert found.task.limits == Limits(duration_s=60, cost_usd=0.02, steps=12)
    assert tools["pay"].approval == Approval(
        tools=("ask",), attribute="app.ok", condition=Condition(operator="equals", value=True)
    )
    assert (tools["pay"].poll_field, tools["pay"].poll_pending) == ("state", ("busy", "true"))
    assert tools["hand_over"].escalation == Escalation(reasons=("unclear",), deadline_s=45)
    assert found.expect == (
        Expect(
            name="paid",
            source="tool_result",
            tool="pay",
            key="a.b",
            condition=Condition(operator="in", value=(1, "1", "yes", 0.5)),
        ),
    )
    assert (found.evidence_wait_s, found.human_deadline_s) == (90, 7200)
    assert found.decides == {"incident": "operations"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("'true'", "true"),
        ("1", 1),
        ("1.0", 1.0),
        ("'1'", "1"),
        ("1e3", 1000.0),
        ("no", "no"),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        ("''", ""),
        ("-5", -5),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_operands_are_typed_by_how_they_look(tmp_path: Path, written: str, value: object) -> None:
    found = only(tmp_path, f"expect: [{{name: x, attribute: a, equals: {written}}}]\n")
    operand = found.expect[0].condition.value

    assert operand == value
    assert type(operand) is type(value)


@pytest.mark.parametrize("written", ["", "~", "null", "1e999", "[1]", "{a: 1}"])
def test_what_is_no_operand_is_a_problem(tmp_path: Path, written: str) -> None:
    file = agent(tmp_path, "a", f"expect: [{{name: x, attribute: a, equals: {written}}}]\n")

    assert [p.path for p in check([file], {}) if p.is_error] == ["expect[0].equals"]


@pytest.mark.parametrize(
    ("written", "ratio"),
    [("0.95", 0.95), ("95%", 0.95), ("99.9%", 0.999), ("99.95 %", 0.9995), ("'95%'", 0.95)],
)
def test_objectives_are_ratios_or_percent(tmp_path: Path, written: str, ratio: float) -> None:
    slo = f"slos: [{{name: s, dimension: safety, objective: {written}}}]\n"

    assert only(tmp_path, "task: {unit: one}\n" + slo).slos[0].objective_ratio == ratio


# ---- agentslo check


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_here")
def test_an_agent_file_and_a_folder_of_them_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent(tmp_path / "agents", "good")
    agent(tmp_path / "agents", "bad", "tier: gold\n")

    assert check_command.run(["agents/good.yaml"]) == 0
    assert capsys.readouterr().out.endswith("variables: no problem, 1 warning\n")
    assert check_command.run(["agents"]) == 1
    assert "agents/bad.yaml:2:7: tier:" in capsys.readouterr().out


@pytest.mark.usefixtures("_here")
def test_a_service_file_is_checked_with_its_agents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "agentslo.yaml", "")
    agent(tmp_path / "agents", "bad", "tier: gold\n")

    assert check_command.run([]) == 1
    assert "agents/bad.yaml:2:7: tier:" in capsys.readouterr().out


def test_other_tools_files_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "docker-compose.yaml", "image: x\n")
    agent(tmp_path, "a")

    assert [problem.is_error for problem in check([tmp_path], {})] == [False]


def test_variables_are_checked_with_agent_files_alone(tmp_path: Path) -> None:
    problems = check([agent(tmp_path, "a")], {"AGENTSLO_LOG_LEVEL": "loud"})

    assert [problem.path for problem in problems if problem.is_error] == ["log.level"]


# ---- whose a run is


WIDE_TO_NARROW = {
    "a-service": "match: {services: [desk]}",
    "b-service-in-prod": "match: {services: [desk], environments: [prod]}",
    "c-agent": "match: {agents: [helper]}",
    "d-agent-in-prod": "match: {agents: [helper], environments: [prod]}",
    "e-agent-and-service": "match: {agents: [helper], services: [desk]}",
    "f-all": "match: {agents: [helper], services: [desk], environments: [prod]}",
}


@pytest.mark.parametrize("left", range(1, len(WIDE_TO_NARROW) + 1))
def test_of_the_files_that_match_a_run_the_narrowest_has_it(tmp_path: Path, left: int) -> None:
    files = list(WIDE_TO_NARROW.items())[:left]
    for name, match in files:
        agent(tmp_path / "agents", name, f"{match}\n{SOUND}")
    directory = Directory(service(tmp_path).agents, AgentFile(name=""))

    assert directory.find("helper", "desk", "prod").name == files[-1][0]


def test_a_file_that_matches_by_its_name_alone_goes_before_one_of_the_service(
    tmp_path: Path,
) -> None:
    agent(tmp_path / "agents", "all", f"match: {{services: [desk]}}\n{SOUND}")
    agent(tmp_path / "agents", "helper")
    directory = Directory(service(tmp_path).agents, AgentFile(name=""))

    assert directory.find("helper", "desk", "").name == "helper"
    assert directory.find("other", "desk", "").name == "all"
    assert directory.find("other", "shop", "").is_default


def test_a_narrower_file_beside_a_wider_one_is_no_warning(tmp_path: Path) -> None:
    agent(tmp_path / "agents", "all", f"match: {{services: [desk]}}\n{SOUND}")
    agent(tmp_path / "agents", "helper")

    assert not [p for p in check([tmp_path / "agents"], {}) if "can match both" in p.what]
