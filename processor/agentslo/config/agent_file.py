"""One agent file: from a path to an `AgentFile`, with everything that is wrong with it.

In: a path, the environment, the caps of the service. Out: `LoadedAgent`. No state. `agents.py`
reads many and checks them against each other. Source: design.md 3.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from agentslo.config.agent_crosscheck import check_agent
from agentslo.config.agent_options import AgentFile
from agentslo.config.agent_schema import AGENT
from agentslo.config.fields import Faulty
from agentslo.config.options import CapOptions
from agentslo.config.problems import Problem
from agentslo.config.reading import Reading
from agentslo.config.schema import homes
from agentslo.config.yaml_node import Mapping as MappingNode
from agentslo.config.yaml_node import Mark
from agentslo.config.yaml_reader import read_file

_HOMES = homes(AGENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedAgent:
    """An agent file as read. `agent` is None where something in it is wrong; `problems` say what.

    `match_mark` is where a clash with another file is shown.
    """

    agent: AgentFile | None
    problems: tuple[Problem, ...]
    match_mark: Mark


def load_agent(
    path: Path, environ: Mapping[str, str], caps: CapOptions | None = None
) -> LoadedAgent:
    """The agent file at `path`; never raises."""
    file = str(path)
    document, data = read_file(path)
    reading = Reading(file, environ=environ, base=path.absolute().parent, homes=_HOMES)
    reading.add_source(file, document.lines)
    reading.note_all(document.problems)
    agent: AgentFile | None = None
    if not document.is_broken:
        root = document.root or MappingNode((), Mark(file))
        read = AGENT.read(root, (), reading)
        if not isinstance(read, Faulty):
            agent = replace(read, file=file, revision=hashlib.sha256(data).hexdigest()[:12])
            check_agent(agent, reading, caps or CapOptions())
    problems = reading.problems()
    is_sound = not any(problem.is_error for problem in problems)
    mark = reading.mark(("match",)) if reading.is_written(("match",)) else reading.mark(("agent",))
    return LoadedAgent(agent=agent if is_sound else None, problems=problems, match_mark=mark)
