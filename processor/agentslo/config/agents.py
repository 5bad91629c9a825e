"""All agent files of a service, and whether they get on with each other.

In: paths, the environment, the caps. Out: the `AgentFile`s that are sound, by name, and every
problem. No state. Source: design.md 3, 9 (`agents/*.yaml`, one an agent).
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

from agentslo.config.agent_file import LoadedAgent, load_agent
from agentslo.config.agent_options import AgentFile
from agentslo.config.directory import breadth, demands
from agentslo.config.options import CapOptions
from agentslo.config.problems import Problem, Severity, quoted
from agentslo.config.yaml_node import problem_at

SUFFIXES = (".yaml", ".yml")


def files_in(folder: Path) -> tuple[Path, ...]:
    """The YAML files of a folder, by name; hidden ones are an editor's. Raises `OSError`."""
    return tuple(
        sorted(
            path
            for path in folder.iterdir()
            if path.suffix in SUFFIXES and not path.name.startswith(".") and not path.is_dir()
        )
    )


def load_agents(
    paths: Iterable[Path], environ: Mapping[str, str], caps: CapOptions | None = None
) -> tuple[tuple[AgentFile, ...], tuple[Problem, ...]]:
    """The agents that are sound, by name, and the problems of all files; never raises."""
    loaded = [load_agent(path, environ, caps) for path in paths]
    problems = [problem for one in loaded for problem in one.problems]
    problems.extend(_clashes(loaded))
    sound = (one.agent for one in loaded if one.agent is not None)
    return tuple(sorted(sound, key=lambda agent: agent.name)), tuple(problems)


def _clashes(loaded: Iterable[LoadedAgent]) -> Iterable[Problem]:
    sound = [(one.agent, one) for one in loaded if one.agent is not None]
    for (first, _), (second, there) in combinations(sound, 2):
        if first.name == second.name:
            what = f"{quoted(second.name)} is also the agent of {first.file}"
            yield _problem(there, what, "give each agent one file", "error")
        elif demands(first) == demands(second):
            what = f"matches exactly the runs {first.file} matches"
            yield _problem(there, what, "match other agents or services", "error")
        elif _overlap(first, second):
            winner = min(first.name, second.name)
            what = f"a run can match both this file and {first.file}: {quoted(winner)} has it"
            fix = "name the agents and services that are this agent's alone"
            yield _problem(there, what, fix, "warning")


def _problem(one: LoadedAgent, what: str, fix: str, severity: Severity) -> Problem:
    return problem_at(one.match_mark, what, fix, "match", severity)


def _overlap(first: AgentFile, second: AgentFile) -> bool:
    """Whether a run can match both, and neither match is the narrower one."""
    if breadth(first) != breadth(second):
        return False
    pairs = zip(demands(first), demands(second), strict=True)
    return all(not one or not other or one & other for one, other in pairs)
