"""The gates of `examples/gates/` as values, and what each tool would make of a number.

In: the committed files. Out: queries with their variables filled in, and verdicts. No state. The
rules are those the tools document: Argo Rollouts, "Analysis & Progressive Delivery", measures one
condition after the other; Flagger, "Metrics Analysis", `thresholdRange`.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import yaml

from support.tools import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "examples" / "gates"
Verdict = Literal["pass", "fail", "inconclusive"]
_CONDITION = re.compile(r"result\[0\] (<=|>=|<|>) (-?[\d.]+)")
_VARIABLE = re.compile(r"\{\{\s*(?:args|variables)\.(\w+)\s*\}\}")
Document = dict[str, Any]


def documents(name: str) -> list[Document]:
    """The YAML documents of an example."""
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def filled(query: str, agent: str) -> str:
    """A query as the tool would send it."""
    values = {"agent": agent, "environment": "production"}
    return _VARIABLE.sub(lambda found: values[found[1]], query)


def argo_verdict(metric: Mapping[str, Any], value: float) -> Verdict:
    """What Argo Rollouts makes of a number: failure first, then success, else inconclusive."""
    if _holds(metric["failureCondition"], value):
        return "fail"
    return "pass" if _holds(metric["successCondition"], value) else "inconclusive"


def flagger_ranges() -> dict[str, tuple[float, float]]:
    """The range of each check, from the Canary that the example shows in its comment."""
    text = (FOLDER / "flagger.yaml").read_text(encoding="utf-8")
    shown = "\n".join(line[2:] for line in text.splitlines() if line.startswith("#   "))
    metrics = yaml.safe_load(shown)["analysis"]["metrics"]
    ranges = {m["templateRef"]["name"]: m["thresholdRange"] for m in metrics}
    return {
        name: (found.get("min", float("-inf")), found.get("max", float("inf")))
        for name, found in ranges.items()
    }


def _holds(condition: str, value: float) -> bool:
    found = _CONDITION.fullmatch(condition)
    assert found, condition
    bound = float(found[2])
    return {
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
    }[found[1]]
