"""Judgements of a run that spans carry: `gen_ai.evaluation.result` events, OpenInference
attributes (conventions.md 9), and what an evaluator's span says of the span it links to.

In: attributes, a `SpanView`, its role. Out: `Evaluation`s, and the spans they are about. No state.
"""

import re
from collections.abc import Mapping, Sequence

from agentslo.dialects.base import Link, SpanView, Value, number, text
from agentslo.model import Evaluation, Role

EVENT = "gen_ai.evaluation.result"
_INDEXED = re.compile(
    r"(?P<of>(?:trace\.)?(?:evaluations|annotations)\.\d{1,4})"
    r"\.(?:evaluation|annotation)\.(?P<field>name|score|label|annotator_kind)"
)
_HINTS = ("evaluations.", "annotations.")
_JUDGES = frozenset({None, Role.STEP, Role.EVALUATOR})
"""Spans of agents, models and tools link to what caused them; a judge's, to what it judges."""


def evaluation(found: Mapping[str, Value], ident: str) -> Evaluation:
    """One `gen_ai.evaluation.result` from its attributes."""
    return Evaluation(
        name=text(found.get("gen_ai.evaluation.name")),
        label=text(found.get("gen_ai.evaluation.score.label")),
        score=number(found.get("gen_ai.evaluation.score.value")),
        id=ident,
    )


def on_span(view: SpanView) -> tuple[Evaluation, ...]:
    """Every judgement a span carries, as events or as indexed attributes."""
    ident = view.span_id.hex()
    events = (e.attributes for e in view.events if e.name == EVENT)
    found = [evaluation(attributes, f"{ident}-{i}") for i, attributes in enumerate(events)]
    if any(hint in key for key in view.attributes for hint in _HINTS):
        found.extend(_indexed(view.attributes, ident))
    return tuple(found)


def linked(view: SpanView, role: Role | None) -> Sequence[Link]:
    """The spans that a span's judgements are about; none where they are about its own run."""
    return view.links if role in _JUDGES else ()


def _indexed(found: Mapping[str, Value], ident: str) -> list[Evaluation]:
    said: dict[str, dict[str, Value]] = {}
    for key, value in found.items():
        match = _INDEXED.fullmatch(key)
        if match:
            said.setdefault(match["of"], {})[match["field"]] = value
    return [
        Evaluation(
            name=text(fields.get("name")),
            label=text(fields.get("label")),
            score=number(fields.get("score")),
            human=text(fields.get("annotator_kind")).upper() == "HUMAN",
            id=f"{ident}-{of}",
        )
        for of, fields in said.items()
    ]
