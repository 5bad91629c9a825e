"""The playbook: kinds of incident, how bad, what on-call may do at once, what to do next and why.

In: an incident's category, what is seen of its agent. Out: advice in order, each with its reason.
Pure. Source: Google SRE book, chapter 14 (managing incidents).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agentslo.config.agent_options import AgentFile
from agentslo.config.playbook_options import Action, Category, PlayChange, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """How one category is met. `first`: containments on-call takes without asking, best first."""

    severity: Severity
    means: str
    example: str
    first: tuple[Action, ...]
    then: tuple[str, ...]
    """Questions in order, each with what follows from yes."""
    roll_back_when: str
    pages: str = "operations"
    """Who is called: an owner's role, or a team's name."""


PLAYS: Mapping[Category, Play] = {
    "hallucination_low_impact": Play(
        severity="SEV4",
        means="an answer held something made up, and nobody acted on it",
        example="an internal draft cites a page that does not exist",
        first=(),
        then=(
            "Does the share of such runs rise within a day? Reclassify as customer impact.",
            "Did a release or an index change just before? Roll it back in working hours.",
            "Else review the runs, add each as a test case, and close.",
        ),
        roll_back_when="the share is twice that of the release before",
    ),
    "hallucination_customer_impact": Play(
        severity="SEV2",
        means="a customer got, or acted on, something made up",
        example="a refund was promised that no policy gives",
        first=("safer_prompt", "to_humans"),
        then=(
            "Did it begin with a release? Roll the release back.",
            "Did retrieval return nothing, or old documents? Rebuild the index, keep people in.",
            "Else keep every answer of that task with a person until a test case holds it.",
        ),
        roll_back_when="the first such run is of a release younger than a day",
    ),
    "unsafe_action": Play(
        severity="SEV1",
        means="the agent did, or tried to do, what it must never do",
        example="money was sent to an account that a web page named",
        first=("kill_switch", "to_humans", "disable_tool"),
        then=(
            "Is the tool still reachable? Kill switch now; ask later.",
            "Did words of a document reach the tool's arguments? Keep the tool off: injection.",
            "Did it begin with a release? Roll back before the switch is lifted.",
            "Lift the switch only with every affected run reviewed, by hand.",
        ),
        roll_back_when="always, where a release introduced the tool, the prompt or the permission",
    ),
    "tool_failure": Play(
        severity="SEV3",
        means="a tool fails or answers in another shape, and runs fail with it",
        example="the order system answers 503 to every second call",
        first=("fallback", "disable_tool"),
        then=(
            "Does the tool fail for others too? Its owners own it; stay in fallback.",
            "Did its answer change shape? Pin the version, or change the agent's reading of it.",
            "Does the budget burn at page speed? It is SEV2.",
        ),
        roll_back_when="the failures began with a release of the agent or the tool",
    ),
    "data_corruption": Play(
        severity="SEV1",
        means="something was written twice, in part, or wrongly",
        example="one order was placed three times after a timeout",
        first=("disable_tool", "kill_switch"),
        then=(
            "Is a write tool still called? Disable it now.",
            "Which records? The bad runs name them; mend them before the tool comes back.",
            "Was it a retry without a key? Declare the tool's idempotency, add a test case.",
        ),
        roll_back_when="the first such run is of a release younger than a day",
    ),
    "widespread_drift": Play(
        severity="SEV2",
        means="what is asked or how the agent works moved in several places, and outcomes with it",
        example="after a model update every second task type takes another path, more runs fail",
        first=("reduce_autonomy", "fallback"),
        then=(
            "Does the drift board say reversible by rollback? Roll back.",
            "By configuration? Undo that change.",
            "By retraining? Propose it with the evidence; keep autonomy reduced until it is out.",
        ),
        roll_back_when="the first drifted slice begins with a release",
    ),
    "undetermined": Play(
        severity="SEV3",
        means="an objective burns and no kind stands out yet",
        example="the burn alert fires with a mix of reasons",
        first=("reduce_autonomy",),
        then=(
            "Which reason leads among the bad runs? Reclassify by it.",
            "Did it begin with a release? Roll back.",
        ),
        roll_back_when="the bad runs are of the newest release alone",
    ),
}

BY_OUTCOME: Mapping[str, Category] = {
    "unsafe_action": "unsafe_action",
    "data_corruption": "data_corruption",
    "hallucination": "hallucination_customer_impact",
    "tool_failure": "tool_failure",
}
"""What a run's outcome says of the kind of incident."""


def plays(file: AgentFile | None) -> Mapping[Category, Play]:
    """The playbook of an agent: the shipped one with what its file changes."""
    if file is None:
        return PLAYS
    changed = {change.name: _changed(PLAYS[change.name], change) for change in file.playbook}
    return {**PLAYS, **changed}


def _changed(play: Play, change: PlayChange) -> Play:
    return replace(
        play,
        severity=change.severity or play.severity,
        example=change.example or play.example,
        first=change.contain or play.first,
        then=change.steps or play.then,
        roll_back_when=change.roll_back_when or play.roll_back_when,
        pages=change.pages or play.pages,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of an incident's agent when somebody asks what to do."""

    bad_outcomes: Mapping[str, int]
    """Bad runs since the incident began, by outcome."""
    bad_releases: Mapping[str, int]
    """The same by release."""
    good_releases: Mapping[str, int]
    contained: Sequence[str]
    """Actions in force."""
    effective: bool | None
    """Whether runs obey them; None where that cannot be told."""
    write_tools: Sequence[str]
    """Tools of the agent that change the world, seen in bad runs first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing to do next, why, and the command where there is one."""

    what: str
    why: str
    command: str = ""


def category_of(alertname: str, outcomes: Mapping[str, int]) -> Category:
    """The kind of incident an alert opens, from its name, else from the bad runs of its agent."""
    named: tuple[tuple[str, Category], ...] = (
        ("Unsafe", "unsafe_action"),
        ("DataCorruption", "data_corruption"),
        ("Drift", "widespread_drift"),
        ("Hallucination", "hallucination_customer_impact"),
        ("ToolError", "tool_failure"),
    )
    for part, category in named:
        if part in alertname:
            return category
    total = sum(outcomes.values())
    for outcome, count in sorted(outcomes.items(), key=lambda item: -item[1]):
        # Half of the bad runs: below that no single kind explains the incident.
        if outcome in BY_OUTCOME and 2 * count >= total:
            return BY_OUTCOME[outcome]
    return "undetermined"


def advise(incident: str, agent: str, play: Play, seen: Seen) -> list[Advice]:
    """What to do next about an incident of an agent, by its play, in order."""
    out = list[Advice]()
    if not seen.contained:
        out.extend(_contain(f"--agent {agent} --incident {incident}", play, seen))
    elif seen.effective is False:
        out.append(
            Advice(
                what="Stop the agent where it runs",
                why="runs that began after the containment do not obey it: the agent does not read "
                "its flags, or reads others",
                command=f"agentslo contain do --agent {agent} --incident {incident} "
                "--action kill_switch",
            )
        )
    elif seen.effective is None:
        out.append(
            Advice(
                what="Check that the containment took effect",
                why="no run since shows whether the agent obeys it",
                command=f"agentslo contain status --agent {agent}",
            )
        )
    if (release := suspect_release(seen)) is not None:
        bad = seen.bad_releases[release]
        why = f"{bad} of {sum(seen.bad_releases.values())} bad runs are of {release}"
        out.append(Advice(what=f"Roll back release {release}", why=f"{why}; {play.roll_back_when}"))
    led = ", ".join(f"{n} {o}" for o, n in sorted(seen.bad_outcomes.items(), key=lambda i: -i[1]))
    out.append(
        Advice(
            what="Look at the bad runs",
            why=f"since it began: {led or 'none in the ledger'}",
            command=f"agentslo runs list --bad --since 1d --agent {agent}",
        )
    )
    out.extend(Advice(what=question, why="playbook") for question in play.then)
    return out


def _contain(about: str, play: Play, seen: Seen) -> list[Advice]:
    found = []
    for action in play.first[:1]:
        tools = seen.write_tools if action == "disable_tool" else ("",)
        for tool in tools[:1] or ("TOOL",):
            suffix = f" --tool {tool}" if action == "disable_tool" else ""
            found.append(
                Advice(
                    what=f"Contain: {action.replace('_', ' ')}",
                    why=f"{play.means}; on-call may do this without asking anybody",
                    command=f"agentslo contain do {about} --action {action}{suffix}",
                )
            )
    return found


def suspect_release(seen: Seen) -> str | None:
    """The release whose runs fail far more often than the others' do; None where none stands out,
    or there is nothing to compare with.
    """
    rates = {
        release: bad / (bad + seen.good_releases.get(release, 0))
        for release, bad in seen.bad_releases.items()
        if bad >= 3
    }
    others = {*seen.bad_releases, *seen.good_releases}
    for release, rate in sorted(rates.items(), key=lambda item: -item[1]):
        rest = others - {release}
        bad = sum(seen.bad_releases.get(r, 0) for r in rest)
        good = sum(seen.good_releases.get(r, 0) for r in rest)
        if bad + good >= 3 and rate >= 2 * max(bad / (bad + good), 0.05):
            return release
    return None
