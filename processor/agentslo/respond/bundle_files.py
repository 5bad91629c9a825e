"""The evidence of a trigger as a folder: what failed, what went well beside it, and what they are.

In: an open ledger, a trigger, times, golden sets. Out: `manifest.json`, `traces.txt`,
`failed.jsonl`, `succeeded.jsonl`, and the SHA-256 of the manifest, which holds that of each other
file. No state; nothing is written where no run was found. Source: methods.md 6, requirements.md R7.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agentslo import __version__
from agentslo.outcomes.groups import BAD, GOOD
from agentslo.respond.leakage import overlaps
from agentslo.respond.redaction import redacted
from agentslo.respond.retraining import Trigger
from agentslo.store.ledger import DAY_NS, Ledger, LedgerRun, Query

FORMAT = "agentslo/evidence/v1"
MANIFEST = "manifest.json"
MAX_EACH = 200
MAX_RUNS = 1_000_000
BASELINE_DAYS = 28


class NoEvidence(Exception):
    """No run of the agent in the window: there is nothing to retrain on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """What called: its state, its thresholds, and the revisions in force; JSON values."""

    state: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    config_revision: str = ""
    file_revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A golden set: its name, the digest of its file, its cases."""

    name: str
    sha256: str
    cases: Sequence[Mapping[str, Any]]


def versions_of(ledger: Ledger, agent: str, environment: str, since_ns: int) -> tuple[str, ...]:
    """The releases that ran since a moment."""
    query = Query(agent=agent, environment=environment, since_ns=since_ns, limit=MAX_RUNS)
    return tuple(sorted({run.release for run in ledger.runs(query)}))


def write(
    folder: Path,
    ledger: Ledger,
    trigger: Trigger,
    detector: Detector,
    golden: Sequence[Golden],
    *,
    window_ns: int,
    now_ns: int,
) -> str:
    """Write the bundle; gives the SHA-256 of its manifest. Raises `NoEvidence`."""
    since_ns = now_ns - window_ns
    window = _runs(ledger, trigger, since_ns, now_ns)
    if not window:
        raise NoEvidence(f"no run of {trigger.agent} in {trigger.environment} in the window")
    baseline = _runs(ledger, trigger, since_ns - BASELINE_DAYS * DAY_NS, since_ns)
    failed = [run for run in window if run.outcome in BAD][:MAX_EACH]
    succeeded = matched(failed, [run for run in window if run.outcome in GOOD])
    removed: Counter[str] = Counter()
    files = {
        "failed.jsonl": _lines(failed, removed),
        "succeeded.jsonl": _lines(succeeded, removed),
        "traces.txt": "".join(f"{trace}\n" for trace in _traces([*failed, *succeeded])),
    }
    manifest = {
        "format": FORMAT,
        "processor_version": __version__,
        "trigger": asdict(trigger) | {"key": trigger.key},
        "detector": asdict(detector),
        "window": {"from_ns": since_ns, "to_ns": now_ns, **_counts(window)},
        "baseline": {"days": BASELINE_DAYS, **_counts(baseline)},
        "labels": _labels(ledger, [*failed, *succeeded]),
        "matching": "by task type and release, else task type, nearest in time",
        "redaction": dict(sorted(removed.items())),
        "leakage": _leakage([*failed, *succeeded], golden),
        "files": {name: _about(text) for name, text in files.items()},
    }
    return _store(folder, files, json.dumps(manifest, indent=2, sort_keys=True) + "\n")


def check(folder: Path, bundle_sha256: str) -> list[str]:
    """What is wrong with a bundle on disk; empty where every file is as it was written."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        files = json.loads(raw)["files"]
    except (OSError, ValueError, KeyError) as error:
        return [f"{MANIFEST} cannot be read: {error}"]
    wrong = [MANIFEST] if hashlib.sha256(raw).hexdigest() != bundle_sha256 else []
    for name, about in files.items():
        path = folder / Path(name).name
        if not path.is_file() or _sha256(path.read_bytes()) != about["sha256"]:
            wrong.append(name)
    return [f"{name} is not what was written" for name in wrong]


def matched(failed: Sequence[LedgerRun], good: Sequence[LedgerRun]) -> list[LedgerRun]:
    """For each failed run a good one of the same task and release (else task), nearest in time."""
    left = list(good)
    found: list[LedgerRun] = []
    for run in failed:
        same = [g for g in left if g.task_type == run.task_type]
        pool = [g for g in same if g.release == run.release] or same
        if pool:
            nearest = min(pool, key=lambda g: abs(g.counted_ns - run.counted_ns))
            left.remove(nearest)
            found.append(nearest)
    return found


def _runs(ledger: Ledger, trigger: Trigger, since_ns: int, until_ns: int) -> list[LedgerRun]:
    query = Query(
        agent=trigger.agent, environment=trigger.environment, since_ns=since_ns, limit=MAX_RUNS
    )
    return [run for run in ledger.runs(query) if run.counted_ns < until_ns]


def _lines(runs: Iterable[LedgerRun], removed: Counter[str]) -> str:
    return "".join(
        json.dumps(
            {
                **redacted(run.body, removed),
                "release": run.release,
                "outcome": run.outcome,
                "path": run.path,
            }
        )
        + "\n"
        for run in runs
    )


def _traces(runs: Iterable[LedgerRun]) -> list[str]:
    return sorted({str(run.body["run"]["trace_id"]) for run in runs})


def _counts(runs: Sequence[LedgerRun]) -> dict[str, Any]:
    """How many, by outcome, by release and by task type: before and after, per version."""
    return {
        "runs": len(runs),
        "outcomes": dict(sorted(Counter(run.outcome for run in runs).items())),
        "releases": {
            release: dict(sorted(Counter(r.outcome for r in runs if r.release == release).items()))
            for release in sorted({run.release for run in runs})
        },
        "task_types": dict(sorted(Counter(run.task_type for run in runs).items())),
    }


def _labels(ledger: Ledger, runs: Sequence[LedgerRun]) -> dict[str, Any]:
    """Who said how runs went, and how strong their word is."""
    corrected = Counter(c.source for run in runs for c in ledger.corrections(run.run_id))
    strength = Counter(str(run.body["run"].get("evidence") or "none") for run in runs)
    return {"evidence": dict(sorted(strength.items())), "corrected_by": dict(corrected)}


def _leakage(runs: Sequence[LedgerRun], golden: Sequence[Golden]) -> dict[str, Any]:
    """Runs of this bundle that a golden set holds: they may not be trained on."""
    cases = [dict(run.body["run"]) for run in runs]
    return {
        "checked_runs": len(cases),
        "golden": [
            {
                "name": one.name,
                "sha256": one.sha256,
                "cases": len(one.cases),
                "overlaps": [asdict(o) for o in overlaps(cases, one.cases)],
            }
            for one in golden
        ],
    }


def _about(text: str) -> dict[str, Any]:
    return {
        "sha256": _sha256(text.encode()),
        "bytes": len(text.encode()),
        "lines": text.count("\n"),
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _store(folder: Path, files: Mapping[str, str], manifest: str) -> str:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in (*files.items(), (MANIFEST, manifest)):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    return _sha256(manifest.encode())
