"""Which agent file is for a run.

In: agent files and what a run says of itself. Out: one of them or None. Pure. The file that gives
the most lists (agents, services, environments) counts; `check` refuses files that tie.
"""

from collections.abc import Iterable

from agentslo.config.agent_options import AgentFile, Match


def find_agent(
    agents: Iterable[AgentFile], *, agent: str, service: str, environment: str
) -> AgentFile | None:
    """The file for a run of `agent` as the spans name it; of those that match, the narrowest."""
    values = (agent, service, environment)
    fitting = [
        file
        for file in agents
        if all(not names or value in names for names, value in _pairs(file.match, values))
    ]
    return max(fitting, key=lambda file: narrowness(file.match), default=None)


def narrowness(match: Match) -> int:
    """How many of the three lists are given: more is narrower."""
    return sum(bool(names) for names in _lists(match))


def clash(first: Match, second: Match) -> bool:
    """Whether a run can match both and neither is the narrower."""
    meet = all(
        not one or not other or set(one) & set(other)
        for one, other in zip(_lists(first), _lists(second), strict=True)
    )
    return meet and narrowness(first) == narrowness(second)


def _lists(match: Match) -> tuple[tuple[str, ...], ...]:
    return match.agents, match.services, match.environments


def _pairs(match: Match, values: tuple[str, ...]) -> zip[tuple[tuple[str, ...], str]]:
    return zip(_lists(match), values, strict=True)
