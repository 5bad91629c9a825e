"""Step records: what the journal keeps of a span comes back as it was; their format is fixed."""

import re

import pytest

from agentslo.dialects.ids import Ids
from agentslo.model import (
    Evaluation,
    Fault,
    Finish,
    Resource,
    Role,
    Scope,
    Step,
)
from agentslo.runs.forest import Edge
from agentslo.runs.rows import edge, edge_of, edges
from agentslo.runs.steps import FIELDS, StepError, pack, unpack
from agentslo.step import FIELDS as STEP_FIELDS
from support.tools import PROJECT_ROOT

SENDER = Resource(service="shop", encoded=b"")
SCOPE = Scope(name="demo", version="1")
BARE = {"trace_id": b"t" * 16, "span_id": b"s" * 8, "parent_id": b"", "name": "n"}
TIMES = {"start_ns": 1, "end_ns": 2, "arrival_ns": 3}
FULL = {
    "client": True,
    "status": 2,
    "parent_remote": False,
    "dialect": "genai",
    "agent": "a",
    "agent_version": "1",
    "workflow": "w",
    "tool": "t",
    "model": "m",
    "provider": "p",
    "conversation_id": "c",
    "task_type": "x",
    "finish": Finish.STOP,
    "answered": True,
    "fault": Fault.OTHER,
    "error_type": "E",
    "failed": False,
    "has_args": True,
    "has_result": True,
    "args_hash": 2**32 - 1,
    "result_hash": 0,
    "response_id": "r",
    "usage_in": 0,
    "usage_out": 7,
    "usage_cached": 1,
    "cost_usd": 0.1,
    "triggered": False,
    "documents": 0,
    "ttft_s": 0.25,
    "prompt_version": "p",
    "tools_version": "v",
    "arm": "b",
    "evaluations": (Evaluation(name="q", label="pass", score=0.5, human=True, id="e"),),
    "declared": {"outcome": "success", "confidence": 0.5, "ok": True},
    "facts": {"k": 1},
    "effect_key": 5,
    "said": frozenset({1, 2}),
    "instructed": frozenset({3}),
    "carried": frozenset({2**31}),
    "retrieved_ids": frozenset({"d1"}),
    "cited_ids": frozenset({"d2"}),
    "request": b"hash",
    "result_shape": "0a0b0c0d",
    "source": "grpc",
    "enriched": True,
}


def step(**more: object) -> Step:
    told = {**BARE, **TIMES, "role": Role.AGENT, "resource": SENDER, "scope": SCOPE, **more}
    return Step.made(**told)


@pytest.mark.parametrize("name", FULL)
def test_every_field_comes_back(name: str) -> None:
    sent = step(**{name: FULL[name]})
    assert unpack(pack(sent), SENDER, SCOPE) == sent


def test_a_full_step_comes_back_and_a_bare_one_is_small() -> None:
    full, bare = step(**FULL), step()
    assert unpack(pack(full), SENDER, SCOPE) == full
    assert unpack(pack(bare), SENDER, SCOPE) == bare
    assert len(pack(bare)) < 80


def test_no_field_of_a_step_is_forgotten() -> None:
    assert set(STEP_FIELDS) - {"resource", "scope"} == set(FIELDS)


def test_the_bytes_of_a_record_are_fixed() -> None:
    found = pack(step(usage_in=5, failed=False)).hex()
    assert found == (
        "22016e" + "2a056167656e74" + "c80100"
        "0a1074747474747474747474747474747474" + "12087373737373737373"
        "310100000000000000" + "390200000000000000" + "410300000000000000"
        "f8010a"
    )


def test_half_characters_and_absurd_numbers_are_kept_as_well_as_can_be() -> None:
    sent = step(name="\ud800x", usage_in=2**70, cited_ids=frozenset({"\udc00"}))
    found = unpack(pack(sent), SENDER, SCOPE)
    assert (found.name, found.usage_in, found.cited_ids) == ("?x", 2**63 - 1, {"?"})


@pytest.mark.parametrize("record", [b"\xff", pack(step())[:-1], b"\x2a\x04gone"])
def test_what_is_no_record_is_told_apart(record: bytes) -> None:
    with pytest.raises(StepError):
        unpack(record, SENDER, SCOPE)


@pytest.mark.parametrize("remote", [None, False, True])
def test_parents_of_other_spans_come_back(remote: bool | None) -> None:
    encoded = edge(b"t" * 16, b"s" * 8, Edge(b"p" * 8, remote)) + edge(
        b"u" * 16, b"r" * 8, Edge(b"", remote)
    )
    ids = Ids(b"t" * 16, b"s" * 8, b"p" * 8, remote, end_ns=0)
    assert encoded.startswith(edge_of(ids))
    assert list(edges(encoded)) == [
        (b"t" * 16, b"s" * 8, Edge(b"p" * 8, remote)),
        (b"u" * 16, b"r" * 8, Edge(b"", remote)),
    ]


def test_the_journal_page_has_the_number_of_every_field() -> None:
    page = (PROJECT_ROOT / "docs" / "journal.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.MULTILINE))
    assert told == {str(number): name for name, (number, _) in FIELDS.items()}
