"""What was seen of one agent, as plain values: the material of a first agent file.

In: nothing, or the JSON of these values. Out: frozen dataclasses. No state. `outcomes/seen.py`
fills them from runs, `agent_writer.py` writes a file from them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from agentslo.config.agent_options import EvaluationDimension


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTool:
    """One tool: calls, how many failed; `escalates`: its name hands over to a person."""

    name: str
    calls: int
    failed: int
    escalates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAgent:
    """One agent of one service, by the names its spans carry; "" where they carry none.

    The `p95_` values are 95th percentiles over the newest `sampled` runs, None where no run told.
    `judged`: runs an evaluator or a person had a say in. `evaluations`: name to what it judges.
    """

    agent: str
    service: str
    runs: int
    sampled: int
    judged: int
    environments: tuple[str, ...]
    task_types: tuple[str, ...]
    tools: tuple[SeenTool, ...]
    evaluations: Mapping[str, EvaluationDimension]
    p95_duration_s: float | None
    p95_cost_usd: float | None
    p95_steps: float | None
    p95_tokens: float | None

    def as_json(self) -> dict[str, Any]:
        """The values as `/api/v1/seen` answers them."""
        return asdict(self)


def from_json(found: Mapping[str, Any]) -> SeenAgent:
    """The values from their JSON; raises `ValueError` where it is something else."""
    try:
        tools = tuple(SeenTool(**tool) for tool in found["tools"])
        lists = {name: tuple(found[name]) for name in ("environments", "task_types")}
        return SeenAgent(**{**found, **lists, "tools": tools})
    except (TypeError, KeyError) as error:
        raise ValueError(f"the answer is not what was seen of an agent: {error}") from None
