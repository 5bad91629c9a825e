"""An evaluator that is away, killed, started again: nothing lost, nothing counted twice (F26)."""

from pathlib import Path

from fleet_parts import fleet
from test_roles import corrections, judge, take, taken

from support.wait import until

RUNS = 16


def test_what_happened_while_the_evaluator_was_away_is_caught_up_once(tmp_path: Path) -> None:
    with fleet(tmp_path, 2) as found:
        one, other = found.processors
        for number in range(4):
            take(found.processors[number % 2], number)
        taken(found, 4)
        found.evaluator.stop(kill=True)
        for number in range(4, RUNS):
            take(found.processors[number % 2], number)
        until(
            lambda: found.counted("agent_slo_runs_total").total() == RUNS,
            timeout_s=60,
            what="runs to be counted without an evaluator",
        )
        for number in range(1, RUNS, 3):
            judge(found.processors[number % 2], number, "fail")
            judge(found.processors[(number + 1) % 2], number, "fail")
        # Spans are taken all the while; what is not as it should be is said.
        ready = one.readiness()
        assert ready["ready"] is True
        assert ready["evaluator"]
        # What waits outlives the processor, too, however it ends.
        one.stop(kill=True)
        one.start()
        # Killed amid the catching up, the evaluator takes each record once all the same.
        for _ in range(2):
            found.evaluator.begin()
            found.evaluator.ready()
            found.evaluator.stop(kill=True)
        found.evaluator.start()
        moved = {("completed", "wrong_result", "human"): RUNS // 3}
        until(lambda: corrections(found) == moved, timeout_s=60, what="corrections to come")
        until(
            lambda: (
                not any(
                    m.service.families()["agent_slo_processor_queue_bytes"][
                        (("destination", "evaluator"),)
                    ]
                    for m in (one, other)
                    if m.service
                )
            ),
            timeout_s=60,
            what="records to leave",
        )
        assert corrections(found) == moved
        assert found.outcomes().total() == RUNS
        assert len(found.evaluator.runs()) == RUNS
        until(lambda: not one.readiness()["evaluator"], timeout_s=30, what="all to be well")
