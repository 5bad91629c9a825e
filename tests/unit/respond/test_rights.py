"""Who may decide what; every refusal says who could, and is recorded."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentslo.config.agent_options import AgentFile
from agentslo.config.people_options import Person, Role
from agentslo.respond.desk import Ask, Desk, Draft
from agentslo.respond.rights import Actor, Refused, Right, identify, role_for
from agentslo.store.decisions import open_decisions


def person(name: str, *roles: Role, agents: tuple[str, ...] = ()) -> Person:
    digest = hashlib.sha256(f"token of {name}".encode()).hexdigest()
    return Person(name=name, roles=roles, agents=agents, token_sha256=digest)


PEOPLE = (
    person("ann", "oncall"),
    person("bob", "engineering"),
    person("eve", "engineering", agents=("search",)),
    person("mia", "product"),
)


def known(name: str) -> Actor:
    return identify(PEOPLE, f"token of {name}")


def test_a_token_names_its_person() -> None:
    assert known("ann") == Actor(name="ann", roles=("oncall",), verified=True)


@pytest.mark.parametrize("token", ["", "token of nobody", "token of ann2"])
def test_without_a_right_token_nobody_is_known(token: str) -> None:
    with pytest.raises(Refused, match="AGENTSLO_TOKEN"):
        identify(PEOPLE, token, "ann")


@pytest.mark.parametrize(
    ("name", "right", "role"),
    [
        ("ann", "contain", "oncall"),
        ("ann", "incident", "oncall"),
        ("bob", "retraining", "engineering"),
        ("mia", "rollout", "product"),
    ],
)
def test_the_role_of_a_decision_is_the_one_that_allows_it(
    name: str, right: Right, role: str
) -> None:
    assert role_for(known(name), right, "shop", None) == role


@pytest.mark.parametrize(
    ("name", "right", "who"),
    [
        ("ann", "retraining", "engineering"),
        ("bob", "contain", "oncall"),
        ("mia", "prompts", "engineering"),
        ("eve", "rollout", "search, not for shop"),
    ],
)
def test_a_refusal_says_who_could(name: str, right: Right, who: str) -> None:
    with pytest.raises(Refused, match=who):
        role_for(known(name), right, "shop", None)


def test_an_agent_file_moves_a_right_and_on_call_keeps_what_cannot_wait() -> None:
    file = AgentFile(name="shop", decides={"retraining": "product", "incident": "product"})
    assert role_for(known("mia"), "retraining", "shop", file) == "product"
    assert role_for(known("ann"), "incident", "shop", file) == "oncall"
    with pytest.raises(Refused, match="retraining is for product"):
        role_for(known("bob"), "retraining", "shop", file)


def test_where_no_people_are_named_what_cannot_wait_is_allowed_and_approvals_are_not() -> None:
    somebody = identify((), "", "root")
    assert role_for(somebody, "contain", "shop", None) == "unverified"
    with pytest.raises(Refused, match="people:"):
        role_for(somebody, "rollout", "shop", None)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    decisions = open_decisions(tmp_path)
    yield Desk(decisions, {}, "rev1")
    decisions.close()


def test_a_decision_carries_who_in_which_role_by_which_rules(desk: Desk) -> None:
    ask = Ask(actor=known("ann"), right="contain", agent="shop", subject="c/1", wants="contain do")
    (made,) = desk.take(ask, 5, lambda _: [Draft(kind="contain.done", subject="c/1")])
    assert (made.actor, made.role, made.rights, made.agent) == ("ann", "oncall", "rev1", "shop")


def test_a_refusal_is_recorded_and_nothing_else(desk: Desk) -> None:
    ask = Ask(actor=known("bob"), right="contain", agent="shop", subject="c/1", wants="contain do")
    with pytest.raises(Refused):
        desk.take(ask, 5, lambda _: [Draft(kind="contain.done", subject="c/1")])
    (row,) = desk.decisions.rows()
    assert (row.kind, row.actor, row.role) == ("refused", "bob", "none")
    assert row.body["wanted"] == "contain do"
