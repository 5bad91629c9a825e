"""`docs/metrics.md`, made from the catalogue.

`python -m agentslo.measure.document docs/metrics.md` writes it; a test fails where it is stale.
"""

import argparse
from pathlib import Path

from agentslo.config.options import CapOptions
from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.family import CAPS, OWN_PREFIX, Family, Label
from agentslo.measure.labels import ENVIRONMENTS_PER_AGENT, VALUES_PER_LABEL

_INTRO = """# Metrics

Made from the catalogue by `python -m agentslo.measure.document docs/metrics.md`: do not edit.

Served on `/metrics` as Prometheus text or, where the scraper accepts it, as OpenMetrics with
exemplars on histogram buckets. A counter or histogram series about an agent is exposed at 0 for
`zero_hold_s` when it is first seen, then with what came in between, so that `increase` sees the
first event. Families named `agent_slo_processor_*` are about the process: no hold, and they
restart at 0.
"""

_LABELS_INTRO = """## Labels

Values keep to letters, digits, `_.:/-` and space; anything else becomes `_`, and what is longer
than 80 characters or not ASCII ends in a short hash. Beyond a cap a value becomes `_other`, and
`agent_slo_processor_overflow_total{cap}` counts it. At a series cap first all detail is folded into
`_other`, then the environment, then the agent. The series of a release unseen for 7 days are no
longer exposed.

| cap | limit | of |
|---|---|---|
"""


def document() -> str:
    """The whole page."""
    families = CATALOGUE.values()
    agents = [family for family in families if not family.own]
    own = [family for family in families if family.own]
    return (
        "\n".join(
            (
                _INTRO,
                "## Agents\n",
                *(_section(family) for family in agents),
                f"## The process (`{OWN_PREFIX}*`)\n",
                "For each destination accepted = forwarded + queued + held + dropped.\n",
                *(_section(family) for family in own),
                _LABELS_INTRO + "".join(_cap_row(cap) for cap in CAPS),
            )
        ).rstrip("\n")
        + "\n"
    )


def main() -> None:
    """Write the page to the path given."""
    parser = argparse.ArgumentParser(description="Write the metric reference.")
    parser.add_argument("path", type=Path)
    parser.parse_args().path.write_text(document(), encoding="utf-8")


def _section(family: Family) -> str:
    unit = f", {family.unit}" if family.unit else ""
    lines = [
        f"### `{family.name}`\n",
        f"{family.kind.capitalize()}{unit}. {family.help}\n",
    ]
    lines += [f"- `{label.name}`{_bound(label)}" for label in family.labels]
    if family.buckets:
        bounds = " ".join(f"{bound:g}" for bound in family.buckets)
        lines.append(f"- buckets: {bounds} +Inf")
    return "\n".join(lines).rstrip("\n") + "\n"


def _bound(label: Label) -> str:
    if label.values:
        return ": " + " ".join(f"`{value}`" for value in label.values)
    if label.follows:
        return f" (describes `{label.follows}`)"
    return f" (cap `{label.cap}`)" if label.cap else ""


def _cap_row(cap: str) -> str:
    known = {"environments": ENVIRONMENTS_PER_AGENT, "values": VALUES_PER_LABEL}
    limit = known.get(cap, getattr(CapOptions(), cap, ""))
    return f"| `{cap}` | {limit} | {CAPS[cap]} |\n"


if __name__ == "__main__":
    main()
