"""What README and CONTRIBUTING tell people to type and to write works."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from agentslo.cli.main import parser
from agentslo.config.agent_file import load_agent
from agentslo.config.problems import render
from agentslo.config.service_file import load
from support.tools import PROJECT_ROOT

README = (PROJECT_ROOT / "README.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE))


def blocks(language: str, page: str = README) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def block(title: str) -> str:
    """The YAML block whose first line is this comment."""
    (found,) = [b for b in blocks("yaml") if b.startswith(f"# {title}\n")]
    return found


def commands(page: str) -> list[list[str]]:
    """The command lines of a page's shell blocks, comments left out."""
    lines = (line for b in blocks("bash", page) for line in b.splitlines())
    return [found for line in lines if (found := shlex.split(line, comments=True))]


def test_readme_begins_with_the_two_commands() -> None:
    assert [" ".join(words) for words in commands(README)[:2]] == ["make run", "make test"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_exists(page: str) -> None:
    text = (PROJECT_ROOT / page).read_text()
    named = {words[1] for words in commands(text) if words[0] == "make"}
    named |= set(re.findall(r"`make ([a-z]+)[ `]", text))

    assert named
    assert named <= TARGETS


def test_contributing_names_every_target_people_use() -> None:
    text = (PROJECT_ROOT / "CONTRIBUTING.md").read_text()
    listed = set(
        re.findall(r"^([a-z]+):.*## ", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE)
    )

    assert [
        t for t in sorted(listed - {"help", "clean", "coverage"}) if f"make {t}" not in text
    ] == []


def test_every_command_parses() -> None:
    called = [words for words in commands(README) if Path(words[0]).name == "agentslo"]

    assert {words[1] for words in called} >= {"check", "run", "replay", "explain", "doctor"}
    for words in called:
        assert parser().parse_args(words[1:]).command == words[1]


def test_every_path_in_a_command_is_there() -> None:
    paths = [w for words in commands(README) for w in words if w.startswith("processor/")]

    assert paths
    assert [p for p in paths if not (PROJECT_ROOT / p).exists()] == []


def test_the_service_file_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "agentslo.yaml"
    file.write_text(block("agentslo.yaml"))

    config = load(file, {})

    assert [d.primary for d in config.destinations] == [True]
    assert config.warnings == ()


def test_the_agent_file_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "password-reset.yaml"
    file.write_text(block("agents/password-reset.yaml"))

    loaded = load_agent(file, {})

    assert [render(problem) for problem in loaded.problems] == []
    assert loaded.agent is not None
    assert {slo.dimension for slo in loaded.agent.slos} >= {"success", "latency", "safety", "cost"}


def test_the_collector_snippet_exports_to_the_default_listener() -> None:
    snippet = yaml.safe_load(block("Collector: tap"))
    (name, exporter), *others = snippet["exporters"].items()

    assert not others
    assert exporter["endpoint"] == load(None, {}).listen.grpc.address
    assert name in snippet["service"]["pipelines"]["traces"]["exporters"]


def test_the_addresses_are_those_of_the_service() -> None:
    listen = load(None, {}).listen
    known = {listen.grpc.address, listen.http.address, listen.metrics.address, listen.page.address}
    # Grafana's of docker-compose.yml.
    known.add("127.0.0.1:3000")

    assert set(re.findall(r"127\.0\.0\.1:\d+", README)) <= known
