"""`agentslo explain`: why a run got its outcome, span by span.

In: a recording (all its runs, or one with --run), or the id of a run that a live service remembers.
Out: findings and the tree of spans, those that prove a finding marked with `*`. Exit code 1 where
nothing can be read, 3 where there is no run.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from os import environ
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agentslo.cli.live import get
from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import load
from agentslo.otlp.files import FileError, Report, expand, merged
from agentslo.service.events import Counted
from agentslo.service.report import explanation
from agentslo.service.stream import Stream

_FIGURES = (
    *("llm_calls", "tool_calls", "tool_errors", "tokens_in", "tokens_out"),
    *("cost_usd", "confidence", "escalation_reason"),
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "explain",
        help="say why a run got its outcome, span by span",
        description="PATH: recorded spans. RUN: the id of a run that a running service remembers.",
    )
    parser.add_argument("target", metavar="PATH|RUN")
    parser.add_argument("--run", dest="run_id", help="only this run of the recording")
    parser.add_argument("--live", metavar="URL", help="the page (default: where `run` serves it)")
    parser.add_argument("--config", type=Path, help="service file")
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the explanations."""
    try:
        found = _explanations(arguments)
    except ConfigError as error:
        sys.stderr.write("\n".join(render(p) for p in error.problems) + "\n")
        return 1
    except (FileError, OSError, ValueError) as error:
        sys.stderr.write(f"agentslo explain: {error}\n")
        return 1
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        sys.stdout.write("\n\n".join("\n".join(lines(e)) for e in found) + "\n")
    if not found:
        sys.stderr.write("agentslo explain: no run in there\n")
    return 0 if found else 3


def _explanations(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    config = load(arguments.config, environ)
    if not Path(arguments.target).exists() and ":" in arguments.target:
        url = arguments.live or f"http://{config.listen.page.address}"
        return [get(url, f"/api/v1/runs/{quote(arguments.target, safe='')}/explain")]
    report = Report()
    files = expand([arguments.target], report)
    stream = Stream(config)
    return [
        explanation(h.run, h.verdict)
        for h in stream.play(merged(files, report))
        if isinstance(h, Counted) and arguments.run_id in (None, h.run.run_id)
    ]


def lines(found: Mapping[str, Any]) -> list[str]:
    """One explanation as text."""
    line = found["run"]
    out = [
        f"{line['run_id']}  {line['agent']}  {line['end']}  {line['duration_s']} s",
        (
            f"outcome {line['outcome']}: {line['reason']} (evidence: {line['evidence']}), "
            f"closed by {line['finalized_by']}"
            + (f", corrected from {found['corrected_from']}" if found["corrected_from"] else "")
        ),
        "objectives: " + (", ".join(f"{k} {v}" for k, v in line["slos"].items()) or "none"),
        "measured: " + "; ".join(_measured(line)),
        "findings:",
    ]
    for finding in found["findings"]:
        mark = "->" if finding["decides"] else "  "
        out.append(
            f"  {mark} {finding['outcome']}: {finding['reason']} ({finding['evidence']})"
            + (f"  spans {', '.join(finding['spans'])}" if finding["spans"] else "")
        )
    facts = [f"{k.replace('_', ' ')} {_fact(v)}" for k, v in found["details"].items() if v]
    out.append("details: " + ("; ".join(facts) or "none"))
    out.append("spans (* proves a finding):")
    out.extend(_span(row) for row in found["spans"])
    return out


def _measured(line: Mapping[str, Any]) -> Iterator[str]:
    """What is known of a run's figures; what is not is left out, never 0."""
    for key in _FIGURES:
        if line.get(key) is not None:
            yield f"{key.replace('_', ' ')} {_fact(line[key])}"


def _fact(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _span(row: Mapping[str, Any]) -> str:
    facts = [
        f"fault {row['fault']}" if row["fault"] else "",
        row["error_type"] or "",
        f"finish {row['finish']}" if row["finish"] else "",
        f"tokens {row['tokens_in']}/{row['tokens_out']}" if row["tokens_in"] else "",
    ]
    said = ", ".join(f for f in facts if f)
    indent = "  " * row["depth"]
    return (
        f"  {'*' if row['proves'] else ' '} {indent}{row['name']} [{row['role']}] {row['result']} "
        f"+{row['start_s']:.3f}s {row['duration_s']:.3f}s{'  ' + said if said else ''}"
        f"  {row['span_id']}"
    )
