"""Agent files survive being written and read, and no file whatever ends in a traceback."""

from dataclasses import replace
from pathlib import Path

import pytest
from agent_strategies import agent_files, anything
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentslo.config.agent_file import load_agent
from agentslo.config.agent_options import AgentFile, Owners
from agentslo.config.agent_schema import AGENT
from agentslo.config.problems import Problem, render
from agentslo.config.writing import written

RELAXED = settings(
    deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


def read(path: Path, text: str) -> tuple[AgentFile | None, tuple[Problem, ...]]:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    loaded = load_agent(path, {})
    return loaded.agent and replace(loaded.agent, file="", revision=""), loaded.problems


def assert_located(problems: tuple[Problem, ...], path: Path) -> None:
    for problem in problems:
        assert problem.file == str(path)
        assert problem.line >= 1
        assert problem.col >= 1
        assert problem.what
        assert problem.fix
        assert render(problem).startswith(f"{path}:{problem.line}:{problem.col}: ")


def test_a_thousand_random_files_read_back_as_they_were_written_or_say_where_they_are_wrong(
    tmp_path: Path,
) -> None:
    path, told = tmp_path / "a.yaml", {"equal": 0, "refused": 0}

    @settings(RELAXED, max_examples=1_000)
    @given(agent_files())
    def check(agent: AgentFile) -> None:
        found, problems = read(path, written(AGENT, agent))

        assert_located(problems, path)
        if found is None:
            assert any(problem.is_error for problem in problems)
            told["refused"] += 1
        else:
            assert found == agent
            told["equal"] += 1

    check()
    # Promises nobody can prove and critical tiers that say too little are refused; most are not.
    assert told["equal"] > 300
    assert told["refused"] > 10


@settings(RELAXED, max_examples=200)
@given(name=anything, owner=anything, note=anything)
def test_any_text_anywhere_is_kept_or_refused_with_its_place(
    tmp_path_factory: pytest.TempPathFactory, name: str, owner: str, note: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "text.yaml"
    agent = AgentFile(name=name, owners=Owners(product=owner), description=note)

    found, problems = read(path, written(AGENT, agent))

    assert_located(problems, path)
    assert found == agent or any(problem.is_error for problem in problems)


EXAMPLE = (Path(__file__).parents[2] / "examples" / "agents" / "password-reset.yaml").read_text()


@settings(RELAXED, max_examples=300)
@given(data=st.data())
def test_a_file_with_a_piece_torn_out_or_put_in_never_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "torn.yaml"
    start = data.draw(st.integers(0, len(EXAMPLE)))
    end = min(len(EXAMPLE), start + data.draw(st.integers(0, 40)))
    put = data.draw(anything | st.sampled_from(["{", "[", ": ", "- ", "*a", "&a ", "~", "\t", "'"]))

    found, problems = read(path, EXAMPLE[:start] + put + EXAMPLE[end:])

    assert_located(problems, path)
    assert found is not None or any(problem.is_error for problem in problems)
