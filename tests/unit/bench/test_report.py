"""Ratios are told only where they can be, and goals are judged by the medians of one run."""

from dataclasses import replace

from agentslo.bench import goals, report
from agentslo.bench.cells import Cell
from agentslo.bench.payloads import Shape
from agentslo.bench.report import Spread
from agentslo.bench.rounds import Row, Sample

SAMPLE = Sample(
    cpu_us=1.0,
    spans_per_s=1e5,
    memory_mib=90,
    ack_ms={"p50": 1.0, "p99": 2.0},
    late_ms={},
    forwarded_bytes_ratio=1.0,
    forwarded_requests=10,
    sent_requests=10,
    errors={},
    marked=0,
    verdict_spans=0,
    turn_ms=None,
    wrong={},
)


def row(name, *cpu_us, ours=False, trouble=""):
    samples = [replace(SAMPLE, cpu_us=one) for one in cpu_us]
    return Row(name, ours, samples, trouble)


def cell(batch):
    return Cell(name=f"{batch} spans", shape=Shape(batch=batch), subjects=(), spans=1_000)


def test_a_ratio_of_medians_is_told_where_the_ranges_are_apart():
    assert report.ratio(Spread(4.0, 3.0, 5.0), Spread(2.0, 1.0, 2.9)) == 2.0


def test_ranges_that_overlap_give_no_ratio():
    assert report.ratio(Spread(4.0, 2.5, 5.0), Spread(2.0, 1.0, 2.9)) == report.OVERLAP


def test_a_table_says_what_was_void_and_what_was_sent_again():
    again = replace(SAMPLE, errors={"UNAVAILABLE": 3})
    rows = [
        Row("agentslo received", ours=True, samples=[again, SAMPLE]),
        row("relay", 0.25, 0.5),
        row("rotel", trouble="void, verification failed: {'missing': 1}"),
    ]
    text = report.as_text(cell(512), rows)
    assert "agentslo received costs 2.67 x relay" in text
    assert "refused and sent again: {'UNAVAILABLE': 3} requests" in text
    assert "rotel: void, verification failed: {'missing': 1}" in text


def test_a_goal_is_held_missed_or_without_value():
    held, missed, void = (
        [row("agentslo received", ours, ours=True), row("relay", 1.0)]
        for ours in (goals.GOALS[512], goals.GOALS[512] + 0.1, 0.0)
    )
    void[0] = row("agentslo received", ours=True, trouble="void")
    for rows, code in ((held, 0), (missed, 2), (void, 3)):
        judged = goals.judge([report.as_json(cell(512), rows)])
        assert [one.code for one in judged if one.batch == 512] == [code]
