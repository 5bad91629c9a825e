"""`agentslo bench`: what a span costs here and in peers, in turn, on this machine.

In: what to measure. Out: tables, or JSON with `--json`; progress on standard error. Exit codes: 0
measured, 1 usage or nothing to start, 2 a row of ours is void or over its goal, 3 a goal cannot be
judged.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agentslo.bench import cells, goals, report, state
from agentslo.bench.children import ChildFailed
from agentslo.bench.machine import machine
from agentslo.bench.rounds import Bench
from agentslo.bench.subjects import (
    ACKS,
    Subject,
    agentslo,
    collector,
    find_collector,
    find_rotel,
    relay,
    rotel,
)

WHAT = ("cost", "latency", "runs", "scrape")
PEERS = ("relay", "rotel", "rotel-python", "collector", "collector-grouped", "collector-stored")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "bench",
        help="measure what a span costs, here and in peers",
        description="Sends generated spans through agentslo and peers in turn, on loopback, checks "
        "that every span arrives once and unchanged, and prints CPU time a span. Ratios hold; "
        "times are this machine's.",
    )
    listed = parser.add_argument
    listed("--what", type=_of(WHAT), default="cost", help=f"of {', '.join(WHAT)}")
    usual = ",".join(PEERS[:4])
    listed("--peer", type=_of(PEERS), default=usual, help=f"of {', '.join(PEERS)}; or none")
    listed("--ack", type=_of(ACKS), default="received", help=f"of {', '.join(ACKS)}")
    listed("--batch", type=_list(int), default="512", help="spans a request (1, 50, 512, 8192)")
    listed("--mix", type=_list(float), default="0.3", help="share of traces that are agent runs")
    listed("--words", type=_list(int), default="60", help="words of a message to the model")
    listed("--agents", type=_list(int), default="1", help="names of agents")
    listed("--gzip", choices=("off", "in", "both"), default="off", help="what is sent compressed")
    listed("--spans", type=int, help="a round, at least (default: by batch, 4,000 to 81,920)")
    listed("--rounds", type=int, default=5, help="after one to warm up")
    listed("--seconds-max", type=float, default=120.0, help="longest round")
    listed("--open-runs", type=int, default=100_000, help="for `runs`")
    listed("--series", type=int, default=10_000, help="for `scrape`")
    listed("--rotel", default="", metavar="FILE", help="rotel-agent (pip install --pre rotel)")
    listed("--otelcol", default="", metavar="FILE", help="a Collector (make tools)")
    listed("--check", action="store_true", help="hold the stored goals against the relay, quickly")
    listed("--json", action="store_true", help="every round as JSON")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Measures what is asked for, one cell after the other."""
    if arguments.check:
        goals.narrow(arguments)
    subjects, missing = _subjects(arguments)
    for name in missing:
        _say(f"{name}: not found, left out")
    try:
        with tempfile.TemporaryDirectory(prefix="agentslo-bench-") as folder:
            found = _measure(arguments, subjects, Path(folder))
    except ChildFailed as error:
        sys.stderr.write(f"agentslo bench: {error}\n")
        return 1
    judged = goals.judge(found["cells"]) if arguments.check else []
    found |= {"missing": missing, "goals": [goal.as_json() for goal in judged]}
    if arguments.json:
        print(json.dumps(found))
    for goal in judged:
        _say(goal.words())
    return max([goal.code for goal in judged], default=2 if _void(found["cells"]) else 0)


def _measure(
    arguments: argparse.Namespace, subjects: Sequence[Subject], folder: Path
) -> dict[str, Any]:
    found: dict[str, Any] = {"machine": machine(), "cells": []}
    show = (lambda _: None) if arguments.json else print
    show(", ".join(f"{key} {value}" for key, value in found["machine"].items()) + "\n")
    with Bench(folder, arguments.seconds_max) as bench:
        for cell in _cells(arguments, subjects):
            rows = bench.run(cell, arguments.rounds, _say)
            found["cells"].append(report.as_json(cell, rows))
            show(report.as_text(cell, rows))
        if "runs" in arguments.what:
            found["memory"] = state.memory(bench, folder, arguments.open_runs // 5)
            show(f"open runs: {found['memory']}\n")
    if "scrape" in arguments.what:
        found["scrape"] = state.scrape(arguments.series, arguments.rounds)
        show(f"scrape: {found['scrape']}\n")
    return found


def _cells(arguments: argparse.Namespace, subjects: Sequence[Subject]) -> list[cells.Cell]:
    made: list[cells.Cell] = []
    if "cost" in arguments.what:
        gzips = {"off": [False], "in": [True], "both": [False, True]}[arguments.gzip]
        shapes = cells.shapes(arguments.batch, arguments.mix, arguments.words, arguments.agents)
        made += cells.cost(shapes, gzips, subjects, arguments.spans or 0)
    if "latency" in arguments.what:
        made += cells.latency(subjects)
    if "runs" in arguments.what:
        made.append(cells.open_runs(arguments.open_runs))
    return made


def _subjects(arguments: argparse.Namespace) -> tuple[list[Subject], list[str]]:
    """Who is measured, and which peers are not on this machine."""
    rust, go = find_rotel(arguments.rotel), find_collector(arguments.otelcol)
    makers: dict[str, Callable[[], Subject | None]] = {
        "relay": relay,
        "rotel": lambda: rotel(rust, classify=False) if rust else None,
        "rotel-python": lambda: rotel(rust, classify=True) if rust else None,
        "collector": lambda: collector(go, "plain") if go else None,
        "collector-grouped": lambda: collector(go, "grouped") if go else None,
        "collector-stored": lambda: collector(go, "stored") if go else None,
    }
    made = {peer: makers[peer]() for peer in arguments.peer}
    ours = [agentslo(ack) for ack in arguments.ack]
    peers = [peer for peer in made.values() if peer is not None]
    return ours + peers, [name for name, peer in made.items() if peer is None]


def _void(found: Sequence[dict[str, Any]]) -> bool:
    """Whether a row of ours is void: what arrived was not what was sent."""
    rows = (row for cell in found for row in cell["rows"])
    return any(row["trouble"] and row["name"].startswith("agentslo") for row in rows)


def _list(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """Parses values with commas between them."""

    def values(text: str) -> list[Any]:
        return [kind(part) for part in text.split(",")]

    return values


def _of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """The same of a closed set; `all` and `none` stand for themselves."""

    def values(text: str) -> list[str]:
        chosen = {"all": list(known), "none": []}.get(text, text.split(","))
        unknown = [one for one in chosen if one not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return chosen

    return values


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
