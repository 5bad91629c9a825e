"""Which derived prompt versions to believe: a prompt that is another every time is no version.

In: runs as built. Out: the same, without a prompt version that was derived from a text which the
agent changes from run to run (names, retrieved passages). State: per agent, the versions its runs
had within a day of each other, bounded by number. Time is that of the runs.
"""

from collections import OrderedDict
from dataclasses import replace

from agentslo.dialects.prompts import DERIVED
from agentslo.model import Run
from agentslo.runs.build import Versions, release_of

MAX_AGENTS = 1000
MAX_PROMPTS = 5
"""More prompts of one agent in a day were not written by people."""
DAY_NS = 86_400_000_000_000


class Prompts:
    """The derived prompt versions of each agent. Owned by one thread."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], OrderedDict[str, int]] = OrderedDict()

    def settled(self, run: Run) -> Run:
        """The run, its derived prompt version left out where the agent has too many of them."""
        if not run.prompt_version.startswith(DERIVED):
            return run
        agent = run.agent, run.environment
        seen = self._seen.setdefault(agent, OrderedDict())
        self._seen.move_to_end(agent)
        if len(self._seen) > MAX_AGENTS:
            self._seen.popitem(last=False)
        seen[run.prompt_version] = run.end_ns
        seen.move_to_end(run.prompt_version)
        while len(seen) > MAX_PROMPTS + 1 or run.end_ns - next(iter(seen.values())) > DAY_NS:
            seen.popitem(last=False)
        return run if len(seen) <= MAX_PROMPTS else _without_prompt(run)


def _without_prompt(run: Run) -> Run:
    left = Versions(
        agent=run.agent_version,
        prompt="",
        models=run.models,
        tools=run.tools_version,
        policy=run.policy_version,
    )
    return replace(run, prompt_version="", release=release_of(left))
