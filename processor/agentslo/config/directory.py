"""Which agent file a run belongs to.

In: the agent files in force and the stand-in for agents without one. Out: the file of a run. State:
a bounded memo. The first file (by name) that matches wins; `check` warns of files that overlap.
"""

from collections.abc import Iterable

from agentslo.config.agent_options import AgentFile

MAX_MEMO = 10_000


class Directory:
    """The declared agents."""

    def __init__(self, files: Iterable[AgentFile], default: AgentFile) -> None:
        self.files = tuple(sorted(files, key=lambda f: f.name))
        self.default = default
        self._memo: dict[tuple[str, str, str], AgentFile] = {}

    def find(self, agent: str, service: str, environment: str) -> AgentFile:
        """The file for an agent as its spans name it; the default where none matches."""
        key = agent, service, environment
        found = self._memo.get(key)
        if found is None:
            found = next((f for f in self.files if _matches(f, key)), self.default)
            if len(self._memo) >= MAX_MEMO:
                self._memo.clear()
            self._memo[key] = found
        return found

    def named(self, name: str) -> AgentFile:
        """The file that gives its runs this name; the default where none does."""
        return next((f for f in self.files if f.name == name), self.default)


def _matches(file: AgentFile, key: tuple[str, str, str]) -> bool:
    agent, service, environment = key
    match = file.match
    if not (match.agents or match.services):
        named = agent == file.name
    else:
        named = (not match.agents or agent in match.agents) and (
            not match.services or service in match.services
        )
    return named and (not match.environments or environment in match.environments)
