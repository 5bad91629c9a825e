"""What is told of labelled benchmark runs, against their labels: the figures of docs/outcomes.md.

In: the folder of the corpora, which is no part of the repository, and the agent files of
tests/data/labelled. Out: `Told` per corpus, and a table of them. No state. From tests/:

    python -m support.labelled FOLDER
"""

import csv
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agentslo.config.agents import files_in, load_agents
from agentslo.config.service_file import ServiceConfig
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics
from agentslo.model import Outcome, Verdict
from agentslo.otlp.files import Report, expand, merged
from agentslo.service.events import Corrected, Counted
from agentslo.service.recorder import Recorder
from agentslo.service.stream import Stream

AGENTS = Path(__file__).parents[1] / "data" / "labelled"
GOOD = (Outcome.SUCCESS, Outcome.SAFE_ESCALATION)
LOOP_CALLS = 4
COUNTED = re.compile(r'^agent_slo_runs_total\{.*outcome="(\w+)"\} (\S+)$', re.MULTILINE)
MOVED = re.compile(
    r'^agent_slo_outcome_corrections_total\{.*from="(\w+)",to="(\w+)".*\} (\S+)$', re.MULTILINE
)
Label = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Told:
    """The verdicts of a corpus by trace id, as first counted and in the end, its labels, and what
    was counted.
    """

    labels: Mapping[str, Label]
    first: Mapping[str, Verdict]
    last: Mapping[str, Verdict]
    metrics: Metrics

    def share(self, of: Callable[[Verdict, Label], bool]) -> float:
        """Of all runs."""
        return self.count(of) / len(self.labels)

    def count(self, of: Callable[[Verdict, Label], bool]) -> int:
        """Runs of which this is so of the last verdict and the label."""
        return sum(of(self.last[trace], label) for trace, label in self.labels.items())

    def found(
        self, said: Callable[[Verdict], bool], true: Callable[[Label], bool]
    ) -> tuple[int, int, int]:
        """(said and true, said and not true, true and not said)."""
        return (
            self.count(lambda v, row: said(v) and true(row)),
            self.count(lambda v, row: said(v) and not true(row)),
            self.count(lambda v, row: true(row) and not said(v)),
        )


def replayed(corpus: Path, agents: Path | None, *, verdicts: bool) -> Told:
    """A corpus played, with or without its own verdicts."""
    files, problems = load_agents(files_in(agents), {}) if agents else ((), ())
    if errors := [p for p in problems if p.is_error]:
        raise ValueError(f"{agents}: {errors}")
    with (corpus / "labels.csv").open(encoding="utf-8") as rows:
        labels = {row["trace_id"]: row for row in csv.DictReader(rows)}
    first: dict[str, Verdict] = {}
    last: dict[str, Verdict] = {}
    report, recorder = Report(), Recorder(Metrics())
    paths = [str(corpus) if verdicts else str(corpus / "spans.otlp.gz")]
    stream = Stream(ServiceConfig(agents=files))
    for happening in stream.play(merged(expand(paths, report), report)):
        recorder.record(happening, 0)
        if isinstance(happening, Counted):
            first[happening.run.trace_id] = last[happening.run.trace_id] = happening.verdict
        elif isinstance(happening, Corrected):
            last[happening.run.trace_id] = happening.after
    recorder.metrics.release_all()
    return Told(labels=labels, first=first, last=last, metrics=recorder.metrics)


def unsafe(verdict: Verdict) -> bool:
    """A violation was told."""
    return verdict.outcome is Outcome.UNSAFE_ACTION


def violated(label: Label) -> bool:
    """The injected goal was reached."""
    return label["policy_violation"] == "true"


def rates(found: tuple[int, int, int]) -> tuple[float, float]:
    """(precision, recall); 0 where nothing was said or true."""
    both, only_said, only_true = found
    return both / max(1, both + only_said), both / max(1, both + only_true)


def pass_1(metrics: Metrics) -> float:
    """Share of counted runs that went well, corrections included, from /metrics alone."""
    text = b"".join(render(metrics, 0, Format.TEXT)).decode()
    good = {outcome.value for outcome in GOOD}
    runs = [(outcome in good, float(n)) for outcome, n in COUNTED.findall(text)]
    net = sum(count for is_good, count in runs if is_good)
    for was, to, count in MOVED.findall(text):
        net += float(count) * ((to in good) - (was in good))
    return net / sum(count for _, count in runs)


def succeeded(told: Told) -> float:
    """Share of runs that the labels call a success."""
    return told.share(lambda _, row: row["success"] == "true")


def table(folder: Path) -> Iterable[str]:
    """Every figure, a line each."""
    for name in ("agentdojo", "agentdojo_drift"):
        alone = replayed(folder / name, AGENTS, verdicts=False)
        for told, how in (
            (alone, "spans alone"),
            (replayed(folder / name, AGENTS, verdicts=True), "with verdicts"),
        ):
            found = told.found(unsafe, violated)
            benign = told.count(lambda v, row: unsafe(v) and row["trial"] == "benign")
            precision, recall = rates(found)
            yield (
                f"{name}, {how}: violations precision {precision:.3f}, recall {recall:.3f} "
                f"({found[0]} right, {found[1]} wrong, {found[2]} missed), {benign} benign"
            )
        both, wrong, _ = alone.found(_succeeded, lambda row: row["success"] == "true")
        open_ = alone.share(lambda v, _: v.outcome in (Outcome.COMPLETED, Outcome.UNKNOWN))
        yield f"{name}, spans alone: success {both + wrong}, {both} of them right; open {open_:.3f}"
    for corpus in sorted(folder.iterdir()):
        if (corpus / "labels.csv").exists() and (corpus / "spans.otlp.gz").exists():
            yield from _repeats(corpus)
    airline = replayed(folder / "taubench_airline", None, verdicts=True)
    yield f"taubench_airline: pass^1 {pass_1(airline.metrics):.4f}, labels {succeeded(airline):.4f}"


def _succeeded(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.SUCCESS


def _repeats(corpus: Path) -> Iterable[str]:
    with (corpus / "labels.csv").open(encoding="utf-8") as rows:
        if "max_identical_tool_calls" not in next(csv.reader(rows)):
            return
    told = replayed(corpus, AGENTS, verdicts=False)
    loops = told.found(lambda v: bool(v.totals.loop), lambda row: _same(row) >= LOOP_CALLS)
    writes = told.found(lambda v: bool(v.totals.duplicate_actions), _wrote_twice)
    named = any(row["duplicate_write"] for row in told.labels.values())
    duplicates = "{} right, {} wrong, {} missed".format(*writes) if named else "not labelled"
    yield (
        f"{corpus.name}: loops {loops[0] + loops[1]}, of them {loops[0]} with "
        f"{LOOP_CALLS} or more identical calls; {loops[2]} more runs with those; "
        f"duplicates {duplicates}"
    )


def _same(label: Label) -> int:
    return int(label["max_identical_tool_calls"] or 0)


def _wrote_twice(label: Label) -> bool:
    return label["duplicate_write"] == "true"


if __name__ == "__main__":
    for line in table(Path(sys.argv[1])):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
