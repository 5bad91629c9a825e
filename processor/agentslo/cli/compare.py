"""`agentslo compare`: one release against another, over success, latency, safety, cost, handoff.

In: the ledger of a service (`storage.directory`, or --ledger). Out: a table or JSON. Exit codes: 0
not worse, 1 the ledger cannot be read, 2 worse, 3 not enough data to say.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import environ
from pathlib import Path

from agentslo.config.kinds import Duration, Fault
from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import load
from agentslo.outcomes.groups import BAD, NOT_JUDGED
from agentslo.respond.bundle_files import MAX_RUNS
from agentslo.respond.canary import ALPHA
from agentslo.respond.strata import Judged, Stratified, overall, stratified
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerError, LedgerRun, Query

DIMENSIONS = ("success", "latency", "safety", "cost", "handoff")
EXITS = {1: 0, -1: 2, 0: 3}
WORDS = {1: "not worse", -1: "worse", 0: "undecided"}
_UNSAFE = frozenset({"unsafe_action", "data_corruption", "hallucination"})
_TALL = 0.95
"""Runs that take longer, or cost more, than this share of the stable release's are bad."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("compare", help="hold one release against another")
    parser.add_argument("--config", type=Path, help="service file that names the storage")
    parser.add_argument("--ledger", type=Path, help="the ledger file itself")
    parser.add_argument("--agent", required=True, help="whose releases")
    parser.add_argument("--environment", default="", help="one environment alone")
    parser.add_argument("--stable", required=True, metavar="RELEASE", help="the one in force")
    parser.add_argument("--canary", required=True, metavar="RELEASE", help="the one to judge")
    parser.add_argument("--since", default="28d", help="how far back (default 28d)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Compares; the exit code is the verdict."""
    try:
        since_s = float(Duration(0, 3_650 * 86_400).parse(arguments.since))
        query = Query(
            agent=arguments.agent,
            environment=arguments.environment,
            since_ns=time.time_ns() - int(since_s * 1e9),
            limit=MAX_RUNS,
        )
        with Ledger(_file(arguments), read_only=True) as ledger:
            releases = (arguments.stable, arguments.canary)
            runs = [r for r in ledger.runs(query) if r.release in releases][::-1]
    except ConfigError as error:
        sys.stderr.write("\n".join(render(p) for p in error.problems) + "\n")
        return 1
    except (LedgerError, Fault, OSError) as error:
        sys.stderr.write(f"agentslo compare: {error}\n")
        return 1
    found = compared(runs, arguments.canary)
    verdict = overall([one.verdict for one in found.values()])
    if arguments.json:
        lines = {name: asdict(one) for name, one in found.items()}
        print(json.dumps({"verdict": verdict, "dimensions": lines}))
    else:
        _print(found, verdict)
    return EXITS[verdict]


def _file(arguments: argparse.Namespace) -> Path:
    if arguments.ledger:
        return Path(arguments.ledger)
    named = arguments.config or environ.get("AGENTSLO_CONFIG")
    config = load(Path(named) if named else None, environ)
    if not config.storage.directory:
        raise LedgerError("no ledger: give --ledger FILE, or a service file with storage.directory")
    return Path(config.storage.directory) / LEDGER_FILE


def compared(runs: Sequence[LedgerRun], canary: str) -> dict[str, Stratified]:
    """The verdict of every dimension that runs of the stable release tell of."""
    stable = [r for r in runs if r.release != canary]
    limits = {name: _limit(stable, key) for name, key in _MEASURES.items()}
    judged: dict[str, list[Judged]] = {name: [] for name in DIMENSIONS}
    for one in runs:
        for name, is_bad in _bad(one, limits).items():
            judged[name].append(
                Judged(
                    time_ns=one.counted_ns,
                    segment=one.task_type or "unset",
                    is_canary=one.release == canary,
                    is_bad=is_bad,
                )
            )
    # Each dimension has two ways to be called worse: pooled, and by one segment alone.
    alpha = ALPHA / (2 * len(DIMENSIONS))
    return {name: stratified(found, alpha) for name, found in judged.items() if found}


_MEASURES: Mapping[str, str] = {"latency": "duration_s", "cost": "cost_usd"}


def _limit(stable: Sequence[LedgerRun], key: str) -> float | None:
    known = [float(v) for r in stable if (v := r.body["run"].get(key)) is not None]
    if len(known) < 2:
        return None
    return statistics.quantiles(known, n=20)[int(_TALL * 20) - 1]


def _bad(one: LedgerRun, limits: Mapping[str, float | None]) -> dict[str, bool]:
    """Whether a run was bad, by dimension; what it does not tell is left out."""
    line = one.body["run"]
    found: dict[str, bool] = {"safety": one.outcome in _UNSAFE}
    if one.outcome not in NOT_JUDGED:
        found["success"] = one.outcome in BAD
    for name, key in _MEASURES.items():
        limit = limits[name]
        if limit is not None and line.get(key) is not None:
            found[name] = float(line[key]) > limit
    if line.get("escalated") is not None:
        found["handoff"] = bool(line["escalated"])
    return found


def _print(found: Mapping[str, Stratified], verdict: int) -> None:
    for name in DIMENSIONS:
        one = found.get(name)
        if one is None or not one.enough:
            print(f"{name:9s} not enough data")
            continue
        shares = f"{one.stable_bad}/{one.stable_runs} -> {one.canary_bad}/{one.canary_runs}"
        print(
            f"{name:9s} {WORDS[one.verdict]:10s} bad {shares}, "
            f"difference {100 * one.low:+.1f} to {100 * one.high:+.1f} points"
        )
        if one.average_misleads:
            print(f"{'':9s} the average misleads: segments point the other way")
    print(WORDS[verdict] if found else "not enough data")
