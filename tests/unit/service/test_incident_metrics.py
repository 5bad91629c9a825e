"""How long incidents took, as a histogram that counts each stage once, also over a restart."""

import pytest

from agentslo.config.playbook_options import CATEGORIES
from agentslo.measure import keeping
from agentslo.measure import names as m
from agentslo.measure.cells import Histogram
from agentslo.measure.series import Metrics
from agentslo.respond.incidents import Incident
from agentslo.service.incident_metrics import show_incidents

S = 1_000_000_000
DAY = 86_400 * S


def an_incident(ident: int, began_ns: int, **more: int) -> Incident:
    return Incident(
        id=str(ident),
        agent="shop",
        environment="production",
        category="tool_failure",
        severity="SEV3",
        title="x",
        began_ns=began_ns,
        opened_ns=began_ns + 5 * S,
        **more,  # type: ignore[arg-type]  # times by name
    )


def observed(metrics: Metrics, stage: str) -> tuple[int, float]:
    cell = metrics.cell(m.INCIDENT_DURATION, ("shop", "production", stage))
    if not isinstance(cell, Histogram):
        return 0, 0.0
    return sum(cell.counts) + sum(cell.pending_counts), cell.sum + cell.pending_sum


def test_each_stage_of_an_incident_is_observed_once_however_often_it_is_shown() -> None:
    metrics = Metrics()
    first, second = an_incident(1, DAY), an_incident(2, 2 * DAY)
    show_incidents(metrics, [first], DAY)
    first.contained_ns = DAY + 65 * S
    for _ in range(3):
        show_incidents(metrics, [first, second], 2 * DAY)
    assert observed(metrics, "detect") == (2, 10.0)
    assert observed(metrics, "contain") == (1, 65.0)
    assert observed(metrics, "resolve") == (0, 0.0)


def test_what_was_observed_before_a_restart_is_not_observed_again() -> None:
    before, after = Metrics(), Metrics()
    known = [an_incident(1, DAY)]
    show_incidents(before, known, DAY)
    for key, body in keeping.everything(before):
        if body is not None:
            keeping.restore(after, key, body, DAY)
    show_incidents(after, [*known, an_incident(2, 2 * DAY)], 2 * DAY)
    assert observed(after, "detect") == (2, 10.0)


@pytest.mark.parametrize(("days", "repeats"), [(10, 1.0), (40, 0.0)])
def test_another_of_the_same_kind_within_thirty_days_is_a_repeat(days: int, repeats: float) -> None:
    metrics = Metrics()
    both = [an_incident(1, DAY), an_incident(2, (1 + days) * DAY)]
    show_incidents(metrics, both, 100 * DAY)
    cell = metrics.cell(m.INCIDENTS_REPEATED, ("shop", "production", "tool_failure"))
    assert cell is not None
    assert cell.value == repeats  # type: ignore[union-attr]  # a gauge


def test_the_catalogue_knows_every_category_of_the_playbook() -> None:
    label = m.INCIDENTS_REPEATED.labels[m.INCIDENTS_REPEATED.index("category")]
    assert label.values == CATEGORIES
