"""The playbook of an agent as people and Alertmanager read it.

In: an agent's file, or none. Out: one page of Markdown a kind of incident; routes that call whom
the playbook names. Pure. Source: requirements.md I1, I8, I9.
"""

from typing import Any

from agentslo.config.agent_options import AgentFile
from agentslo.config.playbook_options import CATEGORIES, Category
from agentslo.respond.playbook import Play, plays

_ALERTS: dict[Category, str] = {
    "unsafe_action": "AgentUnsafeAction.*",
    "data_corruption": "AgentDataCorruption.*",
    "widespread_drift": "AgentDrift.*",
    "tool_failure": "AgentToolErrors.*",
}
"""Alerts that name a kind of incident; the others do by what the bad runs show."""
PLACEHOLDER = "AGENT"


def called(play: Play, file: AgentFile | None) -> str:
    """Who is called: the owner the file names for a role, else the words of the playbook."""
    owners = file.owners if file else None
    return str(getattr(owners, play.pages, "") or play.pages)


def page(category: Category, file: AgentFile | None) -> str:
    """One kind of incident on one page, every command ready to copy."""
    play, agent = plays(file)[category], file.name if file else PLACEHOLDER
    lines = [
        f"# {agent}: {category.replace('_', ' ')} ({play.severity})",
        "",
        f"**Means**: {play.means}. **For example**: {play.example}.",
        "",
        f"**Called**: {called(play, file)}. **Take it**: `agentslo incident ack N`",
        "",
        "## At once, without asking anybody",
        "",
        *(_contain(agent, action) for action in play.first),
        *([] if play.first else ["Nothing: log it, and review."]),
        f"- whether it works: `agentslo contain status --agent {agent}`",
        "- what to do next, and why: `agentslo incident advise N`",
        "",
        "## Decide",
        "",
        *(f"{number}. {step}" for number, step in enumerate(play.then, 1)),
        "",
        f"**Roll back** {_when(play.roll_back_when)}.",
        "",
        "## After",
        "",
        (
            "`agentslo incident resolve N HOW`, `agentslo incident draft N > post-mortem.yaml`, "
            "`agentslo incident close N --with post-mortem.yaml`. Prevention changes a prompt or "
            "policy, retrieval data, a tool's permission or an evaluation test."
        ),
    ]
    return "\n".join(lines) + "\n"


def _contain(agent: str, action: str) -> str:
    tool = " --tool TOOL" if action == "disable_tool" else ""
    what = action.replace("_", " ")
    command = f"agentslo contain do --agent {agent} --action {action}{tool} --incident N"
    return f"- {what}: `{command}`"


def _when(text: str) -> str:
    return text if text.startswith(("when", "always", "if")) else f"when {text}"


def routes(file: AgentFile) -> list[dict[str, Any]]:
    """Alertmanager routes to put below `product="agent-slo"`: pages of this agent, by kind, to a
    receiver named after who is called.
    """
    made: list[dict[str, Any]] = []
    for category in CATEGORIES:
        name = _ALERTS.get(category)
        if name is None:
            continue
        matchers = [f'agent="{file.name}"', 'slo_action="page"', f'alertname=~"{name}"']
        made.append({"matchers": matchers, "receiver": called(plays(file)[category], file)})
    rest = [f'agent="{file.name}"', 'slo_action="page"']
    made.append({"matchers": rest, "receiver": called(plays(file)["undetermined"], file)})
    return made
