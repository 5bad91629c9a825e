"""`agentslo baseline show|export|import|freeze|relearn|compare`: what agents are compared with.

In: the baselines beside a service's ledger (`storage.directory`, or --storage); recordings. Out: a
table or JSON; baselines written. A running service reads them when it starts. Exit codes: 0 done or
alike, 1 a file cannot be read, 2 they differ (compare), 3 no such baseline, too few runs, or no
whole answer of Prometheus.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from os import environ
from pathlib import Path

from agentslo.cli import baseline_relearn
from agentslo.config.options import DriftOptions
from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import ServiceConfig, load
from agentslo.otlp.files import FileError, Report, expand, merged
from agentslo.service.report import rfc3339
from agentslo.service.stream import Stream
from agentslo.watch import windows
from agentslo.watch.baseline import Baseline, BaselineError
from agentslo.watch.counts import js_distance, psi
from agentslo.watch.prometheus import Prometheus, PrometheusError
from agentslo.watch.shelf import Shelf, read
from agentslo.watch.slices import Tally
from agentslo.watch.sources import from_replicas

NOT_FOUND = 3
HOUR_S = 3_600.0
_MIN_FROZEN = 100


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("baseline", help="what agents are compared with")
    parser.set_defaults(func=run)
    commands = parser.add_subparsers(dest="what", metavar="COMMAND", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, help="service file that names the storage")
    shared.add_argument("--storage", type=Path, help="the storage folder itself")
    shared.add_argument("--agent", default="", help="one agent alone")
    shared.add_argument("--environment", default="", help="one environment alone")
    shared.add_argument("--json", action="store_true", help="print JSON")
    commands.add_parser("show", parents=[shared], help="the baselines there are")
    commands.add_parser("export", parents=[shared], help="one baseline as JSON, for `import`")
    taken = commands.add_parser("import", parents=[shared], help="take a baseline from a file")
    taken.add_argument("file", type=Path, metavar="FILE", help="a baseline, as exported")
    freeze = commands.add_parser("freeze", parents=[shared], help="learn baselines of recordings")
    freeze.add_argument("paths", nargs="+", metavar="PATH", help="recordings, as for replay")
    relearn = commands.add_parser(
        "relearn", parents=[shared], help="learn it anew from now on: a recorded decision"
    )
    relearn.add_argument("--reason", required=True, help="why what is now is the new normal")
    compare = commands.add_parser("compare", parents=[shared], help="hold one against another")
    compare.add_argument("before", type=Path, metavar="BEFORE", help="an exported one")
    compare.add_argument("after", type=Path, metavar="AFTER", nargs="?", help="the one to judge")
    compare.add_argument(
        "--prometheus",
        metavar="URL",
        help="judge what all replicas counted, in place of AFTER (AGENTSLO_PROMETHEUS_TOKEN)",
    )
    compare.add_argument(
        "--hours", type=float, default=24.0, help="how far back with --prometheus (default 24)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the sub-command."""
    try:
        if arguments.what == "compare":
            return _compare(arguments)
        if arguments.what == "relearn":
            return baseline_relearn.run(arguments)
        named = arguments.config or environ.get("AGENTSLO_CONFIG")
        config = load(Path(named) if named else None, environ)
        shelf = Shelf(_storage(arguments, config))
        match arguments.what:
            case "show":
                return _show(shelf, arguments)
            case "export":
                return _export(shelf, arguments)
            case "import":
                return _import(shelf, arguments.file)
            case _:
                return _freeze(shelf, config, arguments)
    except ConfigError as error:
        sys.stderr.write("\n".join(render(p) for p in error.problems) + "\n")
    except PrometheusError as error:
        sys.stderr.write(f"agentslo baseline: {error}\n")
        return NOT_FOUND
    except (BaselineError, FileError, OSError) as error:
        sys.stderr.write(f"agentslo baseline: {error}\n")
    return 1


def _storage(arguments: argparse.Namespace, config: ServiceConfig) -> Path:
    if arguments.storage:
        return Path(arguments.storage)
    if not config.storage.directory:
        raise BaselineError("no storage: give --storage FOLDER, or a file with storage.directory")
    return Path(config.storage.directory)


def _chosen(shelf: Shelf, arguments: argparse.Namespace) -> list[Baseline]:
    return [
        one
        for one in shelf.all()
        if arguments.agent in ("", one.agent) and arguments.environment in ("", one.environment)
    ]


def _line(baseline: Baseline) -> dict[str, object]:
    tally = baseline.tally
    return {
        "agent": baseline.agent,
        "environment": baseline.environment,
        "digest": baseline.digest,
        "runs": tally.runs,
        "days": round(baseline.days, 2),
        "start": rfc3339(tally.start_ns),
        "end": rfc3339(tally.end_ns),
        "releases": list(baseline.releases),
        "features": tally.names(),
    }


def _show(shelf: Shelf, arguments: argparse.Namespace) -> int:
    lines = [_line(one) for one in _chosen(shelf, arguments)]
    if arguments.json:
        print(json.dumps({"baselines": lines}))
    else:
        for line in lines:
            print("{agent}  {environment}  {digest}  {runs} runs  {days} days".format(**line))
    if not lines:
        sys.stderr.write("agentslo baseline: none is frozen yet\n")
    return 0 if lines else NOT_FOUND


def _export(shelf: Shelf, arguments: argparse.Namespace) -> int:
    found = _chosen(shelf, arguments)
    if len(found) != 1:
        what = "no such baseline" if not found else "several: name --agent and --environment"
        sys.stderr.write(f"agentslo baseline: {what}\n")
        return NOT_FOUND
    content = {"digest": found[0].digest, "baseline": json.loads(found[0].to_json())}
    print(json.dumps(content))
    return 0


def _import(shelf: Shelf, file: Path) -> int:
    baseline = read(file)
    shelf.put(baseline)
    print(f"{baseline.agent} in {baseline.environment}: {baseline.digest}; restart the service")
    return 0


def _freeze(shelf: Shelf, config: ServiceConfig, arguments: argparse.Namespace) -> int:
    """Learn from all runs of recordings, and freeze what is enough."""
    endless = DriftOptions(baseline_runs=1_000_000)
    stream = Stream(replace(config, drift=endless))
    report = Report()
    files = expand(arguments.paths, report)
    for _ in stream.play(merged(files, report)):
        pass
    watch = stream.pipeline.verdicts.watch
    frozen = 0
    for monitor in watch.monitors.values() if watch else ():
        if arguments.agent not in ("", monitor.agent) or monitor.learnt < _MIN_FROZEN:
            continue
        list(monitor.freeze(0))
        if monitor.baseline is not None:
            shelf.put(monitor.baseline)
            print("{agent}  {environment}  {digest}  {runs} runs".format(**_line(monitor.baseline)))
            frozen += 1
    if not frozen:
        sys.stderr.write(f"agentslo baseline: no agent with {_MIN_FROZEN} runs\n")
    return 0 if frozen else NOT_FOUND


def _judged(arguments: argparse.Namespace, before: Baseline) -> Tally:
    """What is judged: a file, or the last hours as Prometheus knows them."""
    if arguments.after is not None:
        return read(arguments.after).tally
    if not arguments.prometheus:
        raise BaselineError("give AFTER, or --prometheus URL")
    prometheus = Prometheus(arguments.prometheus, environ.get("AGENTSLO_PROMETHEUS_TOKEN", ""))
    end_s = time.time()
    found = from_replicas(prometheus, end_s - arguments.hours * HOUR_S, end_s)
    return found.get((before.agent, before.environment), Tally())


def _compare(arguments: argparse.Namespace) -> int:
    """Every feature's deviate of one baseline, or window, against another; 2 where one drifted."""
    before, options = read(arguments.before), DriftOptions()
    after = _judged(arguments, before)
    found = windows.deviates(after, before.tally, options.min_window_runs)
    rows: list[dict[str, object]] = []
    for name, (z, runs) in sorted(found.items(), key=lambda item: -item[1][0]):
        tops = windows.top_bins(name, after, before.tally)
        bins = [{"bin": b, "expected": e, "observed": o} for b, e, o in tops]
        _, w, b = windows.vectors(name, after, before.tally)
        row = {"feature": name, "z": round(z, 3), "runs": runs, "psi": round(psi(w, b), 4)}
        rows.append({**row, "js_distance": round(js_distance(w, b), 4), "bins": bins})
    if arguments.json:
        print(json.dumps({"features": rows}))
    else:
        for row in rows:
            print(f"{row['feature']}  z {row['z']}  psi {row['psi']}  {row['runs']} runs")
    if not found:
        return NOT_FOUND
    return 2 if max(z for z, _ in found.values()) >= options.z_drift else 0
