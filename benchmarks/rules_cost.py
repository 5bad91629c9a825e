"""What the committed rules cost a real Prometheus: CPU seconds a minute.

    .venv/bin/python benchmarks/rules_cost.py --agents 1000 [--folder OTHER/alert-rules ...]

In: how many agents, of four objectives each; folders of rules to measure in turn on the same data,
by default the committed ones. Out: a line a rule group and the sum; with `--rules` also the dearest
rules. A day of 5 m increments, four weeks of hourly ones and two hours of samples are written as
blocks; then the same series are scraped every 30 s from a target that counts on. Prometheus first
runs without rules, for what scrapes cost. Each set is measured over eight minutes, the longest
interval twice, after every group was evaluated once, because that one has to create its series.

CPU time counts, not the evaluation time that Prometheus reports: that is wall time, and says on a
busy machine how busy it is. Takes a quarter of an hour a set.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools" / "bin"
ADDRESS, TARGET = "127.0.0.1:19390", "127.0.0.1:19391"
SLOS = ("success", "latency", "safety", "cost")
OUTCOMES = ("success", "tool_failure", "unknown")
RAW_MINUTES = 130
HOUR_S, MEASURED_S = 3600, 480
PER_MINUTE = {"good": 10, "bad": 0.05, "unknown": 1}
"""Healthy agents: a firing alert looks up its texts at every evaluation, which is another cost."""
SCRAPED = 'instance="target",job="agentslo"'


def gauges(agents: int) -> Iterator[tuple[str, str, float]]:
    """Name, labels and value of what says what is promised, to whom."""
    info = f',owner="o",source="file",tier="standard",revision="1",{SCRAPED}'
    for name, value in (("objective_ratio", 0.95), ("window_seconds", 2_419_200), ("info", 1)):
        for number in range(agents):
            for slo in SLOS:
                more = info if name == "info" else f",{SCRAPED}"
                yield (
                    f"agent_slo_{name}",
                    f'agent="a{number}",environment="prod",slo="{slo}"{more}',
                    value,
                )


def counters(agents: int) -> Iterator[tuple[str, str, float]]:
    """Name, labels and pace a minute of what was counted."""
    for number in range(agents):
        for slo in SLOS:
            for result in PER_MINUTE:
                who = f'agent="a{number}",environment="prod",slo="{slo}",result="{result}"'
                pace = pace_of(slo, result)
                yield "agent_slo_events_total", f'{who},release="r",segment="unset",{SCRAPED}', pace
        for outcome in OUTCOMES:
            who = f'agent="a{number}",environment="prod",release="r",outcome="{outcome}"'
            yield "agent_slo_runs_total", f"{who},{SCRAPED}", 1.0


def pace_of(slo: str, result: str) -> float:
    """Runs a minute; one that is bad for safety would page at once."""
    return 0.0 if (slo, result) == ("safety", "bad") else PER_MINUTE[result]


def counted(pace: float, at: float) -> int:
    """A counter at a time: whole runs since a moment that all agree on."""
    return int(1000 + pace * (at % 10_000_000) / 60)


def raw(agents: int, end: int) -> Iterator[str]:
    """Counters and gauges as the service exposes them, one sample a minute."""
    times = range(end - RAW_MINUTES * 60, end + 1, 60)
    last = ""
    for name, labels, value in gauges(agents):
        if name != last:
            yield f"# TYPE {name} gauge\n"
            last = name
        yield from (f"{name}{{{labels}}} {value} {at}\n" for at in times[::5])
    for family in ("agent_slo_events", "agent_slo_runs"):
        yield f"# TYPE {family} counter\n"
        for name, labels, pace in counters(agents):
            if name == f"{family}_total":
                yield from (f"{name}{{{labels}}} {counted(pace, at)} {at}\n" for at in times)
    yield "# EOF\n"


def tiles(agents: int, end: int, step_s: int, hours: int) -> Iterator[str]:
    """Recorded increments of the hours before."""
    name = f"agent_slo:events:increase{'1h' if step_s == HOUR_S else '5m'}"
    times = [f" {at}\n" for at in range(end - hours * HOUR_S, end + 1, step_s)]
    yield f"# TYPE {name} gauge\n"
    for number in range(agents):
        for slo in SLOS:
            for result in PER_MINUTE:
                pace = pace_of(slo, result)
                who = f'{{agent="a{number}",environment="prod",slo="{slo}",result="{result}"}}'
                start = f"{name}{who} {pace * step_s / 60:g}"
                yield "".join(start + at for at in times)
    yield "# EOF\n"


def load(folder: Path, agents: int) -> None:
    """Blocks that end now."""
    end = int(time.time()) // 60 * 60
    made = (
        ("raw", raw(agents, end)),
        ("tiles", tiles(agents, end, 300, 24)),
        ("hours", tiles(agents, end, HOUR_S, 28 * 24)),
    )
    for name, lines in made:
        path = folder / f"{name}.om"
        with path.open("w") as out:
            out.writelines(lines)
        command = [TOOLS / "promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
        command += ["--max-block-duration=672h"] if name == "hours" else []
        subprocess.run([*command, path, folder / "data"], check=True, stdout=subprocess.DEVNULL)
        path.unlink()


def target(agents: int) -> ThreadingHTTPServer:
    """Serves the same series, counting on, until it is shut down."""
    drop = f",{SCRAPED}"
    fixed = "".join(
        f"{name}{{{labels.removesuffix(drop)}}} {value}\n" for name, labels, value in gauges(agents)
    )
    moving = [
        (f"{name}{{{labels.removesuffix(drop)}}} ", pace) for name, labels, pace in counters(agents)
    ]

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = time.time()
            lines = [f"{series}{counted(pace, now)}\n" for series, pace in moving]
            body = (fixed + "".join(lines)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    host, port = TARGET.split(":")
    server = ThreadingHTTPServer((host, int(port)), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _get(path: str) -> dict:
    with urllib.request.urlopen(f"http://{ADDRESS}{path}", timeout=60) as reply:
        return json.load(reply)


def evaluated(deadline_s: float) -> list[dict]:
    """The rule groups, once each has been evaluated."""
    while time.monotonic() < deadline_s:
        time.sleep(5)
        try:
            groups = _get("/api/v1/rules")["data"]["groups"]
        except OSError:
            continue
        if all(group["evaluationTime"] > 0 for group in groups):
            return groups
    raise SystemExit("rules_cost: not every group was evaluated in 15 minutes")


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(folder: Path, rules: str) -> tuple[list[dict], float]:
    """The rule groups, and the CPU seconds a minute of all that Prometheus does."""
    scrape = f"[{{job_name: agentslo, static_configs: [{{targets: ['{TARGET}']}}], "
    scrape += "relabel_configs: [{target_label: instance, replacement: target}]}]"
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 30s}}\nrule_files: [{rules}]\nscrape_configs: {scrape}\n"
    )
    command = [
        TOOLS / "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=45d",
        f"--web.listen-address={ADDRESS}",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            evaluated(time.monotonic() + 900)
            began, used = time.monotonic(), cpu_s(process.pid)
            time.sleep(MEASURED_S)
            took = time.monotonic() - began
            return evaluated(began + 900), (cpu_s(process.pid) - used) / took * 60
        finally:
            process.terminate()


def report(groups: list[dict], cpu: float, *, dearest: bool) -> None:
    """A line a group, as Prometheus says; the dearest rules where asked for."""
    dear = []
    for group in groups:
        print(f"{group['name']:24} {group['evaluationTime']:7.3f} s every {group['interval']:g} s")
        for rule in group["rules"]:
            labels = rule.get("labels", {}).get("window", "")
            dear.append((rule["evaluationTime"] * 60 / group["interval"], rule["name"], labels))
    for cost, rule, window in sorted(dear, reverse=True)[: 60 if dearest else 0]:
        print(f"  {cost:7.3f} s a minute: {rule} {window}")
    wall = sum(group["evaluationTime"] * 60 / group["interval"] for group in groups)
    print(f"evaluation: {wall:.2f} s a minute of wall time; CPU of the rules: {cpu:.2f} s a minute")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--rules", action="store_true", help="the dearest rules, too")
    parser.add_argument("--folder", type=Path, action="append", help="rules to measure, in turn")
    options = parser.parse_args()
    server = target(options.agents)
    with tempfile.TemporaryDirectory() as name:
        load(Path(name), options.agents)
        _, bare = measure(Path(name), "")
        print(f"{options.agents} agents of {len(SLOS)} objectives; scrapes: {bare:.2f} s a minute")
        for folder in options.folder or [ROOT / "alert-rules"]:
            groups, cpu = measure(Path(name), f"'{folder.resolve()}/*.rules.yml'")
            print(folder)
            report(groups, cpu - bare, dearest=options.rules)
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
