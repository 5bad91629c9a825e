"""Reports: what happened to an agent, what it is worth, what proves it.

In: what is known of an agent for a number of days. Out: sections of plain values, each claim with
evidence that can be followed, and the same as Markdown. Pure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentslo.outcomes.groups import BAD, ENDED, GOOD
from agentslo.respond.checklists import Checklist, check, verdict
from agentslo.respond.incidents import Incident
from agentslo.respond.known import Attested
from agentslo.respond.probes import Known
from agentslo.store.ledger import LedgerRun

TOP = 5
PROVEN = frozenset({"tool_result", "evaluator", "human", "system_of_record"})
"""Evidence a bill may rest on: better than the spans' own word."""
Bill = Mapping[str, Any]
"""One outcome, as values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a report: lines as (claim, evidence that can be followed)."""

    title: str
    lines: tuple[tuple[str, str], ...]


def daily(known: Known) -> list[Section]:
    """Runs, objectives, failures and incidents."""
    return [
        Section(title="Runs", lines=tuple(_runs(known.runs))),
        Section(title="Objectives", lines=tuple(_objectives(known))),
        Section(title="Failures", lines=tuple(_failures(known.runs))),
        Section(title="Segments", lines=tuple(_segments(known.runs))),
        Section(title="Incidents", lines=tuple(_incidents(known))),
    ]


def governance(known: Known, attested: Attested) -> list[Section]:
    """What it can do, how it performs, how worsening is seen, how it is mended."""
    explain = [
        (f"{t.name}: {t.effect}, {t.permission}", _file(known)) for t in known.file.tools
    ] or [("no tool is declared: what it may do is not written", "")]
    detect = [(_incident_line(i), f"agentslo incident show {i.id}") for i in known.incidents]
    recover = [
        (
            f"{c.action} by {c.actor}: {c.reason}",
            f"agentslo audit list --subject containment/{c.id}",
        )
        for c in known.containments
    ]
    reviews = [
        (f"{a.item}: {a.actor} ({a.role})", a.evidence)
        for found in attested.values()
        for a in found
    ]
    return [
        Section(title="Explain: what it can do", lines=tuple(explain)),
        Section(title="Prove: how it performs", lines=tuple(_objectives(known))),
        Section(
            title="Detect: what was found",
            lines=tuple(detect) or (("no incident is recorded", ""),),
        ),
        Section(
            title="Recover: what was done",
            lines=tuple(recover) or (("no containment was ever done or practised", ""),),
        ),
        Section(title="Reviews", lines=tuple(reviews) or (("nobody vouched for anything", ""),)),
    ]


def checklist(name: Checklist, known: Known, attested: Attested) -> list[Section]:
    """A checklist as a report, above the numbers."""
    results = check(name, known, attested)
    lines = [
        (f"{r.state}: {r.item.asks} {r.why}", "; ".join(r.evidence) or r.mend) for r in results
    ]
    title = f"Checklist {name}: {verdict(results)}"
    return [Section(title=title, lines=tuple(lines)), *daily(known)]


def billing(runs: Sequence[LedgerRun]) -> list[Bill]:
    """Every outcome that may be billed, and those that may not with the reason; newest first."""
    out = list[Bill]()
    for run in runs:
        line = run.body["run"]
        if line["outcome"] not in GOOD and run.outcome not in GOOD:
            continue
        corrected = run.outcome != line["outcome"]
        proven = line["evidence"] in PROVEN
        if corrected and run.outcome not in GOOD:
            why = f"corrected to {run.outcome}"
        elif not proven and not corrected:
            why = f"evidence is {line['evidence']}: nothing outside the agent says so"
        else:
            why = ""
        out.append(
            {
                "run_id": run.run_id,
                "end": line["end"],
                "outcome": run.outcome,
                "evidence": line["evidence"],
                "task_type": run.task_type or None,
                "cost_usd": line.get("cost_usd"),
                "billable": not why,
                "why_not": why or None,
                "corrected_from": line["outcome"] if corrected else None,
            }
        )
    return out


def markdown(title: str, sections: Sequence[Section]) -> str:
    """The report as Markdown."""
    out = [f"# {title}", ""]
    for section in sections:
        out += [f"## {section.title}", ""]
        out += [
            f"- {claim}" + (f" ({evidence})" if evidence else "")
            for claim, evidence in section.lines
        ]
        out.append("")
    return "\n".join(out)


def as_json(sections: Sequence[Section]) -> list[dict[str, object]]:
    """The report as values."""
    return [
        {
            "title": s.title,
            "lines": [
                {"claim": claim, "evidence": evidence or None} for claim, evidence in s.lines
            ],
        }
        for s in sections
    ]


def _runs(runs: Sequence[LedgerRun]) -> list[tuple[str, str]]:
    if not runs:
        return [("no run", "")]
    outcomes = Counter(run.outcome for run in runs).most_common()
    costs = [run.body["run"].get("cost_usd") for run in runs]
    priced = [float(cost) for cost in costs if cost is not None]
    good = sum(n for outcome, n in outcomes if outcome in (*GOOD, *ENDED))
    out = [
        (
            f"{len(runs)} runs: " + ", ".join(f"{n} {o}" for o, n in outcomes),
            f"agentslo runs list --agent {runs[0].agent}",
        )
    ]
    if priced and good:
        part = "" if len(priced) == len(runs) else f" (of {len(priced)} runs with a known price)"
        each = sum(priced) / good
        out.append((f"{sum(priced):.4f} USD in all, {each:.4f} USD a good run{part}", ""))
    else:
        out.append(("cost is not known: spans say none, and no price list knows their models", ""))
    return out


def _objectives(known: Known) -> list[tuple[str, str]]:
    out = []
    for slo in known.file.slos:
        counts = Counter(str(run.body["run"]["slos"].get(slo.name)) for run in known.runs)
        good, bad, unknown = counts["good"], counts["bad"], counts["unknown"]
        target = f"target {slo.objective_ratio:.4g}"
        if not good + bad:
            out.append((f"{slo.name}: cannot be told, {unknown} unknown ({target})", _file(known)))
            continue
        share = good / (good + bad)
        word = "within" if share >= slo.objective_ratio else "MISSED"
        said = (
            f"{slo.name}: {word}, {share:.2%} of {good + bad} judged, {unknown} unknown, {target}"
        )
        out.append((said, _file(known)))
    return out or [("no objective", "")]


def _failures(runs: Sequence[LedgerRun]) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], list[LedgerRun]] = {}
    for run in runs:
        if run.outcome in BAD:
            found.setdefault((run.outcome, run.body["run"]["reason"]), []).append(run)
    ranked = sorted(found.items(), key=lambda item: -len(item[1]))[:TOP]
    return [
        (f"{len(these)} {outcome}: {reason}", f"agentslo runs show {these[0].run_id}")
        for (outcome, reason), these in ranked
    ] or [("none", "")]


def _segments(runs: Sequence[LedgerRun]) -> list[tuple[str, str]]:
    """Bad shares by task type and release; a mean over unequal segments misleads."""
    overall = _share(runs)
    out = []
    for name, key in (("task type", "task_type"), ("release", "release")):
        groups: dict[str, list[LedgerRun]] = {}
        for run in runs:
            groups.setdefault(getattr(run, key) or "-", []).append(run)
        if len(groups) < 2:
            continue
        for value, members in sorted(groups.items(), key=lambda item: -len(item[1]))[:TOP]:
            share = _share(members)
            warn = (
                ": the mean hides this" if len(members) >= 10 and share >= 2 * overall > 0 else ""
            )
            out.append((f"{name} {value}: {share:.1%} bad of {len(members)}{warn}", ""))
    return out or [("one segment only", "")]


def _share(runs: Sequence[LedgerRun]) -> float:
    return sum(run.outcome in BAD for run in runs) / len(runs) if runs else 0.0


def _incidents(known: Known) -> list[tuple[str, str]]:
    return [
        (_incident_line(i), f"agentslo incident show {i.id}")
        for i in known.incidents
        if i.state != "closed"
    ] or [("none open", "")]


def _incident_line(incident: Incident) -> str:
    return f"{incident.severity} {incident.state}: {incident.title}"


def _file(known: Known) -> str:
    return f"{known.file.file} revision {known.file.revision}" if known.file.file else "defaults"
