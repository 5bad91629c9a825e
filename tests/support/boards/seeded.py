"""A real Prometheus that holds a simulated fleet and every recorded series and alert over it.

In: tools, a folder, the end of time. Out: its address. State: its data in the folder. Rules are
evaluated here as range queries, level by level, because promtool's own back-filling cannot read a
recorded series that another rule of the same pass makes. `for` of alerts is not waited.
"""

import contextlib
import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agentslo.bundle.record_increments import INCREMENTS
from support.boards.dashboards import selectors
from support.boards.fleet import Samples, Simulation, openmetrics
from support.ports import LOOPBACK, free_port
from support.process import answers, running

RULES = Path(__file__).parents[3] / "alert-rules"
END_S = 1_790_000_040
"""Some afternoon, on the grid of the 5 minute increments but for the last scrape."""
HOURS = 32.0
STEP_S = 300
_TILES = {record.name for record in INCREMENTS.records}
"""Recorded over the whole time: all long windows are sums of them."""
_BLOCK = "48h"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server and the time its data ends."""

    url: str
    end_s: int

    def ask(self, path: str, **parameters: object) -> Any:
        """The data of an API answer; raises with Prometheus's own words."""
        body = urllib.parse.urlencode(parameters).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data=body)
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            with error:
                said = json.load(error).get("error", "")
            raise ValueError(said) from None

    def instant(self, expr: str) -> list[Any]:
        """Series at the end."""
        found: list[Any] = self.ask("query", query=expr, time=self.end_s)["result"]
        return found

    def over(self, expr: str, span_s: float, step_s: int) -> list[Any]:
        """Series over the last seconds."""
        start = self.end_s - span_s
        ask = {"query": expr, "start": start, "end": self.end_s, "step": step_s}
        found: list[Any] = self.ask("query_range", **ask)["result"]
        return found


@contextlib.contextmanager
def serving(prometheus: Path, folder: Path, end_s: int = END_S) -> Iterator[Prometheus]:
    """Prometheus over what the folder holds."""
    (folder / "prometheus.yml").write_text("global: {}\n")
    address = f"{LOOPBACK}:{free_port()}"
    command: list[str | Path] = [
        prometheus,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--storage.tsdb.retention.time=20y",
        "--log.level=warn",
        "--web.cors.origin=.*",
    ]
    ready = answers(f"http://{address}/-/ready")
    with running(command, log=folder / "prometheus.log", ready=ready):
        yield Prometheus(f"http://{address}", end_s)


@contextlib.contextmanager
def seeded(
    prometheus: Path, promtool: Path, folder: Path, *, hours: float = HOURS, ruled_h: float = 4.0
) -> Iterator[Prometheus]:
    """Prometheus with the fleet of the last `hours`, its rules over the last `ruled_h`."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    _import(promtool, folder, Simulation(END_S, hours).samples())
    for level in levels():
        with serving(prometheus, folder) as server:
            made = _evaluated(server, level, hours, ruled_h)
        _import(promtool, folder, made)
    with serving(prometheus, folder) as server:
        yield server


def _import(promtool: Path, folder: Path, samples: Samples) -> None:
    path = folder / "samples.om"
    with path.open("w", encoding="utf-8") as out:
        out.writelines(openmetrics(samples))
    # Longer blocks than Prometheus makes itself: the file is read once a block.
    made = ["create-blocks-from", f"--max-block-duration={_BLOCK}", "--quiet", "openmetrics"]
    command: list[str | Path] = [promtool, "tsdb", *made, path, folder / "data"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)


# ---- rules


@dataclass(frozen=True, slots=True)
class Rule:
    """A recording rule, or an alert as the rule that would record its firing."""

    name: str
    expr: str
    labels: tuple[tuple[str, str], ...]

    def needs(self) -> set[str]:
        """Names of the series it reads."""
        return {str(s.name) for s in selectors(self.expr)} - {self.name}


def rules() -> list[Rule]:
    """All rules of the committed files."""
    found = []
    for path in sorted(RULES.glob("*.rules.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            found += [_rule(rule) for rule in group["rules"]]
    return found


def _rule(rule: dict[str, Any]) -> Rule:
    labels = dict(rule.get("labels", {}))
    if "record" in rule:
        return Rule(rule["record"], rule["expr"], tuple(labels.items()))
    labels |= {"alertname": rule["alert"], "alertstate": "firing"}
    return Rule("ALERTS", f"0 * ({rule['expr']}) + 1", tuple(labels.items()))


def levels() -> list[list[Rule]]:
    """Rules in an order in which each reads only what came before."""
    left, out = rules(), []
    while left:
        missing = {rule.name for rule in left}
        level = [rule for rule in left if not rule.needs() & missing]
        if not level:
            raise ValueError(f"rules read each other: {sorted(missing)}")
        # Rules of one name come together: some read their own name's other labels.
        out.append(level)
        left = [rule for rule in left if rule not in level]
    return out


def _evaluated(server: Prometheus, level: Iterable[Rule], hours: float, ruled_h: float) -> Samples:
    samples: Samples = {}

    def one(rule: Rule) -> list[Any]:
        span_h = hours if rule.name in _TILES else ruled_h
        return server.over(rule.expr, 3600 * span_h, STEP_S)

    with ThreadPoolExecutor(2) as pool:
        for rule, found in zip(level, pool.map(one, level), strict=True):
            for series in found:
                labels = {**series["metric"], **dict(rule.labels)}
                labels.pop("__name__", None)
                pairs = ",".join(f"{k}={json.dumps(v)}" for k, v in sorted(labels.items()))
                points = [(int(at_s), float(value)) for at_s, value in series["values"]]
                samples[f"{rule.name}{{{pairs}}}"] = points
    return samples
