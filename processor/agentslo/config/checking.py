"""Every problem of whatever files one is given: service files, agent files, folders of either.

In: paths, the environment. Out: problems in the order of the files. No state beyond what is on
disk. Source: design.md 5 (`check`).
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from agentslo.config.agent_schema import AGENT
from agentslo.config.agents import files_in, load_agents
from agentslo.config.problems import Problem
from agentslo.config.service_file import ROOT, problems_of
from agentslo.config.yaml_node import Mapping as MappingNode
from agentslo.config.yaml_node import Mark, problem_at
from agentslo.config.yaml_reader import read_file

_AGENT_KEYS = frozenset(field.name for field in AGENT.fields)
_SERVICE_KEYS = frozenset(field.name for field in ROOT.fields)


def check(paths: Iterable[Path | str], environ: Mapping[str, str] | None = None) -> list[Problem]:
    """Every problem of every file; the environment is this process's unless given.

    The agent files among them are one set: two that match the same run are a problem. The
    environment is checked even where no service file is.
    """
    known = os.environ if environ is None else environ
    problems: dict[Problem, None] = {}
    agent_files: list[Path] = []
    service_files: list[Path] = []
    for path in map(Path, paths):
        found, trouble = _files(path)
        problems.update(dict.fromkeys(trouble))
        for file in found:
            kind = _kind(file)
            if kind == "agent":
                agent_files.append(file)
            elif kind == "service" or file == path:
                service_files.append(file)
    for service in service_files or (None,):
        problems.update(dict.fromkeys(problems_of(service, known)))
    problems.update(dict.fromkeys(load_agents(dict.fromkeys(agent_files), known)[1]))
    return list(problems)


def _kind(path: Path) -> Literal["agent", "service", "other"]:
    """What a file looks like by its keys; `other` has none of ours, as other tools' files do.

    Keys are counted, so that a misspelt `agent:` does not make the rest unknown keys of a service.
    """
    document = read_file(path)[0]
    if not isinstance(document.root, MappingNode):
        return "service"
    keys = {entry.key for entry in document.root.entries}
    ours, service = len(keys & _AGENT_KEYS), len(keys & _SERVICE_KEYS)
    if "agent" in keys or ours > service:
        return "agent"
    return "service" if service or not keys else "other"


def _files(path: Path) -> tuple[tuple[Path, ...], tuple[Problem, ...]]:
    """The file itself, or the YAML files of a folder."""
    try:
        if not path.is_dir():
            return (path,), ()
        found = files_in(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what, fix = f"cannot be read: {reason}", "correct the path"
        return (), (problem_at(Mark(str(path)), what, fix),)
    if not found:
        return (), (problem_at(Mark(str(path)), "the folder holds no *.yaml file", "name another"),)
    return found, ()
