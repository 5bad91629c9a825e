"""What a run cost: reported by the spans, else priced, else unknown and counted as such.

In: a `RunView`, the agent file, a price function. Out: `Cost` in US dollars. Pure. A model call
without tokens or price makes the total unknown (None); the known part stays known. Precedence:
reported > user price file > public price table (design.md 3, conventions.md 5.2).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agentslo.config.agent_options import AgentFile, Tool
from agentslo.model import AGENT_LIKE, Role, Step, Totals
from agentslo.outcomes.promised import PRICED, promised
from agentslo.outcomes.view import RunView
from agentslo.runs import marks as mark

HUMAN = "human"
"""The source of what people's time costs."""
_BARRIER = AGENT_LIKE | {Role.TOOL}
Price = Callable[[Step], tuple[float, str] | None]
"""(US dollars, source) of a model span's usage, None where the model has no known price."""


def no_price(_step: Step) -> tuple[float, str] | None:
    """The default: no price is known of any model."""
    return None


@dataclass(slots=True)
class Cost:
    """The cost of a run. `total_usd` is None where any part is not known."""

    total_usd: float | None
    by_source: dict[str, float] = field(default_factory=dict)
    unpriced_tokens: dict[str, int] = field(default_factory=dict)
    """Tokens by model that have no price."""

    def add(self, source: str, usd: float) -> None:
        """Add a known part."""
        self.by_source[source] = self.by_source.get(source, 0.0) + usd

    @property
    def known_usd(self) -> float:
        """The sum of the parts that are known."""
        return float(sum(self.by_source.values()))


def own_usd(totals: Totals) -> float:
    """The known cost of the agent's own work, without people's time: what limits are about. A run
    rightly handed to a person may keep a promise of two cents (requirements.md S7).
    """
    return sum(usd for source, usd in totals.cost_by_source if source != HUMAN)


def outermost_free(view: RunView, bearing: Sequence[Step]) -> Sequence[Step]:
    """Of the steps that bear a figure, those whose figure counts towards the run (FINDINGS 1.6): a
    figure counts unless one can be reached below without passing an agent, tool or workflow.
    """
    covered: set[bytes] = set()
    parents, by_id = view.run.parents, view.by_id
    for above in {parents.get(s.span_id) for s in bearing if s.reading.role not in _BARRIER}:
        at = by_id.get(above or b"")
        # What is above a covered step was reached from there.
        while at is not None and at.span_id not in covered:
            covered.add(at.span_id)
            at = view.above(at) if at.reading.role not in _BARRIER else None
    return [s for s in bearing if s.span_id not in covered] if covered else bearing


def cost(view: RunView, file: AgentFile, counted: Sequence[Step], price: Price) -> Cost:
    """The cost of a run whose usage is on `counted`."""
    found = Cost(total_usd=None)
    known = _reported(view, found) if view.marks & mark.COST else set()
    nested = view.marks & mark.NESTED_MODEL
    for step in counted:
        if step.span_id not in known:
            _price(step, price, found)
            known.add(step.span_id)
            if nested:
                known.update(a.span_id for a in view.ancestors(step) if a.role is Role.LLM)
    whole = not found.unpriced_tokens and all(s.span_id in known for s in view.models)
    known_file = promised(file)
    if known_file.kinds & PRICED:
        _add_declared(view, file, known_file.tools, found)
    any_cost = bool(view.models) or bool(found.by_source)
    found.total_usd = found.known_usd if whole and any_cost else None
    return found


def _reported(view: RunView, found: Cost) -> set[bytes]:
    """Add what spans report; gives the steps whose cost is in it."""
    reported = outermost_free(view, [s for s in view.run.steps if s.cost_usd is not None])
    for step in reported:
        found.add("reported", step.cost_usd or 0.0)
    told = {s.span_id for s in reported}
    return {s.span_id for s in view.run.steps if _is_covered(view, s, told)}


def _is_covered(view: RunView, step: Step, told: set[bytes]) -> bool:
    """The step's cost is in a reported figure: its own, one above, or one below."""
    if step.span_id in told or any(a.span_id in told for a in view.ancestors(step)):
        return True
    return step.role is Role.LLM and any(b.span_id in told for b in view.below(step))


def _price(step: Step, price: Price, found: Cost) -> None:
    priced = price(step)
    if priced is None:
        tokens = (step.usage_in or 0) + (step.usage_out or 0)
        model = step.model or "unknown"
        found.unpriced_tokens[model] = found.unpriced_tokens.get(model, 0) + tokens
    else:
        found.add(priced[1], priced[0])


def _add_declared(view: RunView, file: AgentFile, known: Mapping[str, Tool], found: Cost) -> None:
    """Prices of tool calls and of people's time, where the agent file gives them."""
    minutes = 0.0
    for step in view.tools:
        if step.tool in known:
            tool = known[step.tool]
            if tool.price_usd:
                found.add("tool", tool.price_usd)
            minutes += tool.human_minutes
    if minutes and file.human_cost_usd_per_minute:
        found.add(HUMAN, minutes * file.human_cost_usd_per_minute)
