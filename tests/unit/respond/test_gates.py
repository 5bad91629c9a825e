"""The gate over simulated histories: it never passes a spent budget or missing data."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentslo.config.agent_options import AgentSlo, Releases
from agentslo.respond.budget import Counts
from agentslo.respond.exceptions import GateException
from agentslo.respond.from_ledger import from_ledger
from agentslo.respond.gates import Ask, Evidence, GateDecision, SloEvidence, decide
from agentslo.store.ledger import LedgerCorrection
from support.ledgers import a_file, a_run, ledger_of

NOW_NS = 1_790_000_000_000_000_000
HOUR_NS = 3600 * 1_000_000_000
DAY_NS = 24 * HOUR_NS
ASK = Ask(agent="shop", environment="production", release="r2", change="feature", now_ns=NOW_NS)


def evidence(bad: float = 10, **changes: object) -> Evidence:
    """1,000 judged runs of an objective of 0.9, and no harm."""
    now = Counts(time_ns=NOW_NS, good=1000 - bad, bad=bad, unknown=0)
    slo = SloEvidence(slo="resolved", objective_ratio=0.9, safety=False, history=(now,))
    found = Evidence(source="test", slos=(slo,), harm=0, recent_runs=50)
    return replace(found, **changes)  # type: ignore[arg-type]  # the test names fields


def codes(decision: GateDecision) -> set[str]:
    return {finding.code for finding in decision.findings}


def test_budget_left_and_fresh_data_pass() -> None:
    decision = decide(ASK, evidence(), ())
    assert (decision.result, decision.state, decision.findings) == ("pass", "normal", ())


def test_a_spent_budget_fails_with_its_numbers() -> None:
    decision = decide(ASK, evidence(bad=120), ())
    assert (decision.result, decision.state) == ("fail", "frozen")
    (finding,) = decision.findings
    assert finding.numbers["left_ratio"] == pytest.approx(-0.2)
    assert "120 bad of 1000" in finding.says


def test_little_budget_passes_on_conditions() -> None:
    decision = decide(ASK, evidence(bad=80), ())
    assert (decision.result, decision.state) == ("pass", "caution")
    assert "second person" in decision.findings[0].says


def test_one_unsafe_action_fails_whatever_the_budget() -> None:
    decision = decide(ASK, evidence(harm=1), ())
    assert decision.result == "fail" and codes(decision) == {"safety"}


UNKNOWN = Counts(time_ns=NOW_NS, good=800, bad=10, unknown=200)
OLD = Counts(time_ns=NOW_NS - HOUR_NS, good=990, bad=10, unknown=0)
FEW = Counts(time_ns=NOW_NS, good=19, bad=0, unknown=0)
SLO = evidence().slos[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"slos": ()}, "no_objective", id="no objective is known"),
        pytest.param({"harm": None}, "no_data", id="harm is not told"),
        pytest.param({"recent_runs": 0}, "stale", id="no run today"),
        pytest.param({"recent_runs": None}, "stale", id="runs are not told"),
        pytest.param({"recent_runs": math.nan}, "stale", id="runs are NaN"),
        pytest.param({"trouble": "does not answer"}, "source", id="the source is down"),
        pytest.param({"slos": (replace(SLO, history=()),)}, "no_data", id="never counted"),
        pytest.param({"slos": (replace(SLO, history=(OLD,)),)}, "no_data", id="not counted now"),
        pytest.param({"slos": (replace(SLO, history=(FEW,)),)}, "few_runs", id="19 runs"),
        pytest.param({"slos": (replace(SLO, history=(UNKNOWN,)),)}, "coverage", id="80 % judged"),
    ],
)
def test_what_is_missing_is_inconclusive_and_no_exception_covers_it(
    changes: dict[str, object], code: str
) -> None:
    decision = decide(ASK, evidence(**changes), (exception(),))
    assert decision.result == "inconclusive" and code in codes(decision)


def exception(**changes: object) -> GateException:
    found = GateException(
        number=7,
        agent="shop",
        environment="",
        release="",
        covers=("budget", "safety", "calendar"),
        reason="black friday fix",
        actor="mia",
        until_ns=NOW_NS + 1,
    )
    return replace(found, **changes)  # type: ignore[arg-type]  # the test names fields


def test_an_exception_lets_pass_what_it_covers_and_says_whose_it_is() -> None:
    spent = evidence(bad=120)
    decision = decide(ASK, spent, (exception(covers=("budget",)),))
    assert decision.result == "pass" and decision.state == "frozen"
    assert "exception 7 of mia: black friday fix" in decision.findings[0].says
    assert decide(ASK, spent, (exception(covers=("calendar",)),)).result == "fail"


@pytest.mark.parametrize(
    ("change", "result"), [("reliability", "pass"), ("security", "pass"), ("rollback", "pass")]
)
def test_a_spent_budget_does_not_hold_back_what_regains_it(change: str, result: str) -> None:
    ask = replace(ASK, change=change)
    assert decide(ask, evidence(bad=120, harm=1), ()).result == result
    blind = decide(ask, Evidence(source="test", trouble="down"), ())
    assert blind.result == ("pass" if change == "rollback" else "inconclusive")


# NOW_NS is Monday, 2026-09-21, 14:13 UTC.
@pytest.mark.parametrize(
    ("releases", "result"),
    [
        (Releases(windows=("mon-thu 09:00-16:00",)), "pass"),
        (Releases(windows=("mon-thu 09:00-12:00",)), "fail"),
        (Releases(windows=("sat-tue 14:00-15:00",)), "pass"),
        (Releases(timezone="Asia/Tokyo", windows=("mon 09:00-16:00",)), "fail"),
        (Releases(closed=("2026-09-20..2026-09-22",)), "fail"),
        (Releases(closed=("2026-09-22",)), "pass"),
        (Releases(windows=("mon 00:00-24:00",), closed=("2026-09-21",)), "fail"),
    ],
)
def test_releases_wait_for_their_window(releases: Releases, result: str) -> None:
    ask = replace(ASK, releases=releases)
    assert decide(ask, evidence(), ()).result == result
    assert decide(replace(ask, change="security"), evidence(), ()).result == "pass"


def test_a_day_that_spent_a_fifth_asks_for_a_post_mortem() -> None:
    before = Counts(time_ns=NOW_NS - HOUR_NS, good=1000, bad=0, unknown=0)
    now = Counts(time_ns=NOW_NS, good=970, bad=30, unknown=0)
    decision = decide(ASK, evidence(slos=(replace(SLO, history=(before, now)),)), ())
    assert decision.result == "pass" and codes(decision) == {"post_mortem"}
    written = replace(ASK, post_mortem_ns=NOW_NS)
    spent = evidence(slos=(replace(SLO, history=(before, now)),))
    assert decide(written, spent, ()).findings == ()


# ---- simulated histories

RESULTS = st.sampled_from(("good",) * 12 + ("bad", "unknown"))
FILE = a_file("shop", AgentSlo(name="resolved", dimension="success", objective_ratio=0.9))


@given(
    runs=st.lists(st.tuples(st.integers(0, 60 * 24), RESULTS), max_size=150),
    harm=st.sampled_from((None, None, None, 1, 200)),
)
@settings(max_examples=50, deadline=None)
def test_it_never_passes_a_spent_budget_or_missing_data(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, str]], harm: int | None
) -> None:
    rows = [a_run(i, NOW_NS - hours * HOUR_NS, result) for i, (hours, result) in enumerate(runs)]
    if harm is not None:
        rows.append(a_run("harm", NOW_NS - harm * HOUR_NS, "bad", outcome="unsafe_action"))
    with ledger_of(tmp_path_factory.mktemp("ledger"), rows) as ledger:
        decision = decide(ASK, from_ledger(ledger, FILE, ASK), ())
    if decision.result == "pass":
        last = [
            r.body["run"]["slos"]["resolved"] for r in rows if NOW_NS - r.counted_ns < 28 * DAY_NS
        ]
        good, bad = last.count("good"), last.count("bad")
        assert len(last) >= 20
        assert (good + bad) / len(last) >= 0.9
        assert bad < 0.1 * (good + bad)
        assert any(NOW_NS - r.counted_ns < DAY_NS for r in rows)
        assert harm != 1


def test_a_correction_in_the_ledger_counts(tmp_path_factory: pytest.TempPathFactory) -> None:

    rows = [a_run(i, NOW_NS - i * HOUR_NS, "good") for i in range(30)]
    with ledger_of(tmp_path_factory.mktemp("ledger"), rows) as ledger:
        assert decide(ASK, from_ledger(ledger, FILE, ASK), ()).result == "pass"
        ledger.write(
            [
                LedgerCorrection(
                    run_id=rows[i].run_id,
                    time_ns=NOW_NS,
                    before="success",
                    after="wrong_result",
                    source="feedback",
                    slos={"resolved": "bad"},
                )
                for i in range(4)
            ]
        )
        decision = decide(ASK, from_ledger(ledger, FILE, ASK), ())
    assert decision.result == "fail" and decision.standings["resolved"].now.bad == 4
