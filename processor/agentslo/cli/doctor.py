"""`agentslo doctor`: what the spans lack, for which feature, and the switch that turns it on.

In: recorded spans, or the address of a running service's page. Out: a table or JSON. Exit code 0;
1 where nothing can be read; 3 where no run was seen.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from agentslo.cli.live import get
from agentslo.config.service_file import ServiceConfig
from agentslo.otlp.files import FileError, Report, expand, merged
from agentslo.outcomes.coverage import Coverage, judged_by_others
from agentslo.service.events import Counted
from agentslo.service.report import coverage_report
from agentslo.service.stream import Stream

SAMPLED = (
    "a head sampler drops the rest.\n"
    "        Counts are of what is sent; failures are missed in the same share.\n"
    "        -> send all spans here and sample behind agentslo (docs/collector.md)"
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what the spans lack and how to switch it on",
        description="Reads recorded spans, or asks a running service, and lists per agent and "
        "dialect what is missing, what it is needed for, and the switch that turns it on.",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--live", metavar="URL", help="a running service's page")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the findings."""
    if bool(arguments.paths) == bool(arguments.live):
        sys.stderr.write("agentslo doctor: give recorded files, or --live URL\n")
        return 1
    try:
        report = (
            get(arguments.live, "/api/v1/doctor") if arguments.live else _recorded(arguments.paths)
        )
    except (FileError, OSError, ValueError) as error:
        sys.stderr.write(f"agentslo doctor: {error}\n")
        return 1
    if arguments.json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        sys.stdout.write("".join(line + "\n" for line in lines(report)))
    return 0 if report["agents"] else 3


def _recorded(paths: Sequence[str]) -> dict[str, Any]:
    coverage, report = Coverage(), Report()
    files = expand(paths, report)
    if not files:
        raise FileError("no OTLP file among the paths given")
    stream = Stream(ServiceConfig())
    for happening in stream.play(merged(files, report)):
        if isinstance(happening, Counted):
            coverage.add(happening.run, evaluated=judged_by_others(happening.verdict))
    return coverage_report(coverage)


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report as text."""
    if not report["agents"]:
        return ["no run was seen"]
    out: list[str] = []
    for agent in report["agents"]:
        out.append(f"{agent['agent']}: {agent['runs']} runs, {agent['evaluated']} judged by others")
        if agent["sampled_ratio"] is not None:
            out.append(f"  only {agent['sampled_ratio']:.2%} of its runs are sent: {SAMPLED}")
        for row in agent["fields"]:
            share = f"{row['present_ratio']:4.0%}"
            name = f"{row['field']} ({row['dialect'] or 'unknown dialect'})"
            out.append(f"  {share}  {name:45s} for {row['needed_for']}")
            if row["present_ratio"] < 1.0 and row["switch"]:
                out.append(f"        -> {row['switch']}")
        if not agent["evaluated"]:
            out.append("        no verdict but what spans show: send gen_ai.evaluation.result logs")
    for name, services in report["shared_names"].items():
        out.append(f"agent name {name!r} comes from several services: {', '.join(services)}")
    return out
