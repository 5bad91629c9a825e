"""What runs count as, read without their spans: the same as reading them whole."""

from pathlib import Path

from agentslo.store.ledger import LedgerCorrection, LedgerRun, Query
from support.ledgers import a_run, ledger_of


def test_results_are_those_of_the_runs_however_they_are_kept(tmp_path: Path) -> None:
    spans = [{"span_id": f"{n:016x}", "name": '"slos":{"resolved":"bad"}'} for n in range(900)]
    runs = [
        a_run(1, 10, "good"),
        a_run(2, 20, "bad", spans=spans),
        a_run(3, 30, "unknown"),
        a_run(4, 40, "good", agent="other"),
    ]
    # Names before the results that fill more than what is read at first.
    runs[2].body["run"]["slos"] |= {f"objective-{n:04}": "good" for n in range(700)}
    with ledger_of(tmp_path, runs) as ledger:
        ledger.write([corrected(runs[0])])
        whole = list(ledger.runs(Query(agent="shop", environment="production")))[::-1]
        found = list(ledger.results("shop", "production", 0))
    assert [(r.counted_ns, r.outcome, r.slos) for r in found] == [
        (run.counted_ns, run.outcome, run.body["run"]["slos"]) for run in whole
    ]
    assert found[0].slos == {"resolved": "bad"} and found[0].outcome == "wrong_result"
    assert [r.counted_ns for r in found] == [10, 20, 30]


def corrected(run: LedgerRun) -> LedgerCorrection:
    return LedgerCorrection(
        run_id=run.run_id,
        time_ns=50,
        before="success",
        after="wrong_result",
        source="feedback",
        slos={"resolved": "bad"},
    )


def test_runs_that_an_objective_counts_as_bad_are_found_whatever_their_outcome(
    tmp_path: Path,
) -> None:
    runs = [
        a_run(1, 10, "good"),
        a_run(2, 20, "bad", outcome="success", slo="quick"),
        a_run(3, 30, "bad", outcome="success", slo="quick"),
        a_run(4, 40, "bad"),
        a_run(5, 50, "unknown", slo="quick"),
    ]
    with ledger_of(tmp_path, runs) as ledger:
        slow = [run.counted_ns for run in ledger.runs(Query(agent="shop", slo="quick"))]
        newest = [run.counted_ns for run in ledger.runs(Query(slo="quick", limit=1))]

    assert (slow, newest) == ([30, 20], [30])
