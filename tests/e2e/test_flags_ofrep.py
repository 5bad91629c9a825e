"""Agents that cannot read the flag file ask the service, by the OpenFeature SDK's own provider."""

from pathlib import Path

import pytest

pytest.importorskip("openfeature.contrib.provider.ofrep", reason="the OFREP provider is missing")

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from service_parts import agentslo, command, listening, post

from support.wait import until

TOKEN = "token-of-the-agents-that-ask"


def test_an_agent_learns_over_http_that_it_is_switched_off(tmp_path: Path) -> None:
    (tmp_path / "flags.token").write_text(TOKEN)
    config = listening({"storage": {"directory": str(tmp_path / "data")}})
    config["listen"]["page"]["tokens"] = {"flags": str(tmp_path / "flags.token")}  # type: ignore[index]
    with agentslo(tmp_path, config) as service:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        provider = OFREPProvider(service.page, headers_factory=lambda: bearer)
        api.set_provider(provider, domain="ofrep")
        client = api.get_client(domain="ofrep")
        done = command(
            *("contain", "do", "--agent", "shop", "--action", "kill_switch", "--reason", "harm"),
            *("--version", "2", "--storage", tmp_path / "data"),
        )
        assert done.returncode == 0, done.stderr

        def enabled(version: str) -> bool:
            context = EvaluationContext(attributes={"agent_version": version})
            return client.get_boolean_value("agent.shop.enabled", False, context)

        until(lambda: enabled("1"), what="the flag to be known")
        assert not enabled("2")
        path = "/ofrep/v1/evaluate/flags"
        denied = post(f"{service.page}{path}", b"{}", "application/json")
        assert denied[0] == 401
