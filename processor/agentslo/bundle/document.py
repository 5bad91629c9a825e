"""`docs/alerts.md`: every alert and recorded series, made from the tables.

In: the tables. Out: one Markdown page. No state.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from agentslo.bundle.catalogue import alerts, groups
from agentslo.bundle.rule import PRODUCT, SEVERITY, Alert, Record, RuleGroup
from agentslo.bundle.text import Links
from agentslo.bundle.windows import PAIRS, Pair

DOCUMENT: Final = "docs/alerts.md"
_INTRO: Final = f"""# Alerts and recorded series

Made by `agentslo bundle`: do not edit.

Every alert carries `product="{PRODUCT}"`, `severity`, `slo_action` (`page`, `ticket`, `watch`) and
`category`; alerts about an agent also `agent`, `environment` and, where known, `owner`. One name
has one severity.
"""
_PAIRS: Final = """Both windows must be above the threshold min(factor x budget, budget + cap x
(1 - budget)), with at least so many bad runs and so much evidence.

| long | short | if sparse | below | factor (28 d) | cap | bad runs | evidence | waits | action |
|---|---|---|---|---|---|---|---|---|---|"""
_NEEDS: Final = "Inert without {}, which the service does not expose yet."


def document() -> str:
    """The whole page."""
    named = [(name, list(rules)) for name, rules in groupby(alerts(), key=lambda a: a.name)]
    return (
        "\n".join(
            (
                _INTRO,
                "## Alerts\n",
                "| alert | action | about | waits | runbook |\n|---|---|---|---|---|",
                *(_row(name, rules) for name, rules in named),
                "\n## Pairs of windows\n",
                _PAIRS,
                *(_pair(pair) for pair in PAIRS),
                "\n## Recorded series\n",
                *(_section(group) for group in groups() if group.records),
            )
        ).rstrip("\n")
        + "\n"
    )


def _row(name: str, rules: list[Alert]) -> str:
    first = rules[0]
    waits = sorted({rule.wait or "0s" for rule in rules}, key=lambda w: (w[-1] != "s", len(w), w))
    about = {"slo": "an objective", "agent": "an agent", "process": "the service"}[first.scope]
    link = f"[{name}](../{Links().runbook(name)})"
    needs = " " + _NEEDS.format(", ".join(f"`{n}`" for n in first.needs)) if first.needs else ""
    return (
        f"| `{name}` | {first.action} ({SEVERITY[first.action]}) | {about}.{needs}"
        f" | {', '.join(waits)} | {link} |"
    )


def _pair(pair: Pair) -> str:
    sparse = pair.sparse_short if pair.dense_runs else ""
    below = f"{pair.dense_runs} runs" if pair.dense_runs else ""
    factor = ""
    if pair.budget_share is not None:
        factor = f"{max(pair.least_factor, 28 * pair.factor_per_day):g}"
    bad = f"{pair.min_bad + 0.5:g}" if pair.min_bad else ""
    return (
        f"| {pair.window} | {pair.short} | {sparse} | {below} | {factor}"
        f" | {pair.cap:g} | {bad} | {pair.min_evidence_nats:g} nats | {pair.wait}"
        f" | {pair.action} |"
    )


def _section(group: RuleGroup) -> str:
    lines = [
        f"### `{group.name}`\n",
        f"{group.doc} Evaluated every {group.interval}.\n",
        *(f"- `{name}`: {doc}" for name, doc in _listed(group.records)),
    ]
    return "\n".join(lines) + "\n"


def _listed(records: tuple[Record, ...]) -> Iterator[tuple[str, str]]:
    """Each name once: rules that differ in a label alone are one series in the reference."""
    seen: set[str] = set()
    for record in records:
        if record.name not in seen:
            seen.add(record.name)
            labels = f" Also by {', '.join(record.labels)}." if record.labels else ""
            yield record.name, record.doc + labels
