"""Requests for retraining over random commands: legal states only, whoever asks in what order."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentslo.config.agent_options import AgentFile, Releases, Tool
from agentslo.respond import retraining
from agentslo.respond.desk import Ask, Desk, Draft
from agentslo.respond.retraining import (
    COOL_DOWN_NS,
    EXPIRY_NS,
    KINDS,
    NEXT,
    Kind,
    Request,
    Trigger,
    fold_all,
)
from agentslo.respond.rights import Actor, Refused
from agentslo.respond.training_facts import approvals_needed
from agentslo.store.audit import audit
from agentslo.store.decisions import Book, open_decisions

DIGEST = "ab" * 32
HOUR_NS = 3600 * 1_000_000_000


def trigger(kind: Kind = "drift", agent: str = "shop", about: str = "") -> Trigger:
    return Trigger(
        agent=agent,
        environment="production",
        kind=kind,
        source="test",
        about=(about,) if about else (),
        versions=("r1",),
    )


def propose(before: list[Request], why: Trigger, digest: str = DIGEST) -> list[Draft]:
    return retraining.proposed(
        before, why, needs=1, bundle_sha256=digest, bundle="b", now_ns=10 * EXPIRY_NS
    )


@pytest.mark.parametrize("digest", ["", "evidence", "AB" * 32, "ab" * 31])
def test_a_trigger_without_the_digest_of_its_evidence_is_refused(digest: str) -> None:
    with pytest.raises(Refused, match="SHA-256"):
        propose([], trigger(), digest)


def test_the_calendar_is_refused_whoever_calls() -> None:
    with pytest.raises(Refused, match="never the calendar"):
        propose([], trigger(kind="monthly"))  # type: ignore[arg-type]  # what a caller may try


@pytest.mark.parametrize("kind", KINDS)
def test_every_measured_need_makes_a_request(kind: Kind) -> None:
    (draft,) = propose([], trigger(kind))
    assert (draft.kind, draft.body["bundle_sha256"]) == ("retrain.proposed", DIGEST)


def test_the_same_need_has_the_same_key_and_a_new_release_another() -> None:
    first = Trigger(agent="a", environment="p", kind="drift", source="x", about=("b", "c"))
    assert (
        first.key
        == Trigger(agent="a", environment="p", kind="drift", source="y", about=("c", "b")).key
    )
    assert (
        first.key
        != Trigger(
            agent="a", environment="p", kind="drift", source="x", about=("b", "c"), versions=("r2",)
        ).key
    )


@pytest.mark.parametrize(
    ("kind", "file", "needs"),
    [
        ("drift", None, 1),
        ("drift", AgentFile(name="a"), 1),
        ("drift", AgentFile(name="a", releases=Releases(customer_facing=False)), 0),
        (
            "drift",
            AgentFile(
                name="a",
                releases=Releases(customer_facing=False),
                tools=(Tool(name="refund", effect="write"),),
            ),
            1,
        ),
        ("policy", AgentFile(name="a", releases=Releases(customer_facing=False)), 2),
    ],
)
def test_people_approve_what_customers_see_or_what_may_write(
    kind: Kind, file: AgentFile | None, needs: int
) -> None:
    assert approvals_needed(trigger(kind), file) == needs


# ---- random commands

PEOPLE = [
    Actor(name="bob", roles=("engineering",), verified=True),
    Actor(name="eve", roles=("engineering",), verified=True),
    Actor(name="mia", roles=("product",), verified=True),
    Actor(name="somebody", verified=False),
]
COMMANDS = (
    *("propose", "approve", "reject", "dispatch", "pass", "fail", "canary", "worse", "not_worse"),
    *("promote", "rollback"),
)
step = st.tuples(
    st.sampled_from(COMMANDS),
    st.integers(0, 3),
    st.sampled_from(PEOPLE),
    st.sampled_from(KINDS),
    st.sampled_from((0, 0, 0, HOUR_NS, COOL_DOWN_NS, EXPIRY_NS)),
    st.booleans(),
)


def drafted(command: str, request: Request, actor: Actor) -> list[Draft]:
    match command:
        case "approve":
            return retraining.approved(request, actor.name)
        case "reject":
            return retraining.rejected(request, "no")
        case "dispatch":
            return retraining.dispatched(request, "id", ["https://x"])
        case "pass" | "fail":
            return retraining.evaluated(request, DIGEST, {"result": command, "release": "r2"})
        case "canary":
            return retraining.canary(request, stable="r1", release="r2", share_ratio=0.1)
        case "worse" | "not_worse":
            return retraining.compared(request, {"verdict": command})
        case "promote":
            return retraining.promoted(request, actor.name)
        case _:
            return retraining.rolled_back(request, "bad")


# Most random walks end at the first door: these go the whole way, with anything in between.
WAY = ("propose", "approve", "approve", "dispatch", "pass", "canary", "not_worse", "promote")
AGREEING = (PEOPLE[0], PEOPLE[0], PEOPLE[1], *[PEOPLE[0]] * 5)


@st.composite
def walks(draw: st.DrawFn) -> list[tuple[str, int, Actor, Kind, int, bool]]:
    found: list[tuple[str, int, Actor, Kind, int, bool]] = []
    for command, actor in zip(WAY, AGREEING, strict=True):
        found += draw(st.lists(step, max_size=2))
        found.append((command, 0, actor, "policy", 0, False))
    return found


class Crash(Exception):
    """The process dies inside a transaction."""


@given(steps=st.lists(step, max_size=25) | walks())
@settings(max_examples=30, deadline=None)
def test_whatever_is_tried_in_whatever_order_only_legal_steps_are_recorded(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, Actor, Kind, int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("decisions")
    now_ns = EXPIRY_NS
    for command, number, actor, kind, wait_ns, crashes in steps:
        now_ns += wait_ns + 1
        attempt(folder, (command, number, actor, kind), now_ns, crashes=crashes)
    check(folder, now_ns)


def attempt(
    folder: Path, what: tuple[str, int, Actor, Kind], now_ns: int, *, crashes: bool
) -> None:
    command, number, actor, kind = what
    decisions = open_decisions(folder)
    desk = Desk(decisions, {}, "rev")
    agent = f"agent{number % 2}"

    def rule(book: Book) -> list[Draft]:
        requests = fold_all(book.rows(kind="retrain."), now_ns)
        if command == "propose":
            drafts = retraining.proposed(
                requests,
                trigger(kind, agent),
                needs=2 if kind == "policy" else 1,
                bundle_sha256=DIGEST,
                bundle="b",
                now_ns=now_ns,
            )
        elif number < len(requests):
            drafts = drafted(command, requests[number], actor)
        else:
            raise Refused("there is none")
        if crashes:
            raise Crash
        return drafts

    right = (
        "report"
        if command in ("propose", "pass", "fail", "worse", "not_worse")
        else (
            "rollout"
            if command in ("canary", "promote")
            else "contain"
            if command == "rollback"
            else "retraining"
        )
    )
    ask = Ask(actor=actor, right=right, agent=agent, subject="retrain", wants=command)  # type: ignore[arg-type]  # one of the rights
    try:
        desk.take(ask, now_ns, rule)
    except (Refused, Crash):
        pass
    finally:
        decisions.close()


def check(folder: Path, now_ns: int) -> None:
    decisions = open_decisions(folder)
    requests = fold_all(decisions.rows(kind="retrain."), now_ns)
    refusals = decisions.rows(kind="refused")
    decisions.close()
    assert audit(folder, {}).problems == ()
    for agent in ("agent0", "agent1"):
        assert sum(r.is_open for r in requests if r.agent == agent) <= 1
    for request in requests:
        states = [
            retraining.fold(request.timeline[:n], 0).state
            for n in range(1, len(request.timeline) + 1)
        ]
        for before, after in itertools.pairwise(states):
            assert after == before or after in NEXT[before]
        rows = {row.kind: row for row in request.timeline}
        if request.state in ("dispatched", "evaluated", "canary", "promoted", "rolled_back"):
            assert len(set(request.approvals)) >= request.needs
        if request.state in ("canary", "promoted", "rolled_back"):
            assert request.evaluation is not None and request.evaluation["result"] == "pass"
        if "retrain.promoted" in rows:
            assert rows["retrain.promoted"].actor != "somebody"
            earlier = [r for r in request.timeline if r.seq < rows["retrain.promoted"].seq]
            last = [r for r in earlier if r.kind == "retrain.compared"][-1]
            assert last.body["verdict"] == "not_worse"
        approvers = [r.actor for r in request.timeline if r.kind == "retrain.approved"]
        assert set(approvers) <= {"bob", "eve"} and len(approvers) == len(set(approvers))
    assert all(row.role == "none" for row in refusals)
