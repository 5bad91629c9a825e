"""The gateway of examples/tool-gateway: a tool that is off is not reached, whatever agents do."""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from service_parts import command

from support.ports import LOOPBACK, free_port
from support.process import running
from support.receiver import Receiver, receiving
from support.tools import PROJECT_ROOT

PROGRAM = PROJECT_ROOT / "examples" / "tool-gateway" / "gateway.py"
AGENT = """\
agent: shop
task: {unit: one request}
tools: {look_up: {}, refund: {effect: write, permission: autonomous}}
"""


class Gateway:
    """A running gateway, the tools behind it, and on-call's command line."""

    def __init__(self, folder: Path, tools: Receiver, url: str) -> None:
        self.folder, self.tools, self.url = folder, tools, url

    def call(self, tool: str) -> int:
        request = urllib.request.Request(f"{self.url}/{tool}", data=b"{}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def contain(self, *words: str) -> None:
        done = command("contain", *words, "--config", self.folder / "agentslo.yaml")
        assert done.returncode == 0, done.stderr

    @property
    def reached(self) -> list[str]:
        return [request.path for request in self.tools.requests]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "shop.yaml").write_text(AGENT)
    (tmp_path / "agentslo.yaml").write_text(f"storage: {{directory: {tmp_path / 'data'}}}\n")
    listen = f"{LOOPBACK}:{free_port()}"
    with receiving() as tools:
        tools.status = 200
        program = [
            *(sys.executable, PROGRAM, "--listen", listen, "--to", tools.url, "--agent", "shop"),
            *("--flags", tmp_path / "data" / "flags.json"),
        ]
        url = f"http://{listen}"
        made = Gateway(tmp_path, tools, url)
        with running(program, log=tmp_path / "gateway.log", ready=lambda: _listens(url)):
            yield made


def _listens(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return True
    except OSError:
        return False


def test_without_flags_nothing_passes(gateway: Gateway) -> None:
    assert (gateway.call("look_up"), gateway.reached) == (403, [])


def test_a_disabled_tool_is_not_reached_and_the_others_are(gateway: Gateway) -> None:
    what = ("--agent", "shop", "--action", "disable_tool", "--tool", "refund")
    gateway.contain("do", *what, "--reason", "paid twice")
    assert (gateway.call("refund"), gateway.call("look_up")) == (403, 200)
    gateway.contain("undo", "1", "--reason", "mended")
    assert gateway.call("refund") == 200
    assert gateway.reached == ["/look_up", "/refund"]


def test_an_agent_that_is_switched_off_reaches_no_tool_and_none_that_nobody_declared(
    gateway: Gateway,
) -> None:
    gateway.contain("do", "--agent", "shop", "--action", "kill_switch", "--reason", "harm")
    assert gateway.call("look_up") == 403
    gateway.contain("undo", "1", "--reason", "mended")
    assert (gateway.call("look_up"), gateway.call("rm_rf")) == (200, 403)


def test_a_flag_file_that_is_garbled_lets_nothing_pass(gateway: Gateway) -> None:
    gateway.contain("do", "--agent", "shop", "--action", "fallback", "--reason", "x")
    assert gateway.call("look_up") == 200
    (gateway.folder / "data" / "flags.json").write_text('{"flags": {')
    assert gateway.call("look_up") == 403
