"""What people say of a run after the fact, from the body of `POST /v1/feedback` to the counters."""

import json
import re

import pytest

from agentslo.config.service_file import ServiceConfig
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics
from agentslo.service import feedback
from agentslo.service.assembly import pipeline
from agentslo.service.feedback import KINDS, FeedbackError
from agentslo.service.recorder import Recorder
from scenarios import tree

S = 1_000_000_000
DAY_S = 86_400
RUN = tree.spans(
    [
        {
            "agent": "support",
            "id": "root",
            "at": [0, 5],
            "conversation": "c-1",
            "below": [
                {
                    "chat": "m",
                    "at": [0, 5],
                    "finish": "stop",
                    "attributes": {"gen_ai.response.id": "resp-1"},
                }
            ],
        }
    ]
)
TRACE = tree.trace_id("t").hex()
NAMES = {
    "run_id": f"{TRACE}:{tree.span_id('root').hex()}",
    "trace_id": TRACE,
    "response_id": "resp-1",
    "conversation_id": "c-1",
}


class Desk:
    """A pipeline and its counters, and a clock in seconds."""

    def __init__(self) -> None:
        self.pipeline = pipeline(ServiceConfig())
        self.recorder = Recorder(Metrics())

    def run(self, at_s: float = 5) -> None:
        """The run comes, and closes a minute later."""
        self._record(self.pipeline.traces(tree.request(RUN), tree.at_ns(at_s)).happenings, at_s)
        self._record(self.pipeline.due(tree.at_ns(at_s + 60)), at_s + 60)

    def say(self, at_s: float = 100, **body: object) -> None:
        """Someone says something."""
        about, said = feedback.read(json.dumps(body).encode())
        self._record(self.pipeline.heard.judgement(about, said, tree.at_ns(at_s)), at_s)

    def _record(self, happenings: list, at_s: float) -> None:
        for happening in happenings:
            self.recorder.record(happening, tree.at_ns(at_s))

    def counted(self, family: str, **labels: str) -> float:
        """The sum of a family's lines with these labels."""
        self.recorder.metrics.release_all()
        text = b"".join(render(self.recorder.metrics, 0, Format.TEXT)).decode()
        lines = re.findall(rf"^{family}{{(.*)}} (\S+)$", text, re.MULTILINE)
        wanted = [f'{name.rstrip("_")}="{value}"' for name, value in labels.items()]
        return sum(float(n) for told, n in lines if all(w in told for w in wanted))

    def moved(self, after: str) -> tuple[float, float]:
        """How often an outcome, and an objective's result, was corrected from that of a run that
        ended without proof.
        """
        return (
            self.counted(
                "agent_slo_outcome_corrections_total", from_="completed", to=after, source="human"
            ),
            self.counted("agent_slo_corrections_total", slo="completion", from_="good", to="bad"),
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_named_by_any_of_its_ids(name: str) -> None:
    desk = Desk()
    desk.run()
    desk.say(**{name: NAMES[name]}, kind="thumbs_down")

    assert desk.moved("wrong_result") == (1, 1)


@pytest.mark.parametrize(("kind", "label"), [(k, v[1]) for k, v in KINDS.items()])
def test_every_kind_corrects_what_was_counted(kind: str, label: str) -> None:
    desk = Desk()
    desk.run()
    desk.say(trace_id=TRACE, kind=kind)

    expected = (1, 0) if label == "pass" else (1, 1)
    assert desk.moved("success" if label == "pass" else "wrong_result") == expected
    assert desk.counted("agent_slo_runs_total", outcome="completed") == 1


def test_what_is_said_before_the_run_closed_is_counted_with_it_and_corrects_nothing() -> None:
    desk = Desk()
    desk.say(at_s=1, conversation_id="c-1", kind="complaint")
    desk.run()

    assert desk.counted("agent_slo_runs_total", outcome="wrong_result") == 1
    assert desk.counted("agent_slo_outcome_corrections_total") == 0


def test_the_same_id_counts_once_whatever_it_says() -> None:
    desk = Desk()
    desk.run()
    desk.say(trace_id=TRACE, kind="thumbs_down", id="f-1")
    desk.say(trace_id=TRACE, kind="thumbs_up", id="f-1")

    assert desk.counted("agent_slo_outcome_corrections_total") == 1


def test_a_second_person_who_says_the_opposite_does_not_undo_the_first() -> None:
    desk = Desk()
    desk.run()
    desk.say(trace_id=TRACE, kind="thumbs_up", id="f-1")
    desk.say(trace_id=TRACE, kind="human_reversal", id="f-2")
    desk.say(trace_id=TRACE, kind="thumbs_up", id="f-3")

    counted = desk.counted("agent_slo_outcome_corrections_total", from_="success")
    assert (counted, desk.counted("agent_slo_outcome_corrections_total")) == (1, 2)


def test_a_system_is_believed_less_than_a_person() -> None:
    desk = Desk()
    desk.run()
    desk.say(trace_id=TRACE, kind="confirmed", id="f-1")
    desk.say(trace_id=TRACE, kind="refund", by="billing", id="f-2")

    assert desk.counted("agent_slo_outcome_corrections_total", to="success") == 1
    assert desk.counted("agent_slo_outcome_corrections_total") == 1


def test_after_seven_days_nothing_is_corrected() -> None:
    desk = Desk()
    desk.run()
    desk.say(at_s=8 * DAY_S, trace_id=TRACE, kind="refund")

    assert desk.counted("agent_slo_outcome_corrections_total") == 0
    assert desk.pipeline.verdicts.evidence.ignored == {"too_late": 1}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "send one JSON object"),
        (b"{}", "name the run by one of run_id, trace_id, response_id, conversation_id"),
        (b'{"trace_id": "a"}', "give a kind, a label"),
        (b'{"trace_id": "a", "kind": "meh"}', "kind must be one of thumbs_up"),
        (b'{"trace_id": 7, "kind": "refund"}', "trace_id must be a string"),
        (b'{"trace_id": "a", "score": "good"}', "score must be a number"),
        (b'{"trace_id": "a", "name": "' + b"x" * 600 + b'"}', "at most 512 characters"),
        (b"[" * 100_000, "too much|not JSON"),
    ],
)
def test_a_body_that_cannot_be_read_is_answered_with_what_to_send(body: bytes, said: str) -> None:
    with pytest.raises(FeedbackError, match=said):
        feedback.read(body)
