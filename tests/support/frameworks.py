"""docs/frameworks.md: what agentslo tells of runs, per framework and instrumentation.

In: recordings with a manifest, and the table below for conventions nobody recorded. Out: CSV of
what was told (tests/data/frameworks.csv), and the page made from it. No state.

    python -m support.frameworks measure FOLDER... > tests/data/frameworks.csv
    python -m support.frameworks page > docs/frameworks.md            (both from tests/)

A capability is told where the run that `agentslo replay` prints says what really happened in the
recorded scenario. Nothing here is judged by hand.
"""

import contextlib
import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentslo.cli.main import main as agentslo

TABLE = Path(__file__).parents[1] / "data" / "frameworks.csv"
Run = Any
Row = Mapping[str, str]


@dataclass(frozen=True)
class Capability:
    """What may be told, the scenario that shows it, and how its runs show that it was."""

    name: str
    scenario: str
    told: Callable[[list[Run], Row], bool]


def _outcome(*names: str) -> Callable[[list[Run], Row], bool]:
    return lambda runs, _: len(runs) == 1 and runs[0]["outcome"] in names


def _one(told: Callable[[Run], object]) -> Callable[[list[Run], Row], bool]:
    return lambda runs, _: len(runs) == 1 and bool(told(runs[0]))


def _named(run: Run) -> bool:
    name = run["agent"].rpartition("/")[2].lower()
    return "support" in name or name == "agent"


def _tokens(runs: list[Run], row: Row) -> bool:
    tokens_in, tokens_out = (sum(r[k] or 0 for r in runs) for k in ("tokens_in", "tokens_out"))
    handed_out = int(row["tokens_out"] or -1)
    # Some frameworks count what a model thought as output, some apart.
    thought = int(row["tokens_reasoning"] or 0)
    outputs = (handed_out, handed_out + thought)
    return tokens_in == int(row["tokens_in"] or -1) and tokens_out in outputs


def _session(runs: list[Run], _: Row) -> bool:
    told = {r["conversation_id"] for r in runs}
    return len(runs) == 2 and len(told) == 1 and None not in told


CAPABILITIES = (
    Capability("run root", "a_success_tool", _one(lambda r: r["finalized_by"] == "root_ended")),
    Capability("agent name", "a_success_tool", _one(_named)),
    Capability("failed run", "j_model_error", _outcome("error")),
    Capability("tool error", "b_tool_error_giveup", _one(lambda r: r["tool_errors"])),
    Capability("hand-off", "d_handoff_agent", _one(lambda r: "billing" in str(r["sub_agents"]))),
    Capability("escalation", "d_escalate_human", _one(lambda r: r["escalated"])),
    Capability("content filter", "e_content_filter", _outcome("refused")),
    Capability("truncated", "o_truncated", _outcome("limit")),
    Capability("loop", "f_loop_same_call", _one(lambda r: r["loop"] or r["outcome"] == "limit")),
    Capability("guardrail", "k_guardrail_input", _outcome("blocked")),
    Capability("approval", "p_approval_pending", _outcome("waiting")),
    Capability("cancelled", "s_cancelled", _outcome("cancelled")),
    Capability("tokens", "a_success_tool", _tokens),
    Capability("session", "n_session_two_turns", _session),
)
HEAD = ("capture", "framework", "version", "instrumentation", "instrumentation_version", "kept")
COLUMNS = (*HEAD, *(c.name for c in CAPABILITIES))


def measure(folder: Path) -> Iterator[dict[str, str]]:
    """One row per capture of a folder: `yes`, `no`, or `-` where the scenario was not recorded."""
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if (folder / r["file"]).exists()]
    wanted = {c.scenario for c in CAPABILITIES}
    rows = [r for r in rows if r["scenario"] in wanted]
    runs = _replay([folder / r["file"] for r in rows])
    for capture in dict.fromkeys(r["capture"] for r in rows):
        found = {r["scenario"]: r for r in rows if r["capture"] == capture}
        first = next(iter(found.values()))
        told = {}
        for capability in CAPABILITIES:
            row = found.get(capability.scenario)
            here = runs.get(str(folder / row["file"]), []) if row else []
            told[capability.name] = "-" if row is None else _word(capability.told(here, row))
        yield {
            "capture": capture,
            "framework": first["framework"],
            "version": first["framework_version"],
            "instrumentation": first["instrumentation"],
            "instrumentation_version": first["instrumentation_version"],
            "kept": _word(folder.name == "captures"),
            **told,
        }


def _word(told: bool) -> str:
    return "yes" if told else "no"


def _replay(files: Iterable[Path]) -> dict[str, list[Run]]:
    """The runs of each file, replayed on its own."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = agentslo(["replay", "--each-file", "--format", "jsonl", *map(str, files)])
    if code:
        raise ValueError("the recordings cannot be replayed")
    found: dict[str, list[Run]] = {}
    for line in out.getvalue().splitlines():
        event = json.loads(line)
        if event["type"] == "run":
            found.setdefault(event["source"], []).append(event)
    return found


def table() -> list[dict[str, str]]:
    """The committed rows."""
    with TABLE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


# ---- the page

_INTRODUCTION = """\
# Frameworks

<!-- Made by `python -m support.frameworks page` (in tests/) from tests/data/frameworks.csv. -->

agentslo reads spans as frameworks send them; nothing has to be changed in an application. Dialects
are found per span, so several may meet in one trace. What no dialect knows can be mapped without
code (`examples/mapping.yaml`) or read by a plug-in (`examples/dialect-plugin`).

**yes**: told on a recording of the version named, replayed as by `agentslo replay`. **no**: the
recording was read and it was not told, mostly because the spans do not hold it. **-**: not
recorded. Message content was captured in all of these; without it a loop is told by tool names.
Rows with an asterisk were measured once, on recordings that are not kept beside the project and
that rules were bettered by; all others are measured again by every test run that has the
recordings.
"""

_MEANING = """\
What each column asks of the recorded scenario:

| column | told where |
|---|---|
| run root | one run, closed by the end of its root |
| agent name | the run carries the name given in the code |
| failed run | the model's API refused, the exception ended the run: `error` |
| tool error | a tool raised and the agent apologised: counted in `tool_errors` |
| hand-off | the second agent is part of the same run |
| escalation | a tool handed over to a person: `escalated` |
| content filter | the provider's filter emptied the answer: `refused` |
| truncated | the answer was cut off by the token limit: `limit` |
| loop | the same call again and again: `loop`, or the limit that stopped it |
| guardrail | an input guardrail stopped the run: `blocked` |
| approval | the run stopped to wait for a person: `waiting` |
| cancelled | the caller's timeout ended it: `cancelled` |
| tokens | input and output tokens are those the model handed out |
| session | two turns carry the same conversation id |
"""

# Dialects tested on single recorded spans, without the scenarios above.
SPANS = (
    (
        "Vercel AI SDK, legacy telemetry (all of version 6, opt-in later)",
        "ai 7.0.173, @ai-sdk/otel",
        "run root, agent name, failed run, tool error, truncated, tokens",
        "an aborted stream (no mark), hand-off, guardrail, approval",
    ),
    (
        "Vercel AI SDK 7",
        "ai 7.0.173, @ai-sdk/otel",
        "run root, agent name, tool error, tokens",
        "an aborted stream (no mark); every single `generateText` is an agent",
    ),
    (
        "Langfuse",
        "langfuse 5.0.4",
        "run root, agent name, failed run, tool error, tokens, cost, session",
        "finish reasons, unless the captured output holds them",
    ),
    (
        "LangSmith OTel export",
        "langsmith 0.15.0",
        "run root, tool error, approval, tokens, session (metadata)",
        "agents among chains; `langsmith.trace.session_id` is a project, not a session",
    ),
    (
        "Model Context Protocol",
        "mcp 2.3.0 (server)",
        "tool calls and their errors; handshakes are no runs",
        "a server alone is no run; `mcp.session.id` is no conversation",
    ),
)

DOCUMENTED = (
    (
        "Claude Code, claude-agent-sdk",
        "vendor documentation of the traces beta",
        "run root, tool error, failed model call, wait for a person, abort, tokens, session, limit",
        "an agent's name; a run of which only `claude_code.llm_request` arrives",
    ),
    (
        "NeMo Guardrails",
        "constants of nemoguardrails 0.24.1",
        "run root, guardrail triggered",
        "blocked by a rail without `rail.stop`",
    ),
    (
        "Azure AI agents",
        "constants of azure-ai-projects 2.10.0",
        "how a thread's run ended, administration",
        "tool calls that run inside the service",
    ),
    (
        "pydantic-ai, deferred tools",
        "documentation of pydantic-ai",
        "approval by `pydantic_ai.tool.deferral.name`",
        "",
    ),
    (
        "CrewAI guardrails, policies, human feedback and failure codes",
        "source of crewai 1.15.30",
        "guardrail triggered, policy that blocked, wait for a person, type of a tool's failure",
        "",
    ),
    (
        "OpenInference evaluations and annotations",
        "openinference-semantic-conventions 0.1.42",
        "what an evaluator or a person said of a span or its trace",
        "what was said of a session; feedback that stays in a vendor's own API",
    ),
)


def page(rows: list[dict[str, str]]) -> str:
    """The whole page."""
    parts = [_INTRODUCTION, "## Recorded runs\n", _grid(rows), _MEANING]
    parts += ["## Recorded spans\n", _list("tested on spans of", SPANS)]
    parts.append("## From documentation, not verified\n")
    parts.append("Tested on spans built from what is named; counted in no claim.\n")
    parts.append(_list("built from", DOCUMENTED))
    return "\n".join(parts)


def _grid(rows: list[dict[str, str]]) -> str:
    names = [c.name for c in CAPABILITIES]
    lines = [
        f"| framework | read through | {' | '.join(names)} |",
        f"|{'---|' * (len(names) + 2)}",
    ]
    for row in sorted(rows, key=lambda r: (r["framework"], r["capture"])):
        cells = [f"**{row[n]}**" if row[n] == "yes" else row[n] for n in names]
        through = f"{row['instrumentation']} {row['instrumentation_version']}"
        if row["instrumentation"].startswith("native"):
            through = f"its own spans ({row['capture'].rpartition('__')[2]})"
        mark = "" if row["kept"] == "yes" else " \\*"
        name = re.sub(r"(-\d+\.x)?__.*", "", row["capture"])
        lines.append(f"| {name} {row['version']}{mark} | {through} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _list(how: str, entries: Iterable[tuple[str, str, str, str]]) -> str:
    lines = [f"| convention | {how} | told | not told |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(entry)} |" for entry in entries]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """The command of this module."""
    if arguments[:1] == ["measure"]:
        out = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        out.writeheader()
        for folder in arguments[1:]:
            out.writerows(measure(Path(folder)))
    else:
        sys.stdout.write(page(table()))


if __name__ == "__main__":
    main(sys.argv[1:])
