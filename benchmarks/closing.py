"""CPU of closing a run, stage by stage, in one process and without any I/O.

    .venv/bin/python benchmarks/closing.py [--runs 600] [--rounds 5]

Runs of 20 spans, 12 of them of agents (`bench/payloads`), are assembled once; then each stage goes
over all of them, in turn, and the fastest of the rounds is printed. A stage meets every run cold:
the sum is above what closing them one by one takes. Compare stages, and commits measured in turn;
microseconds differ between machines.
"""

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

from agentslo.bench.payloads import Shape, fresh, one_pass
from agentslo.config.service_file import load
from agentslo.measure.series import Metrics
from agentslo.otlp.splice import encode
from agentslo.outcomes.view import RunView
from agentslo.runs.evidence import EvidenceStore, Judged
from agentslo.runs.open_trace import Closed
from agentslo.service.assembly import pipeline
from agentslo.service.enrich import run_attributes
from agentslo.service.events import Counted
from agentslo.service.judged_bytes import pack_judged
from agentslo.service.ledger_rows import run_row
from agentslo.service.pipeline import Pipeline
from agentslo.service.recent import Recent
from agentslo.service.recorder import Recorder
from agentslo.watch.observe import observe

NOW_NS = 1_800_000_000_000_000_000
QUIET_NS = 12 * 10**9
STEPS = 12


def closed_runs(served: Pipeline, wanted: int) -> list[Closed]:
    """So many whole runs, assembled and over."""
    bodies, count = one_pass(Shape(mix=1.0)).requests, 0
    found: list[Closed] = []
    while len(found) < wanted:
        for body in bodies:
            served.traces(fresh(body, count.to_bytes(4, "big")), NOW_NS)
        count += 1
        over = served.assembler.due(NOW_NS + QUIET_NS)
        found += [one for one in over if len(one.tree.members) == STEPS]
    return found[:wanted]


def stages(
    served: Pipeline, closed: Sequence[Closed]
) -> dict[str, tuple[Callable[[Any], Any], list[Any]]]:
    """What is done to every run, and to what."""
    judge, recorder, recent = served.verdicts, Recorder(Metrics()), Recent()
    runs = [served._built(one) for one in closed]  # noqa: SLF001 - the stage by itself
    _, file = judge.identified(runs[0])
    verdicts = [judge.judge(run, file, []) for run in runs]
    both = list(zip(runs, verdicts, strict=True))
    judged = [Judged(run=r, verdict=v, file=file, closed_ns=NOW_NS) for r, v in both]
    views = [RunView(run, judge.habits) for run in runs]
    counted = [
        Counted(run=r, verdict=v, file=file, root_outcome=v.outcome, view=view)
        for (r, v), view in zip(both, views, strict=True)
    ]
    seen = [observe(run, verdict) for run, verdict in both]
    store, watch = EvidenceStore(max_runs=100), judge.watch
    return {
        "build": (served._built, list(closed)),  # noqa: SLF001 - the same
        "classify and judge": (lambda run: judge.judge(run, file, []), runs),
        "attributes of the root": (lambda one: encode(run_attributes(*one)), both),
        "remember for evidence": (store.remember, judged),
        "observe for drift": (lambda one: list(watch.counted(*one)) if watch else [], both),
        "count its bins": (lambda one: recorder.record(one, NOW_NS), list(seen)),
        "count the run": (lambda one: recorder.record(one, NOW_NS), list(counted)),
        "page and coverage": (recent.note, list(counted)),
        "row of the ledger": (lambda one: run_row(*one, NOW_NS), both),
        "entry of the journal": (pack_judged, judged),
    }


STORED = ("row of the ledger", "entry of the journal")
"""Only with storage."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    served = pipeline(load(None, {}))
    found = stages(served, closed_runs(served, asked.runs))
    best = dict.fromkeys(found, float("inf"))
    gc.collect()
    gc.disable()
    for _ in range(asked.rounds):
        for name, (work, items) in found.items():
            start_ns = time.process_time_ns()
            for item in items:
                work(item)
            took_us = (time.process_time_ns() - start_ns) / 1e3 / len(items)
            best[name] = min(best[name], took_us)
    for name, took_us in best.items():
        print(f"{name:24} {took_us:7.1f} us a run")
    plain = sum(took_us for name, took_us in best.items() if name not in STORED)
    print(f"{'without storage':24} {plain:7.1f} us a run")


if __name__ == "__main__":
    main()
