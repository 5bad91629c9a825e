"""The agent page, the schemas and the examples say the same as the table that parses."""

import dataclasses
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from agentslo.config import agent_reference, json_schema
from agentslo.config.agent_file import load_agent
from agentslo.config.agent_options import AgentFile
from agentslo.config.agent_schema import AGENT
from agentslo.config.checking import check
from agentslo.config.schema import leaves

REPOSITORY = Path(__file__).parents[3]
EXAMPLES = sorted((REPOSITORY / "examples" / "agents").glob("*.yaml"))
SCHEMAS = ("agent.schema.json", "service.schema.json")
# Set by the code that reads; `decides` and `evidence` are read into values of their own.
NOT_WRITTEN = {"file", "revision", "evidence_wait_s", "human_deadline_s"}


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((REPOSITORY / "docs" / "schema" / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(name: str, text: str) -> list[str]:
    return [error.message for error in validator(name).iter_errors(yaml.safe_load(text) or {})]


def test_the_reference_page_is_fresh() -> None:
    page = REPOSITORY / "docs" / "agent-file.md"
    command = f"run: python -m agentslo.config.agent_reference > {page}"

    assert page.read_text() == agent_reference.markdown(), command


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_fresh(name: str) -> None:
    file = REPOSITORY / "docs" / "schema" / name
    command = f"run: python -m agentslo.config.json_schema {name} > {file}"

    assert file.read_text() == json_schema.document(name), command


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_schemas(name: str) -> None:
    assert validator(name).is_valid({}) is (name == "service.schema.json")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_of_a_schema_is_described(name: str) -> None:
    def undescribed(at: object, path: str) -> list[str]:
        if isinstance(at, list):
            return [found for item in at for found in undescribed(item, path)]
        if not isinstance(at, dict):
            return []
        properties = at.get("properties", {})
        bare = [f"{path}.{key}" for key, value in properties.items() if not value["description"]]
        return bare + [found for key, value in at.items() for found in undescribed(value, key)]

    assert undescribed(json_schema.schema(name), "") == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_pass_their_schema_and_name_it(example: Path) -> None:
    text = example.read_text()
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)

    assert named is not None
    assert (example.parent / named[1]).resolve().name == "agent.schema.json"
    assert problems("agent.schema.json", text) == []


def test_the_service_example_passes_its_schema() -> None:
    text = (REPOSITORY / "examples" / "agentslo.yaml").read_text()

    assert problems("service.schema.json", text) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "agent: a\nownres: {}\n",
        "agent: a\ntier: gold\n",
        "agent: a\ntools: {pay: {effect: maybe}}\n",
        "agent: a\nslos: [{name: x, dimension: success}]\n",
        "agent: a\nslos: [{name: x, dimension: success, objective: 95}]\n",
        "agent: a\ntask: {limits: {duration: soon}}\n",
        "agent: a\ntools: [search]\n",
    ],
)
def test_what_the_schema_refuses_check_refuses_too(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)

    assert problems("agent.schema.json", text) != []
    assert load_agent(file, {}).agent is None


def test_every_option_of_an_agent_file_has_a_key() -> None:
    fields = {field.name for field in dataclasses.fields(AgentFile)} - NOT_WRITTEN
    keys = {field.attribute for field in AGENT.fields}

    assert fields - keys == set()


def test_the_examples_together_show_every_key_but_a_few() -> None:
    text = "".join(path.read_text() for path in EXAMPLES)
    keys = {path[-1] for path, _ in leaves(AGENT)}
    rare = {"not_equals", "present", "at_most", "refused", "blocked", "window", "label_definition"}

    assert {key for key in keys - rare if f"{key}:" not in text} == set()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_pass_without_a_warning(example: Path) -> None:
    assert check([example], {}) == []


def test_the_examples_get_on_with_each_other() -> None:
    assert check([REPOSITORY / "examples" / "agents"], {}) == []


def test_the_password_reset_is_the_promise_of_the_requirements() -> None:
    agent = load_agent(REPOSITORY / "examples" / "agents" / "password-reset.yaml", {}).agent

    assert agent is not None
    slos = {slo.name: slo for slo in agent.slos}
    whole = slos["good_reset"]
    assert (whole.dimension, whole.objective_ratio) == ("composite", 0.95)
    assert {slos[part].dimension for part in whole.of} == {"success", "latency", "safety", "cost"}
    assert slos["fast"].limit == 60
    assert slos["cheap"].limit == 0.02
    assert agent.tier == "critical"


def test_the_short_example_of_the_page_passes(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", agent_reference.markdown(), re.DOTALL)
    file = tmp_path / "a.yaml"
    file.write_text(blocks[0])

    assert load_agent(file, {}).agent is not None
