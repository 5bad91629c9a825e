"""Counts add up over slices and replicas, whatever the way they are split."""

from agentslo.watch import windows
from agentslo.watch.slices import Tally, Window
from support.drifting import Traffic

NS = 10**9


def test_three_replicas_give_the_deviates_of_one() -> None:
    before, after = list(Traffic().runs(900, 1)), list(Traffic(escalation=0.3).runs(300, 2))
    base, one, replicas = Tally(), Tally(), [Tally(), Tally(), Tally()]
    for run in before:
        base.add(run)
    for number, run in enumerate(after):
        one.add(run)
        replicas[number % 3].add(run)
    together = Tally()
    for replica in replicas:
        together.merge(replica)

    assert together == one
    assert windows.deviates(together, base, 100) == windows.deviates(one, base, 100)


def test_a_window_holds_the_sum_of_its_slices_and_forgets_the_oldest() -> None:
    window = Window(span_ns=3_600 * NS, max_slices=100)
    kept: list[Tally] = []
    for number, run in enumerate(Traffic(gap_s=300.0).runs(60, 3)):
        if number % 3 == 0:
            kept.append(Tally())
        kept[-1].add(run)
    for one in kept:
        window.push(one)
    together = Tally()
    for one in window:
        together.merge(one)

    assert len(list(window)) < len(kept)
    assert window.total.counts == together.counts
    assert window.total.runs == together.runs
    assert window.total.end_ns - window.total.start_ns <= 3_600 * NS


def test_slices_beyond_their_number_leave() -> None:
    window = Window(span_ns=10**18, max_slices=2)
    for run in Traffic().runs(5, 4):
        one = Tally()
        one.add(run)
        window.push(one)

    assert window.total.runs == 2
