"""The page as HTML: what it answers, how it filters, and that hostile names stay text."""

import shlex
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from agentslo.page import agent as agent_page
from agentslo.page import fleet
from agentslo.page.answers import next_steps, safe_to_run, within_slo
from agentslo.page.burndown import burndown, curve
from agentslo.page.style import POLICY, STYLE
from agentslo.page.values import DAY_NS, Agent, Drift, Release, Slo, View

NOW_NS = 1_790_000_000 * 10**9
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)> {{7*7}} \u202e '&"
SUCCESS = Slo(name="resolved", dimension="success", objective_ratio=0.9, good=95, bad=5)
SAFETY = Slo(name="safety", dimension="safety", objective_ratio=0.999, good=100)
WELL = Agent(
    agent="desk",
    environment="production",
    outcomes={"success": 95, "error": 5},
    slos=(SUCCESS, SAFETY),
    last_end_ns=NOW_NS,
    declared=True,
    owners={"operations": "care-oncall"},
)


def run(**values: object) -> dict[str, object]:
    line: dict[str, object] = {
        "run_id": "ab:cd",
        "trace_id": "ab",
        "agent": "desk",
        "environment": "production",
        "outcome": "error",
        "reason": "model_error",
        "evidence": "heuristic",
        "end": "2026-09-21T14:13:20.000000Z",
        "duration_s": 0.2,
    }
    return line | values


def view(*agents: Agent, **values: object) -> View:
    shown = View(now_ns=NOW_NS, started_ns=0, agents=agents, runs=(), open_traces=0)
    return replace(shown, **values)


def first(*agents: Agent, **values: object) -> str:
    shown = view(*agents, **values)
    return "".join(fleet.page(lambda: shown, refresh=shown.refresh))


def one(agent: Agent, **values: object) -> str:
    return "".join(agent_page.page(agent, view(agent, **values)))


# ---- answers


@pytest.mark.parametrize(
    ("changed", "state", "why"),
    [
        ({}, "yes", ""),
        ({"last_harm_ns": NOW_NS - DAY_NS + 1}, "no", "harm"),
        ({"last_harm_ns": NOW_NS - DAY_NS - 1}, "yes", ""),
        ({"switched_off": True}, "no", "switched it off"),
        ({"incidents": ("INC-1 (SEV1)",)}, "no", "INC-1"),
        ({"slos": (replace(SAFETY, bad=1),)}, "no", "budget of safety"),
        ({"slos": (replace(SUCCESS, bad=50),)}, "yes", ""),
        ({"last_end_ns": NOW_NS - DAY_NS - 1}, "cannot tell", "no run"),
        ({"slos": (replace(SUCCESS, unknown=101),)}, "cannot tell", "can be judged"),
        ({"switched_off": True, "last_end_ns": 0}, "no", "switched"),
    ],
)
def test_safe_to_run_is_told_with_its_reason(
    changed: dict[str, object], state: str, why: str
) -> None:
    answer = safe_to_run(replace(WELL, **changed), NOW_NS)
    assert answer.state == state
    assert why in "; ".join(answer.reasons)


def test_within_slo_names_what_is_missed() -> None:
    assert within_slo(WELL).state == "yes"
    missed = within_slo(replace(WELL, slos=(replace(SUCCESS, bad=20), SAFETY)))
    assert (missed.state, missed.reasons) == ("no", ("resolved",))
    assert within_slo(replace(WELL, slos=())).state == "cannot tell"
    unjudged = within_slo(replace(WELL, slos=(replace(SUCCESS, good=0, bad=0, unknown=9), SAFETY)))
    assert (unjudged.state, unjudged.reasons) == ("cannot tell", ("resolved",))


def test_what_next_is_empty_for_an_agent_that_is_well() -> None:
    assert next_steps(WELL, NOW_NS) == []
    assert "Nothing to do." in one(WELL)


def test_what_next_has_a_command_and_a_runbook_for_a_spent_budget() -> None:
    (step,) = next_steps(replace(WELL, slos=(replace(SUCCESS, bad=30),)), NOW_NS)
    assert step.runbook == "AgentSLOBudgetExhausted"
    assert step.command.endswith("--agent desk")


def test_drift_is_told_with_its_cause_and_what_reverses_it() -> None:
    moved = Drift(
        feature="escalation",
        drifted=True,
        z=9.1,
        bin="yes",
        segment="",
        cause=f"prompt_version {HOSTILE}",
        reversible_by="rollback",
        since_ns=NOW_NS,
    )
    watched = replace(moved, feature="latency", drifted=False)
    agent = replace(WELL, drifts=(moved, watched))

    (step,) = next_steps(agent, NOW_NS)
    assert ("escalation" in step.why, "latency" in step.why) == (True, False)
    assert (step.runbook, "rollback" in step.why) == ("AgentDriftHigh", True)
    page = one(agent)
    assert "Unlike its baseline" in page
    assert "<script" not in page
    assert next_steps(replace(WELL, drifts=(watched,)), NOW_NS) == []
    assert "Unlike its baseline" not in one(WELL)


def test_what_next_tells_of_a_head_sampler() -> None:
    steps = next_steps(replace(WELL, sampled_ratio=0.125), NOW_NS)

    assert [step.command for step in steps] == ["agentslo doctor --live http://127.0.0.1:9465"]
    assert "Only 12.50% of its runs are sent" in one(replace(WELL, sampled_ratio=0.125))


def test_a_command_cannot_be_broken_out_of_by_a_name() -> None:
    named = replace(WELL, agent="x'; rm -rf ~ #", declared=False, last_harm_ns=NOW_NS)
    commands = [step.command for step in next_steps(named, NOW_NS) if "rm" in step.command]
    assert [shlex.split(command)[-1] for command in commands] == [named.agent]


def test_few_runs_send_nobody_to_work() -> None:
    assert next_steps(replace(WELL, slos=(replace(SUCCESS, good=1, bad=2),)), NOW_NS) == []


# ---- budget


def test_the_budget_is_what_the_runs_leave_of_it() -> None:
    assert SUCCESS.budget_left_ratio == pytest.approx(0.5)
    assert replace(SUCCESS, bad=0).budget_left_ratio == 1.0
    assert replace(SUCCESS, good=0, bad=0).budget_left_ratio is None
    assert replace(SUCCESS, objective_ratio=1.0).budget_left_ratio == -1.0


def test_the_budget_burns_down_tile_by_tile() -> None:
    slo = replace(SUCCESS, tiles=((0, 50, 0), (10, 45, 5)))
    assert [left for _, left in curve(slo)] == pytest.approx([1.0, 0.5])
    drawn = burndown(slo)
    assert 'role="img"' in drawn
    assert "100% left on 1970-01-01 00:00, 50% left now" in drawn
    assert burndown(SUCCESS) == ""


# ---- what is shown


def test_agents_that_need_somebody_come_first() -> None:
    missing = replace(WELL, agent="zeal", slos=(replace(SUCCESS, bad=50),))
    silent = replace(WELL, agent="idle", last_end_ns=0)
    page = first(WELL, silent, missing, replace(WELL, agent="zoom", switched_off=True))
    order = sorted(("desk", "idle", "zeal", "zoom"), key=lambda name: page.index(f">{name}<"))
    assert order == ["zoom", "zeal", "idle", "desk"]


def test_an_environment_can_be_chosen_without_a_script() -> None:
    staging = replace(WELL, agent="trial", environment="staging")
    runs = (run(), run(agent="trial", environment="staging", run_id="ef:01"))
    page = first(WELL, staging, environment="staging", runs=runs)
    assert ">trial<" in page and ">desk<" not in page
    assert "ef:01" in page and "ab:cd" not in page
    assert 'aria-current="page">staging<' in page


def test_an_environment_nobody_knows_is_said() -> None:
    assert "No agent was seen in <b>x&lt;y</b>" in first(WELL, environment="x<y")


def test_an_empty_page_says_how_to_see_something() -> None:
    page = first()
    assert "No run has closed yet." in page and "make hello" in page


def test_refreshing_can_be_stopped() -> None:
    assert 'http-equiv="refresh"' in first(WELL)
    assert "refresh=off" in first(WELL)
    assert 'http-equiv="refresh"' not in first(WELL, refresh=False)


def test_an_agent_s_page_answers_the_three_questions() -> None:
    page = one(
        replace(
            WELL,
            bad_runs=(run(),),
            contained=("to_humans",),
            gate="frozen",
            releases=(
                Release(
                    release="41fa",
                    versions="agent 2",
                    first_ns=NOW_NS,
                    last_ns=NOW_NS,
                    runs=100,
                    failed=5,
                ),
            ),
        ),
        trace_url="https://traces.example/{trace_id}?x=1",
    )
    for heading in ("Within SLO?", "What changed?", "What next?", "Who decides"):
        assert f"<h2>{heading}</h2>" in page
    assert 'href="https://traces.example/ab?x=1"' in page
    assert "model error" in page
    assert "care-oncall" in page
    assert "Contained: to_humans" in page
    assert "Error budget at the release gate: frozen" in page
    assert "41fa" in page and "5.0%" in page


# ---- hostile


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_hostile_names_stay_text() -> None:
    hostile = Agent(
        agent=HOSTILE,
        environment=HOSTILE,
        outcomes={HOSTILE: 1},
        slos=(replace(SUCCESS, name=HOSTILE, tiles=((0, 1, 0), (9, 1, 1))),),
        bad_runs=(run(agent=HOSTILE, reason=HOSTILE, run_id=HOSTILE, trace_id=HOSTILE),),
        releases=(
            Release(release=HOSTILE, versions=HOSTILE, first_ns=0, last_ns=0, runs=1, failed=0),
        ),
        declared=True,
        owners={"operations": HOSTILE},
        budget_policy=HOSTILE,
        incidents=(HOSTILE,),
        contained=(HOSTILE,),
        gate=HOSTILE,
    )
    shown = {"runs": hostile.bad_runs, "environment": HOSTILE, "trace_url": "https://t/{trace_id}"}
    for page in (first(hostile, **shown), one(hostile, **shown)):
        parser = _Tags()
        parser.feed(page)
        tags = {tag for tag, _ in parser.seen}
        assert not tags & {"script", "img", "iframe", "form", "object", "base"}
        assert not [a for _, given in parser.seen for a in given if a.startswith("on")]
        assert not [a for _, given in parser.seen for a in given if a == "style"]
        links = [given["href"] for tag, given in parser.seen if tag == "a"]
        assert all(link and link.startswith(("/", "https://t/")) for link in links)
        assert len(parser.seen) == page.count("<") - page.count("</") - 1  # the doctype


def test_the_policy_allows_the_style_and_nothing_else() -> None:
    assert "default-src 'none'" in POLICY
    assert "script" not in POLICY and "unsafe" not in POLICY
    assert f"<style>{STYLE}</style>" in first()


def test_every_table_can_be_read_without_seeing_it() -> None:
    for page in (first(WELL, runs=(run(),)), one(replace(WELL, bad_runs=(run(),)))):
        assert page.count("<table>") == page.count("<caption>")
        assert page.count("<th ") == page.count('scope="col"') + page.count('scope="row"')
        assert '<html lang="en">' in page
        assert page.count("<h1>") == 1
