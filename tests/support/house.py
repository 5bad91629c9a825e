"""A storage directory with agents, people and a clock of its own, worked by the real commands."""

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentslo.cli.main import main
from agentslo.store.ledger import LedgerRun
from support.ledgers import ledger_of
from support.people import service_file, token_of
from support.tools import PROJECT_ROOT

DAY_NS = 86_400 * 1_000_000_000
START_NS = 1_790_000_000_000_000_000
CARED, STRAY = "refund-approval", "stray"
PEOPLE: dict[str, Sequence[str]] = {
    "mia": ["product"],
    "bob": ["engineering"],
    "eve": ["engineering"],
    "ops": ["operations"],
    "ann": ["oncall"],
}
VOUCHED = (
    *("rollback", "red_team", "load_test", "adversarial_test", "failure_test"),
    *("privacy", "playbook"),
)
"""What a person vouches for before launch."""


class House:
    """One directory; `now_ns` is the time of every command, `who` its person."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.now_ns, self.who = folder, START_NS, ""
        self._monkeypatch = monkeypatch
        (folder / "agents").mkdir(parents=True)
        example = PROJECT_ROOT / "examples" / "agents" / f"{CARED}.yaml"
        shutil.copy(example, folder / "agents")
        self.config = service_file(folder, PEOPLE)
        monkeypatch.setattr("time.time_ns", self._tick)

    def _tick(self) -> int:
        self.now_ns += 1_000_000
        return self.now_ns

    @property
    def storage(self) -> Path:
        """Where the commands keep what they decide."""
        return self.folder / "storage"

    def copy(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> "House":
        """The same house again, to be spoilt."""
        made = House(folder, monkeypatch)
        shutil.copytree(self.storage, made.storage, dirs_exist_ok=True)
        shutil.copytree(self.folder / "agents", made.folder / "agents", dirs_exist_ok=True)
        made.now_ns = self.now_ns
        return made

    def agent_file(self, **changes: object) -> None:
        """Change top-level keys of the cared-for agent's file; None takes one away."""
        path = self.folder / "agents" / f"{CARED}.yaml"
        content = yaml.safe_load(path.read_text())
        content |= changes
        kept = {k: v for k, v in content.items() if v is not None}
        path.write_text(yaml.safe_dump(kept, sort_keys=False))

    def ran(self, runs: Iterable[LedgerRun]) -> None:
        """Runs that were counted."""
        with ledger_of(self.storage, list(runs)):
            pass

    def passes(self, days: float) -> None:
        """Time passes."""
        self.now_ns += int(days * DAY_NS)

    def does(self, who: str, *words: str) -> int:
        """The exit code of a command that somebody runs; `who` may be nobody, or a stranger."""
        token = "" if who == "" else token_of(who)
        self._monkeypatch.setenv("AGENTSLO_TOKEN", token)
        self._monkeypatch.setattr("sys.argv", ["agentslo", *words])
        try:
            return main([*words, "--config", str(self.config)])
        except SystemExit as ended:
            return int(str(ended.code))

    def attests(self, who: str, agent: str, item: str, *more: str) -> int:
        """Somebody vouches for an item."""
        words = ("checklist", "attest", "--agent", agent, "--item", item)
        return self.does(who, *words, "--evidence", "https://example.org/report/7", *more)

    def ready(self) -> None:
        """Everything the launch gate asks of the cared-for agent."""
        for item in VOUCHED:
            assert self.attests("bob", CARED, item) == 0
        drill = ("contain", "drill", "--agent", CARED, "--action", "fallback", "--reason", "June")
        assert self.does("ann", *drill) == 0


def states(text: str) -> dict[str, str]:
    """Items and their states, of a checklist printed as JSON."""
    found: dict[str, Any] = json.loads(text)
    return {item["item"]: item["state"] for item in found["items"]}
