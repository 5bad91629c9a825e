"""`agentslo init`: a first agent file from what was seen, or a Collector's file with a tap.

In: recorded spans, a running service, a template's name, or a Collector's file. Out: a commented
agent file each, never over one that exists; or a diff. Exit codes: 0 written or shown, 1 a file
exists or something cannot be read, 3 no agent was seen. Contract: design.md 5.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from os import environ
from pathlib import Path

from agentslo.cli.live import get
from agentslo.config.agent_templates import template, template_names
from agentslo.config.agent_writer import draft, file_name
from agentslo.config.checking import check
from agentslo.config.collector_edit import CollectorError, with_tap
from agentslo.config.problems import render
from agentslo.config.seen_agent import SeenAgent, from_json
from agentslo.config.service_file import ServiceConfig
from agentslo.otlp.files import FileError, Report, expand, merged
from agentslo.outcomes.seen import Seen
from agentslo.service.events import Counted
from agentslo.service.stream import Stream

DEFAULT_ENDPOINT = "127.0.0.1:4317"


class _InitError(Exception):
    """Nothing was written; the message says why."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "init",
        help="write a first agent file from what was seen",
        description="Writes a commented agent file for every agent seen in recorded spans or by a "
        "running service, or from a template, and never over a file that exists. With --collector "
        "it prints, as a diff, the Collector's file with a copy of all spans for agentslo.",
    )
    parser.add_argument("--from", dest="paths", nargs="+", metavar="PATH", help="recorded spans")
    parser.add_argument("--live", metavar="URL", help="a running service's page")
    parser.add_argument("--template", choices=template_names(), help="a ready agent file")
    parser.add_argument("--collector", type=Path, metavar="FILE", help="a Collector's file")
    parser.add_argument(
        "--endpoint",
        default=DEFAULT_ENDPOINT,
        help=f"OTLP/gRPC address the Collector sends the copy to (default {DEFAULT_ENDPOINT})",
    )
    parser.add_argument("--out", type=Path, default=Path("agents"), help="folder (default agents)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the files, or prints the diff."""
    sources = [arguments.paths, arguments.live, arguments.template, arguments.collector]
    if sum(map(bool, sources)) != 1:
        sys.stderr.write("agentslo init: give one of --from, --live, --template, --collector\n")
        return 1
    try:
        if arguments.collector:
            return _print_diff(arguments.collector, arguments.endpoint, as_json=arguments.json)
        files = _files(arguments)
        if not files:
            sys.stderr.write("agentslo init: no agent was seen, so there is nothing to write\n")
            return 3
        written = _write(files, arguments.out)
    except (_InitError, CollectorError, FileError, OSError, ValueError) as error:
        sys.stderr.write(f"agentslo init: {error}\n")
        return 1
    return _report(written, as_json=arguments.json)


def _files(arguments: argparse.Namespace) -> dict[str, str]:
    """File name to text."""
    if arguments.template:
        return {f"{arguments.template}.yaml": template(arguments.template)}
    if arguments.live:
        found = get(arguments.live, "/api/v1/seen").get("agents", [])
        return _drafts([from_json(agent) for agent in found])
    return _drafts(_recorded(arguments.paths))


def _recorded(paths: Sequence[str]) -> list[SeenAgent]:
    seen, report = Seen(), Report()
    files = expand(paths, report)
    if not files:
        raise FileError("no OTLP file among the paths given")
    for happening in Stream(ServiceConfig()).play(merged(files, report)):
        if isinstance(happening, Counted) and not happening.overdue:
            seen.add(happening.run, happening.verdict)
    return seen.agents()


def _drafts(agents: Sequence[SeenAgent]) -> dict[str, str]:
    """A file each; agents of one name get that of their service before theirs."""
    kept = [agent for agent in agents if _is_one(agent, agents)]
    names = [file_name(agent) for agent in kept]
    drafts: dict[str, str] = {}
    for agent, name in zip(kept, names, strict=True):
        shared = names.count(name) > 1 and agent.service and agent.agent
        own = f"{agent.service.replace('/', '-')}-{name}"[:90] if shared else name
        while f"{own}.yaml" in drafts:
            own += "-2"
        drafts[f"{own}.yaml"] = draft(agent, own)
    return drafts


def _is_one(seen: SeenAgent, agents: Sequence[SeenAgent]) -> bool:
    """Whether it can have a file; what has no agent name would match its service's agents too."""
    if seen.agent:
        return True
    named = any(other.agent and other.service == seen.service for other in agents)
    if named or not seen.service:
        service = seen.service or "(unset)"
        what = f"{seen.runs} runs without an agent name, service.name {service}"
        sys.stderr.write(f"left out: {what}; name the agent (gen_ai.agent.name)\n")
        return False
    return True


def _write(files: dict[str, str], folder: Path) -> list[Path]:
    """All of the files or none of them."""
    paths = {folder / name: text for name, text in files.items()}
    if there := [str(path) for path in paths if path.exists()]:
        raise _InitError(f"not overwritten: {', '.join(there)}; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in paths.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return list(paths)


def _report(written: Sequence[Path], *, as_json: bool) -> int:
    errors = [problem for problem in check(written, environ) if problem.is_error]
    if as_json:
        sys.stdout.write(json.dumps({"written": [str(path) for path in written]}) + "\n")
    else:
        for path in written:
            sys.stdout.write(f"wrote {path}\n")
        # Warnings are there to be read while correcting; a fresh file has errors only by a bug.
        for problem in errors:
            sys.stdout.write(f"{render(problem, short=True)}\n")
        folder = written[0].parent
        sys.stdout.write(f"correct the guesses, then: agentslo check {folder}\n")
    return 1 if errors else 0


def _print_diff(path: Path, endpoint: str, *, as_json: bool) -> int:
    before = path.read_text(encoding="utf-8")
    after = with_tap(str(path), before, endpoint)
    names = (str(path), f"{path} (with agentslo)")
    diff = "".join(
        difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), *names
        )
    )
    if as_json:
        sys.stdout.write(json.dumps({"file": str(path), "diff": diff}) + "\n")
    elif diff:
        sys.stdout.write(diff)
    else:
        sys.stderr.write(f"{path} sends to agentslo already: nothing to change\n")
    return 0
