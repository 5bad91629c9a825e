"""What the committed rules cost a real Prometheus: seconds of evaluation a minute.

    .venv/bin/python benchmarks/rules_cost.py --agents 1000 --hours 6

In: how many agents, of four objectives each, and how many hours of recorded increments. Out: one
line a rule group, and the sum. The data is written as blocks; nothing is scraped while the rules
run. Takes 5 minutes and more: every group must have been evaluated.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools" / "bin"
ADDRESS = "127.0.0.1:19390"
SLOS = ("success", "latency", "safety", "cost")
RAW_MINUTES = 130
PER_MINUTE = {"good": 10, "bad": 0, "unknown": 1}
"""Healthy agents: a firing alert looks up its texts at every evaluation, which is another cost."""


def _family(name: str, kind: str, rows: Iterator[str]) -> Iterator[str]:
    yield f"# TYPE {name} {kind}\n"
    yield from rows


def _gauge(name: str, value: float, agents: int, times: range, more: str = "") -> Iterator[str]:
    for number in range(agents):
        for slo in SLOS:
            who = f'{{agent="a{number}",environment="prod",slo="{slo}"{more}}}'
            for at in times[::5]:
                yield f"{name}{who} {value} {at}\n"


def raw(agents: int, end: int) -> Iterator[str]:
    """Counters and gauges as the service exposes them, one sample a minute."""
    times = range(end - RAW_MINUTES * 60, end + 1, 60)
    info = ',owner="o",source="file",tier="standard",revision="1"'
    yield from _family("agent_slo_info", "gauge", _gauge("agent_slo_info", 1, agents, times, info))
    for name, value in (("objective_ratio", 0.95), ("window_seconds", 2_419_200)):
        family = f"agent_slo_{name}"
        yield from _family(family, "gauge", _gauge(family, value, agents, times))
    yield "# TYPE agent_slo_events counter\n"
    for number in range(agents):
        for slo in SLOS:
            for result, pace in PER_MINUTE.items():
                who = f'agent="a{number}",environment="prod",slo="{slo}",result="{result}"'
                series = f'agent_slo_events_total{{{who},release="r",segment="unset"}}'
                for step, at in enumerate(times):
                    yield f"{series} {1000 + step * pace} {at}\n"
    yield "# TYPE agent_slo_runs counter\n"
    for number in range(agents):
        for outcome in ("success", "tool_failure", "unknown"):
            who = f'agent="a{number}",environment="prod",release="r",outcome="{outcome}"'
            for step, at in enumerate(times):
                yield f"agent_slo_runs_total{{{who}}} {1000 + step} {at}\n"
    yield "# EOF\n"


def tiles(agents: int, end: int, hours: int) -> Iterator[str]:
    """Recorded increments of the hours before."""
    name = "agent_slo:events:increase5m"
    yield f"# TYPE {name} gauge\n"
    for number in range(agents):
        for slo in SLOS:
            for result, pace in PER_MINUTE.items():
                who = f'{{agent="a{number}",environment="prod",slo="{slo}",result="{result}"}}'
                for at in range(end - hours * 3600, end + 1, 300):
                    yield f"{name}{who} {5 * pace} {at}\n"
    yield "# EOF\n"


def load(folder: Path, agents: int, hours: int) -> None:
    """Blocks that end now."""
    end = int(time.time()) // 60 * 60
    for name, lines in (("raw", raw(agents, end)), ("tiles", tiles(agents, end, hours))):
        path = folder / f"{name}.om"
        with path.open("w") as out:
            out.writelines(lines)
        command = [TOOLS / "promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
        subprocess.run([*command, path, folder / "data"], check=True, stdout=subprocess.DEVNULL)
        path.unlink()


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
        if groups and all(group["evaluationTime"] > 0 for group in groups):
            return groups
    raise SystemExit("rules_cost: not every group was evaluated in 12 minutes")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        load(folder, options.agents, options.hours)
        rules = ROOT / "alert-rules" / "*.rules.yml"
        (folder / "prometheus.yml").write_text(f"rule_files: ['{rules}']\n")
        command = [
            TOOLS / "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={ADDRESS}",
        ]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                groups = evaluated(time.monotonic() + 720)
            finally:
                process.terminate()
    total = 0.0
    for group in groups:
        share = group["evaluationTime"] * 60 / group["interval"]
        total += share
        print(f"{group['name']:24} {group['evaluationTime']:7.3f} s every {group['interval']:g} s")
    print(f"{options.agents} agents of {len(SLOS)} objectives: {total:.2f} s a minute")
    return 0


if __name__ == "__main__":
    sys.exit(main())
