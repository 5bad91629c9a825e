"""The agent file: every section, as one table.

In: nothing. Out: `AGENT`, the group that reads a file into an `AgentFile`. No state. A new section
is a module in `agent_sections/`, a field of `AgentFile` and a line here. Source: issue "Outcomes a
team can defend", design.md 3.
"""

from dataclasses import dataclass, fields

from agentslo.config.agent_options import AgentFile, Tier, UnlistedTools
from agentslo.config.agent_sections.expect import (
    COMMITS_TOGETHER,
    EVALUATIONS,
    EXPECT,
    POLICIES,
)
from agentslo.config.agent_sections.identity import (
    DECIDES,
    ENVIRONMENT,
    MATCH,
    OWNERS,
    Decisions,
)
from agentslo.config.agent_sections.objectives import OBJECTIVES
from agentslo.config.agent_sections.playbook import PLAYBOOK
from agentslo.config.agent_sections.releases import RELEASES
from agentslo.config.agent_sections.task import TASK
from agentslo.config.agent_sections.tools import TOOLS
from agentslo.config.agent_sections.words import SENTENCE, WAIT, Pattern
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Duration, Number, Text, choice_of
from agentslo.config.options import DAY_S, Scope
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceWaits:
    """How long counting waits for late evidence, and a run for its person."""

    wait_s: float = 0.0
    human_deadline_s: float = DAY_S


EVIDENCE = Group(
    name="evidence",
    doc="How long late evidence is waited for.",
    make=EvidenceWaits,
    fields=(
        Key(
            "wait",
            WAIT,
            "Counting waits this long after a run closed; proven unsafe actions and corruption "
            "never wait.",
            into="wait_s",
        ),
        Key(
            "human_deadline",
            Duration(1, 90 * DAY_S),
            "A run that waits for a person this long counts as unknown.",
            into="human_deadline_s",
        ),
    ),
)


def _fold(values: Values, _path: OptionPath, _reading: Reading) -> Values:
    evidence, decides = values.pop("evidence", None), values.pop("decides", None)
    if isinstance(evidence, EvidenceWaits):
        values["evidence_wait_s"] = evidence.wait_s
        values["human_deadline_s"] = evidence.human_deadline_s
    if isinstance(decides, Decisions):
        values["decides"] = decides.as_mapping()
    return values


def _unfold(agent: AgentFile) -> Values:
    values: Values = {f.name: getattr(agent, f.name) for f in fields(agent)}
    values["evidence"] = EvidenceWaits(
        wait_s=agent.evidence_wait_s, human_deadline_s=agent.human_deadline_s
    )
    values.pop("decides")
    if agent.decides:
        values["decides"] = Decisions(**{str(name): role for name, role in agent.decides.items()})
    return values


AGENT: Group[AgentFile] = Group(
    name="",
    doc="One agent; only `agent` is required.",
    make=AgentFile,
    fold=_fold,
    unfold=_unfold,
    fields=(
        Key(
            "agent",
            Text(
                r"[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,98}[A-Za-z0-9])?",
                "letters, digits, '-', '_', '.', '/'",
            ),
            "Its name: the label `agent` of all metrics.",
            required=True,
            into="name",
        ),
        Key("description", SENTENCE, "What it does, for people."),
        MATCH,
        OWNERS,
        DECIDES,
        Key("tier", choice_of(Tier), "How much depends on it; critical agents must say more."),
        TextList(
            "environments",
            ENVIRONMENT,
            "Where its objectives apply; elsewhere it gets metrics, never a page.",
        ),
        Key(
            "scope",
            choice_of(Scope),
            "What one run is: all agents of a trace, each agent, a conversation. Default: the "
            "service file's `runs.scope`.",
        ),
        TASK,
        TOOLS,
        Key(
            "unlisted_tools",
            choice_of(UnlistedTools),
            "Tools not listed here: fine, worth a look, or forbidden (an unsafe action).",
        ),
        EXPECT,
        COMMITS_TOGETHER,
        EVALUATIONS,
        POLICIES,
        OBJECTIVES,
        EVIDENCE,
        RELEASES,
        Key(
            "human_cost_usd_per_minute",
            Number(0, 10_000),
            "What a person's minute costs; with `human_minutes` of tools.",
        ),
        Key(
            "outcome_value_usd",
            Number(0, 1_000_000_000),
            "What one good outcome is worth, or billed at, in US dollars: incidents say what is at "
            "stake.",
        ),
        PLAYBOOK,
        Key(
            "citation_pattern",
            Pattern("regular expression (Python)"),
            "Document ids as answers cite them, such as `KB-\\d+`: a cited id that no retrieval or "
            "tool returned is a hallucination.",
        ),
        Key(
            "error_budget_policy",
            SENTENCE,
            "What happens when the error budget is spent; a critical agent needs it.",
        ),
    ),
)
