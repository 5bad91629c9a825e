"""Users' own keys and roles, from the service file to the step."""

from pathlib import Path

import pytest

from agentslo.config.problems import ConfigError
from agentslo.config.service_file import load
from agentslo.dialects.read import Reader
from agentslo.dialects.registry import in_force
from agentslo.model import Finish, Role
from agentslo.testing import span
from support.tools import PROJECT_ROOT

MAPPING = PROJECT_ROOT / "examples" / "mapping.yaml"


def reader(folder: Path, text: str, environ: dict[str, str] | None = None) -> Reader:
    file = folder / "agentslo.yaml"
    file.write_text(text)
    options = load(file, environ or {}).dialects
    return Reader(in_force(options), extra=options.keys.given())


def problems(folder: Path, text: str) -> list[str]:
    file = folder / "agentslo.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as found:
        load(file, {})
    return [f"{Path(p.file).name}:{p.line}: {p.what}; {p.fix}" for p in found.value.problems]


def test_the_example_mapping_reads_spans_of_ones_own(tmp_path: Path) -> None:
    read = reader(tmp_path, f"dialects: {{mapping_file: {MAPPING}}}").step
    bot = {"acme.kind": "conversation_turn", "acme.bot": "support", "acme.thread": "t-1"}
    model = {"acme.kind": "completion", "acme.llm.tokens_in": 7, "acme.llm.stop_reason": "length"}

    turn, answer = read(span("turn", bot), 0), read(span("write", model), 0)

    assert turn is not None and answer is not None
    assert (turn.role, turn.agent, turn.conversation_id) == (Role.AGENT, "support", "t-1")
    assert (answer.role, answer.usage_in, answer.finish) == (Role.LLM, 7, Finish.LENGTH)


def test_a_span_of_ones_own_needs_no_other_mark(tmp_path: Path) -> None:
    assert b"acme.kind" in reader(tmp_path, f"dialects: {{mapping_file: {MAPPING}}}").markers


def test_keys_of_ones_own_come_after_those_of_the_conventions(tmp_path: Path) -> None:
    read = reader(tmp_path, "dialects: {keys: {agent: my.agent}}").step
    found = {"gen_ai.operation.name": "invoke_agent", "my.agent": "mine"}

    only, both = read(span("a", found), 0), read(span("a", {**found, "gen_ai.agent.name": "a"}), 0)

    assert only is not None and only.agent == "mine"
    assert both is not None and both.agent == "a"


def test_roles_of_ones_own_stand_before_every_convention(tmp_path: Path) -> None:
    text = "dialects: {roles: {attribute: my.kind, values: {ask: human}}}"
    found = {"gen_ai.operation.name": "chat", "my.kind": "ask"}

    step = reader(tmp_path, text).step(span("a", found), 0)
    other = reader(tmp_path, text).step(span("a", {**found, "my.kind": "else"}), 0)

    assert step is not None and (step.role, step.dialect) == (Role.HUMAN, "mapping")
    assert other is not None and other.role is Role.LLM


def test_what_stands_in_the_section_comes_before_the_file(tmp_path: Path) -> None:
    text = f"""
dialects:
  mapping_file: {MAPPING}
  keys: {{agent: [first.of.all]}}
  roles: {{attribute: my.kind, values: {{ask: human}}}}
"""
    options = load_text(tmp_path, text)

    assert options.keys.agent == ("first.of.all", "acme.bot")
    assert options.roles.attribute == "my.kind"


def load_text(folder: Path, text: str):
    file = folder / "agentslo.yaml"
    file.write_text(text)
    return load(file, {}).dialects


def test_keys_can_be_given_by_the_environment(tmp_path: Path) -> None:
    environ = {"AGENTSLO_DIALECTS_KEYS_TOOL": "my.tool,their.tool"}
    read = reader(tmp_path, "", environ).step

    step = read(span("a", {"gen_ai.operation.name": "execute_tool", "their.tool": "x"}), 0)

    assert step is not None and step.tool == "x"


def test_an_application_names_the_role_of_its_own_span() -> None:
    found = {"gen_ai.operation.name": "chat", "agent_slo.declared.span_role": "retrieval"}

    step = Reader().step(span("a", found), 0)

    assert step is not None and (step.role, step.dialect) == (Role.RETRIEVAL, "declared")


def test_problems_are_located_in_the_service_file(tmp_path: Path) -> None:
    text = """\
dialects:
  keys:
    agnt: [my.agent]
  roles:
    attribute: my.kind
    values:
      ask: humam
"""
    first, second = problems(tmp_path, text)

    assert first.startswith('agentslo.yaml:3: unknown key "agnt"; did you mean agent?')
    assert second.startswith('agentslo.yaml:7: "humam" is not allowed; did you mean human?')


def test_problems_are_located_in_the_mapping_file(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("keys:\n  tool: ['']\nrules: {}\n")

    found = problems(tmp_path, "dialects: {mapping_file: mapping.yaml}")

    assert [f.split(";")[0] for f in found] == [
        "mapping.yaml:2: is empty",
        'mapping.yaml:3: unknown key "rules"',
    ]


def test_a_mapping_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "dialects: {mapping_file: nowhere.yaml}")

    assert "cannot be read" in found


@pytest.mark.parametrize(
    ("roles", "what"),
    [
        ("{attribute: my.kind}", "has no meaning without values"),
        ("{values: {ask: human}}", "has no meaning without attribute"),
    ],
)
def test_half_a_role_mapping_is_a_problem(roles: str, what: str, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, f"dialects: {{roles: {roles}}}")

    assert what in found
