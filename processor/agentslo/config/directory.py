"""Which agent file a run belongs to.

In: the agent files in force and the stand-in for agents without one. Out: the file of a run. State:
a bounded memo. Of the files that match, the narrowest wins: one that names the agent before one
that names its service alone; among those, one that also names the service, then one that names the
environment; then the first by name, of which `check` warns.
"""

from collections.abc import Iterable

from agentslo.config.agent_options import AgentFile

MAX_MEMO = 10_000


def demands(file: AgentFile) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """What a run must say of itself - agent, service, environment - to be this file's; an empty
    set: anything.
    """
    match = file.match
    agents = match.agents if match.agents or match.services else (file.name,)
    return frozenset(agents), frozenset(match.services), frozenset(match.environments)


def breadth(file: AgentFile) -> tuple[bool, ...]:
    """How wide a file's match is; the lower wins."""
    return tuple(not demand for demand in demands(file))


class Directory:
    """The declared agents."""

    def __init__(self, files: Iterable[AgentFile], default: AgentFile) -> None:
        self.files = tuple(sorted(files, key=lambda f: (breadth(f), f.name)))
        self.default = default
        self._memo: dict[tuple[str, ...], AgentFile] = {}

    def find(self, agent: str, service: str, environment: str, workflow: str = "") -> AgentFile:
        """The file for a run whose spans name its agent, or the workflow above its agents, so; the
        default where none matches.
        """
        key = agent, service, environment, workflow
        found = self._memo.get(key)
        if found is None:
            found = next((f for f in self.files if _matches(f, *key)), self.default)
            if len(self._memo) >= MAX_MEMO:
                self._memo.clear()
            self._memo[key] = found
        return found

    def named(self, name: str) -> AgentFile:
        """The file that gives its runs this name; the default where none does."""
        return next((f for f in self.files if f.name == name), self.default)


def _matches(file: AgentFile, agent: str, service: str, environment: str, workflow: str) -> bool:
    agents, services, environments = demands(file)
    return (
        (not agents or agent in agents or workflow in agents)
        and (not services or service in services)
        and (not environments or environment in environments)
    )
