"""Every `agent_slo.*` span attribute, and `docs/attributes.md`, which is made from this table.

In: nothing. Out: the table; `python -m agentslo.measure.attributes docs/attributes.md` writes the
page. No state. A test holds the table to what the code reads and sends. Contract: design.md 4.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Where = Literal["input", "root", "step", "verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute: its name, the type of its value, where it is, what it says."""

    name: str
    value: str
    where: Where
    says: str


def _input(name: str, value: str, says: str) -> Attribute:
    return Attribute(name=f"agent_slo.declared.{name}", value=value, where="input", says=says)


def _out(where: Where, name: str, value: str, says: str) -> Attribute:
    return Attribute(name=f"agent_slo.{name}", value=value, where=where, says=says)


_RUN: Final = "agent or workflow span"
_TOOL: Final = "tool span"

ATTRIBUTES: Final = (
    _input("outcome", "text", f"{_RUN}: an outcome of docs/outcomes.md, as a self-report."),
    _input("outcome_reason", "text", f"{_RUN}: the reason that goes with it."),
    _input("task_type", "text", f"{_RUN}: kind of task, for objectives by `task_types`."),
    _input("user_segment", "text", f"{_RUN}: user segment, for objectives by `segments`."),
    _input("prompt_version", "text", f"{_RUN}: version of the prompt; part of the release."),
    _input("policy_version", "text", f"{_RUN}: version of the policy; part of the release."),
    _input("index_version", "text", f"{_RUN}: version of the index searched; explains drift."),
    _input("tool_version", "text", f"{_TOOL}: version of the tool; explains drift."),
    _input("confidence", "number 0 to 1", f"{_RUN}: how sure the agent is; compared over time."),
    _input("retrieval_score", "number", f"{_RUN}: best score of a search; compared over time."),
    _input("index_age_s", "number", f"{_RUN}: age of the index searched, in seconds."),
    _input("override", "boolean", f"{_RUN}: a person overrode the agent."),
    _input("fallback", "boolean", f"{_RUN}: a fallback answered in place of the agent."),
    _input("policy_violation", "boolean", "any span: true is an unsafe action (self-report)."),
    _input("escalation_reason", "text", f"{_RUN} or hand-over: why a person was asked."),
    _input("approval", "`approved`, `granted`, true", f"{_TOOL}: a person said yes to this call."),
    _input("idempotency_key", "text", f"{_TOOL}: calls with the same key are the same effect."),
    _input(
        "action_state",
        "`verified`, `replayed`",
        f"{_TOOL}: the effect was checked, or a repeat was recognised and had none.",
    ),
    _input("span_role", "a role", "any span: what it does, before every convention."),
    _input(
        "sampled_ratio",
        "number 0 to 1",
        f"{_RUN}: share of runs that are sent, where a sampler does not say so in `tracestate`.",
    ),
    _out("step", "step.role", "text", "What the span does: `agent`, `llm`, `tool`, ..."),
    _out("step", "step.result", "text", "`ok`, `error`, `interrupted`, `unknown`, on arrival."),
    _out("root", "run.id", "text", "Trace id, `:`, root span id."),
    _out("root", "run.outcome", "text", "The outcome; what a tail sampler decides by."),
    _out("root", "run.outcome_reason", "text", "Why, in a word of docs/outcomes.md."),
    _out("root", "run.outcome_evidence", "text", "What that rests on."),
    _out("root", "run.finalized_by", "text", "What closed the run."),
    _out("root", "run.tokens_input", "integer", "Input tokens of all model calls."),
    _out("root", "run.tokens_output", "integer", "Output tokens of all model calls."),
    _out("root", "run.cost_usd", "number", "US dollars, where every part has a price."),
    _out("root", "run.llm_calls", "integer", "Model calls."),
    _out("root", "run.tool_calls", "integer", "Tool calls."),
    _out("root", "run.tool_errors", "integer", "Those that failed."),
    _out("root", "run.escalated", "boolean", "Whether it was handed to a person."),
    _out("root", "run.novelty", "number 0 to 1", "How unlike earlier requests its words are."),
    _out("root", "slo.good", "list of text", "Objectives it met."),
    _out("root", "slo.bad", "list of text", "Objectives it missed."),
    _out("root", "slo.unknown", "list of text", "Objectives nobody can judge it by."),
    _out("root", "release", "text", "Short id of agent, prompt, model, tools and policy version."),
    _out("root", "drift.score", "number", "Largest deviation of the agent now, as z."),
    _out("root", "drift.feature", "text", "The feature that deviates."),
    _out("verdict", "verdict.revision", "integer", "0, then 1 and on with each correction."),
    _out("verdict", "verdict.supersedes", "text", "The outcome this revision replaces."),
)

_INTRO: Final = """# Attributes

<!-- Made by `python -m agentslo.measure.attributes docs/attributes.md`; edit the table there. -->

What agentslo reads of and adds to spans under `agent_slo.`, beyond the conventions of frameworks
([which](frameworks.md)). What is unknown is absent, never 0. A span that arrives with one of ours
gets none added: its verdict goes out as a verdict span.
"""
_PARTS: Final = {
    "input": (
        "What an application may say",
        (
            "None is needed. A declared outcome is a self-report, the weakest evidence. A listener"
            " with `trust: false` does not read them."
        ),
    ),
    "root": (
        "On run roots",
        "At most 20. In-line alone: a root is held up to `runs.hold_max_s` for them.",
    ),
    "step": ("On the spans of agents", "In-line, as they pass."),
    "verdict": (
        "On verdict spans",
        (
            "Span `agent_slo.verdict` of scope `agentslo`, in the run's trace: what run roots"
            " carry, and these. Sent where a root is lost or its outcome changed, or always"
            " (`runs.verdict_span`)."
        ),
    ),
}


def document() -> str:
    """The whole page."""
    return "\n".join([_INTRO, *_sections()])


def _sections() -> Iterator[str]:
    for where, (title, text) in _PARTS.items():
        yield f"## {title}\n\n{text}\n\n| attribute | value | |\n|---|---|---|"
        yield from (
            f"| `{found.name}` | {found.value} | {found.says} |"
            for found in ATTRIBUTES
            if found.where == where
        )
        yield ""


def main() -> None:
    """Writes the page to the path given."""
    parser = argparse.ArgumentParser(description="Write the attribute reference.")
    parser.add_argument("path", type=Path)
    path: Path = parser.parse_args().path
    path.write_text(document().rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
