"""Answers that cite documents nobody retrieved.

In: a `RunView` whose steps carry document ids by the agent file's citation pattern. Out: findings
of rank heuristic. Pure. Nothing is concluded where nothing was retrieved at all: content may not be
captured.
"""

from collections.abc import Iterator

from agentslo.model import Evidence, Finding, Outcome
from agentslo.outcomes.view import RunView


def unretrieved(view: RunView) -> Iterator[Finding]:
    """A finding where an answer cites ids that no retrieval or tool of the run returned."""
    retrieved = frozenset[str]().union(*(s.retrieved_ids for s in view.run.steps))
    if not retrieved:
        return
    wrong = [s for s in view.run.steps if s.cited_ids - retrieved]
    if wrong:
        yield Finding(
            outcome=Outcome.HALLUCINATION,
            reason="cited_unretrieved_document",
            evidence=Evidence.HEURISTIC,
            span_ids=tuple(s.span_id for s in wrong),
        )
