"""The dialect keeps agentslo's contract, and reads what it is meant to."""

from acme_agentslo import DIALECT

from agentslo.dialects.read import Reader
from agentslo.testing import check_dialect, span

TURN = span("turn", {"acme.kind": "turn", "acme.bot": "support"})
BROKEN = span("act", {"acme.kind": "act", "acme.action": "refund", "acme.outcome": "broken"})


def test_it_keeps_the_contract() -> None:
    check_dialect(DIALECT, examples=(TURN, BROKEN))


def test_an_action_that_broke_is_a_failed_tool() -> None:
    step = Reader((DIALECT,)).step(BROKEN, 0)

    assert step is not None
    assert (step.tool, step.failed) == ("refund", True)
