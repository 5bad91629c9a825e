"""docs/cli.md, made from the parser of the command line.

In: `cli.main.parser()`. Out: Markdown. No state. `python -m agentslo.cli.reference` prints it; a
test compares it with the committed page. What a parser cannot say, exit codes and an example, is
in NOTES.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agentslo.cli.main import parser

_INTRODUCTION = """\
# Command line

<!-- Made by `python -m agentslo.cli.reference`; edit the commands in the code instead. -->

Exit codes everywhere: 0 pass; 1 usage, configuration or crash; 2 fail; 3 inconclusive (nothing to
judge, or nothing found); 4 refused. Results are on standard output, progress and errors on standard
error. Every option of the service file is also a variable `AGENTSLO_*`
([configuration](configuration.md)).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the parser does not say of a command: how it ends, how it is called, and the meaning of
    arguments that have no help text.
    """

    exits: str = ""
    example: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)


NOTES: Mapping[str, Notes] = {
    "run": Notes(
        exits="0 after a stop signal (SIGTERM, SIGINT); 1 where it cannot start. SIGHUP reloads.",
        example="agentslo run --config agentslo.yaml",
    ),
    "check": Notes(
        exits="0 no problem, or warnings alone; 1 problems.", example="agentslo check agentslo.yaml"
    ),
    "replay": Notes(
        exits="0 done; 1 where a file or the configuration cannot be read. With `--each-file` the"
        " other files are replayed all the same.",
        example="agentslo replay --each-file --format jsonl recordings/",
        arguments={
            "PATH": "files, or folders read recursively; `.gz` by magic, other names are skipped",
            "--format": "table for people, one JSON object a line",
            "--json": "same as `--format jsonl`",
        },
    ),
    "explain": Notes(
        exits="0 explained; 1 where nothing can be read; 3 where there is no run.",
        example="agentslo explain recordings/run.otlp.gz",
        arguments={"PATH|RUN": "a recording, or the id of a run"},
    ),
    "doctor": Notes(
        exits="0 done; 1 where nothing can be read; 3 where no run was seen.",
        example="agentslo doctor --live http://127.0.0.1:9465",
        arguments={"PATH": "recordings; without any, `--live` must be given"},
    ),
    "init": Notes(
        exits="0 written or shown; 1 where a file exists or something cannot be read; 3 where no"
        " agent was seen.",
        example="agentslo init --from recordings/ --out agents",
    ),
    "bundle": Notes(
        exits="0 written, or fresh with `--check`; 1 where the configuration or the folder cannot"
        " be used; 2 where `--check` found stale files.",
        example="agentslo bundle --check",
    ),
    "baseline": Notes(
        exits="0 done, or alike; 1 where a file cannot be read; 2 where `compare` finds a drift; 3"
        " where there is no such baseline, or too few runs; 4 where `relearn` is refused.",
        example="agentslo baseline show --config agentslo.yaml",
    ),
    "compare": Notes(
        exits="0 the canary is not worse; 1 where the ledger cannot be read; 2 it is worse; 3 not"
        " enough data to say.",
        example="agentslo compare --config agentslo.yaml --agent shop --stable r1 --canary r2",
    ),
    "runs": Notes(
        exits="0 found; 1 where the ledger cannot be read; 3 where nothing was found.",
        example="agentslo runs list --config agentslo.yaml --bad --since 1d",
        arguments={
            "RUN": "id of the run; its beginning is enough where no other begins so",
            "--agent": "only this agent",
            "--environment": "only this environment",
            "--limit": "at most this many",
        },
    ),
    "incident": Notes(
        exits="0 done; 1 usage or storage; 3 where there is none to list; 4 refused.",
        example="agentslo incident list --config agentslo.yaml",
    ),
    "contain": Notes(
        exits="0 done; 1 usage or storage; 2 where one in force has no effect; 4 refused.",
        example="agentslo contain do --agent shop --action kill_switch --reason harm",
    ),
    "audit": Notes(
        exits="0 as recorded; 1 where it cannot be read; 2 where a decision changed or is gone.",
        example="agentslo audit verify --config agentslo.yaml",
        arguments={"--agent": "only this agent"},
    ),
    "gate": Notes(
        exits="0 the release may go out, or the exception is recorded; 1 usage or configuration; 2"
        " it may not; 3 inconclusive: missing or stale data, too few runs, coverage below 0.9; 4"
        " refused.",
        example="agentslo gate release --agent ticket-routing --prometheus http://prometheus:9090",
        arguments={"--environment": "the one it goes to"},
    ),
    "retrain": Notes(
        exits="0 done; 1 usage, configuration or storage; 2 a report failed, a golden case leaked,"
        " the canary is worse, the rollback did not take, or a target did not take the event; 3"
        " inconclusive, or nothing there; 4 refused.",
        example="agentslo retrain propose --config agentslo.yaml --agent ticket-routing"
        " --trigger drift --source AgentDriftHigh --about feature=escalation",
    ),
    "checklist": Notes(
        exits="0 all of it holds; 1 usage or storage; 2 something is missing; 3 something cannot be"
        " told; 4 refused.",
        example="agentslo checklist prelaunch --agent ticket-routing",
    ),
    "report": Notes(
        exits="0 printed; 1 usage or storage; 3 there is no run to report of.",
        example="agentslo report daily --agent ticket-routing",
    ),
    "bench": Notes(
        exits="0 measured; 1 where nothing can be started; 2 where a row of ours is void or misses"
        " its goal; 3 where a goal cannot be judged.",
        example="agentslo bench --batch 50,512 --ack received,forwarded --peer relay,rotel",
    ),
    "probe": Notes(
        exits="0 as it should be; 1 where nobody listens; 2 counted otherwise or altered; 3 not"
        " seen in time.",
        example="agentslo probe --receive 127.0.0.1:4399 --json",
    ),
    "hello": Notes(exits="0 sent; 1 where nobody listens.", example="agentslo hello"),
    "demo": Notes(
        exits="0 played, also without the programs that are missing; 1 where agentslo does not"
        " start.",
        example="agentslo demo --for 180",
    ),
}


def markdown() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for name, command, summary in _commands(parser()):
        notes = NOTES.get(name, Notes())
        parts.append(f"## `agentslo {name}`\n\n{_sentence(command.description or summary)}\n")
        inner = list(_commands(command))
        if inner:
            for inner_name, sub, inner_summary in inner:
                parts.append(f"### `agentslo {name} {inner_name}`\n\n{_sentence(inner_summary)}\n")
                parts.append(_table(sub, notes))
        else:
            parts.append(_table(command, notes))
        parts.append(f"Exit code: {notes.exits}\n" if notes.exits else "")
        parts.append(f"```bash\n{notes.example}\n```\n" if notes.example else "")
    return "\n".join(part for part in parts if part)


def _commands(of: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """(name, parser, summary) of every sub-command. argparse has no public way to list them."""
    for action in of._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            summaries = {c.dest: c.help or "" for c in action._choices_actions}  # noqa: SLF001
            for name, command in action.choices.items():
                yield name, command, summaries.get(name, "")


def arguments(of: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a command, without its sub-commands and `--help`."""
    for action in of._actions:  # noqa: SLF001 - argparse has no public way to list them
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction):  # noqa: SLF001
            yield action


def title(action: argparse.Action) -> str:
    """What stands for an argument in NOTES: its longest option, or its name in usage lines."""
    if action.option_strings:
        return max(action.option_strings, key=len)
    return action.metavar if isinstance(action.metavar, str) else action.dest


def _table(command: argparse.ArgumentParser, notes: Notes) -> str:
    rows = [_row(action, notes) for action in arguments(command)]
    return "\n".join(["| argument | default | |", "|---|---|---|", *rows]) + "\n" if rows else ""


def _row(action: argparse.Action, notes: Notes) -> str:
    name = title(action)
    takes = action.nargs != 0 and bool(action.option_strings)
    value = ("{" + "|".join(map(str, action.choices)) + "}") if action.choices else ""
    written = value or (action.metavar if isinstance(action.metavar, str) else action.dest.upper())
    shown = f"{name} {written}" if takes else name
    many = action.nargs in ("*", "+")
    default = action.default
    plain = default is None or default in ("", False, argparse.SUPPRESS) or default == []
    said = action.help or notes.arguments.get(name, "")
    cells = (
        f"`{shown}{' ...' if many else ''}`".replace("|", "\\|"),
        "" if plain or not action.option_strings or not takes else f"`{default}`",
        said.replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _sentence(text: str) -> str:
    text = text.replace("*", "\\*")
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


if __name__ == "__main__":
    sys.stdout.write(markdown())
