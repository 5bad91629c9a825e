"""The flag file, read by the OpenFeature SDK as an agent would read it."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("openfeature.contrib.provider.flagd", reason="the flagd provider is missing")

from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

from agentslo.respond import flags
from agentslo.respond.flags import InForce, definitions
from support.wait import until

AGENTS = {"shop": ["refund"], "search": []}
Agent = Callable[[Sequence[InForce]], OpenFeatureClient]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """An agent's client, once it reads the flags that some containments make."""
    path = tmp_path_factory.mktemp("flags") / "flags.json"
    flags.write(path, definitions(AGENTS, []))
    # The provider for Python looks at the file once a deadline.
    provider = FlagdProvider(
        resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=100
    )
    api.set_provider(provider)
    client = api.get_client()
    marks = iter(range(1, 1_000))

    def reads(held: Sequence[InForce]) -> OpenFeatureClient:
        mark = next(marks)
        content = definitions(AGENTS, held)
        content["flags"]["mark"] = {
            "state": "ENABLED",
            "variants": {"now": mark},
            "defaultVariant": "now",
        }
        flags.write(path, content)
        until(lambda: client.get_integer_value("mark", 0) == mark, what="the flags are read")
        return client

    yield reads
    api.shutdown()


def enabled(client: OpenFeatureClient, name: str = "shop", version: str = "1") -> bool:
    # The contained value is the caller's default: without a file the agent stands still.
    context = EvaluationContext(attributes={"agent_version": version})
    return client.get_boolean_value(f"agent.{name}.enabled", False, context)


def a_hold(action: str, **more: object) -> InForce:
    return InForce(id="1", agent="shop", action=action, **more)  # type: ignore[arg-type]  # by name


def test_an_agent_runs_until_it_is_switched_off_and_again_after(agent: Agent) -> None:
    assert enabled(agent([]))
    stopped = agent([a_hold("kill_switch")])
    assert (enabled(stopped), enabled(stopped, "search")) == (False, True)
    assert enabled(agent([]))


def test_a_tool_that_is_disabled_is_off_and_the_agent_goes_on(agent: Agent) -> None:
    client = agent([a_hold("disable_tool", tool="refund")])
    assert not client.get_boolean_value("agent.shop.tool.refund.enabled", False)
    assert enabled(client)


@pytest.mark.parametrize(
    ("action", "flag", "value", "contained"),
    [
        ("fallback", "mode", "", "fallback"),
        ("to_humans", "route", "", "human"),
        ("reduce_autonomy", "autonomy", "", "approve_each"),
        ("reduce_autonomy", "autonomy", "suggest_only", "suggest_only"),
        ("safer_prompt", "prompt", "", "safe"),
        ("safer_prompt", "prompt", "careful-2", "careful-2"),
    ],
)
def test_every_other_action_has_its_flag(
    agent: Agent, action: str, flag: str, value: str, contained: str
) -> None:
    client = agent([a_hold(action, value=value)])
    assert client.get_string_value(f"agent.shop.{flag}", "none") == contained


def test_one_for_some_versions_leaves_the_others_alone(agent: Agent) -> None:
    client = agent([a_hold("kill_switch", versions=("2",))])
    assert (enabled(client, version="2"), enabled(client, version="1")) == (False, True)


def test_a_containment_ends_by_itself_with_nobody_there_to_write(agent: Agent) -> None:
    client = agent([a_hold("fallback", expires_s=int(time.time()) + 4)])
    assert client.get_string_value("agent.shop.mode", "none") == "fallback"
    until(
        lambda: client.get_string_value("agent.shop.mode", "none") == "normal",
        what="the containment expired",
    )


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_levels_of_autonomy_the_stricter_holds(agent: Agent, order: int) -> None:
    soon = int(time.time()) + 600
    held = [
        a_hold("reduce_autonomy", value="approve_each", expires_s=soon),
        a_hold("reduce_autonomy", value="suggest_only"),
    ][::order]
    client = agent(held)
    assert client.get_string_value("agent.shop.autonomy", "none") == "suggest_only"


def test_who_contained_it_and_why_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    held = [a_hold("fallback", actor="ann", reason="harm", incident="3", expires_s=9)]
    flags.write(path, definitions(AGENTS, held))
    said = json.loads(path.read_text())["flags"]["agent.shop.mode"]["metadata"]
    assert said == {
        "containment": "1",
        "actor": "ann",
        "reason": "harm",
        "incident": "3",
        "expires": 9,
    }


def test_a_file_that_cannot_be_written_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "flags.json"
    before = flags.write(path, definitions(AGENTS, []))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        flags.write(path, definitions({}, []))
    monkeypatch.undo()
    assert flags.write(path, definitions(AGENTS, [])) == before
    assert [p.name for p in tmp_path.iterdir()] == ["flags.json"]
