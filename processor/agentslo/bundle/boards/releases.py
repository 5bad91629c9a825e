"""The row of *Operations* about releases: budgets as the gate saw them, retraining, its results.

In: nothing. Out: panels. No state. Source: requirements.md R4, R17, B1 to B4.
"""

from typing import Final

from agentslo.bundle.boards.colours import AMBER, ANY_IS_BAD, GREEN, RED
from agentslo.bundle.boards.tables import Column, table
from agentslo.bundle.boards.variables import TO_AGENT

_KEYS = {"agent": "Agent", "environment": "Environment"}
_LINKS = {"Agent": TO_AGENT}
_PASSED = "min by (<agent>) (agent_slo_evaluation_pass_ratio{{@agent, {}}})"


def _share(title: str, expr: str) -> Column:
    return Column(title=title, expr=expr, unit="percentunit", decimals=0)


RELEASES: Final = (
    table(
        "Error budgets, as the release gate last found them",
        Column(
            title="State",
            expr="max by (<agent>) (agent_slo_error_budget_state{@agent})",
            words={
                0: ("normal", GREEN),
                1: ("caution", AMBER),
                2: ("FROZEN", RED),
                -1: ("cannot tell", "purple"),
            },
        ),
        keys=_KEYS,
        shows="What `agentslo gate release` answered last. Frozen: only what regains the budget"
        " goes out.",
        normal="normal.",
        act="work on what spends the budget; a person may except one release.",
        sort="State",
        links=_LINKS,
        width=8,
        height=6,
        empty="no release was asked for",
    ),
    table(
        "Retraining",
        Column(
            title="Requests",
            expr="sum by (<agent>, state) (agent_slo_retraining_requests{@agent}) > 0",
            decimals=0,
        ),
        keys={**_KEYS, "state": "State"},
        shows="Requests by the state they are in.",
        normal="few, and moving.",
        act="`agentslo retrain list` says who is waited for; two weeks without a step end one.",
        sort="Requests",
        links=_LINKS,
        width=8,
        height=6,
        empty="nothing was asked for",
    ),
    table(
        "Rollbacks",
        Column(
            title="Measured",
            expr="sum by (<agent>, result) (agent_slo_rollbacks{@agent})",
            decimals=0,
            steps=ANY_IS_BAD,
        ),
        keys={**_KEYS, "result": "Result"},
        shows="Rollbacks of retrained releases, and whether the runs of the canary ended.",
        normal="empty, or success.",
        act="failure: the old release does not get all traffic, look at the router.",
        sort="Measured",
        links=_LINKS,
        width=8,
        height=6,
        empty="none was measured",
    ),
    table(
        "Releases side by side",
        Column(
            title="The newer one is",
            expr="max by (<agent>, stable, canary) (agent_slo_release_verdict{@agent})",
            words={-1: ("WORSE", RED), 0: ("not known yet", "purple"), 1: ("not worse", GREEN)},
        ),
        keys={**_KEYS, "stable": "Older", "canary": "Newer"},
        shows="Two releases that serve at the same time, compared run by run.",
        normal="not worse, or not known yet while runs come in.",
        act="worse: stop the rollout, `agentslo compare` shows by what.",
        sort="The newer one is",
        descending=False,
        links=_LINKS,
        height=6,
        empty="no two releases serve side by side",
    ),
    table(
        "The newest evaluated release",
        _share("Common cases", _PASSED.format('stratum="common"')),
        _share("Edge cases", _PASSED.format('stratum="edge"')),
        _share("Dangerous cases", _PASSED.format('stratum="dangerous"')),
        _share(
            "Disputed labels",
            "max by (<agent>) (agent_slo_training_disputed_labels_ratio{@agent})",
        ),
        Column(
            title="Time of all stages",
            expr="sum by (<agent>) (agent_slo_retraining_stage_seconds{@agent})",
            unit="dtdurations",
            decimals=0,
        ),
        keys=_KEYS,
        shows="Share of golden cases passed by stratum, quality of labels, time it took.",
        normal="dangerous cases at 100 %.",
        act="`agentslo retrain show` has the report's digest and every decision.",
        sort="Agent",
        descending=False,
        links=_LINKS,
        height=6,
        empty="nothing was evaluated",
    ),
)
