"""Processors and an evaluator as real processes, and what their counters say together."""

import json
import urllib.error
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from service_parts import COMMAND, QUICK_RUNS, Service, command, get, service_of, write_config

from support.ports import LOOPBACK, free_port
from support.process import Running

LISTENERS = ("grpc", "http", "metrics", "page")


class Member:
    """One role on ports and a folder of its own, over restarts."""

    def __init__(
        self,
        folder: Path,
        role: str,
        config: Mapping[str, object],
        page: Mapping[str, object] | None = None,
    ) -> None:
        folder.mkdir(parents=True)
        self.folder, self.role = folder, role
        self.listen = {name: f"{LOOPBACK}:{free_port()}" for name in LISTENERS}
        listen = {name: {"address": address} for name, address in self.listen.items()}
        whole = {
            "listen": listen | {"page": {**listen["page"], **(page or {})}},
            "runs": QUICK_RUNS,
            "metrics": {"zero_hold_s": 0},
            "storage": {"directory": str(folder / "data")},
            **config,
        }
        self._config = write_config(folder, whole)
        self.service: Service | None = None
        self._process: Running | None = None

    @property
    def page(self) -> str:
        """Where its page is."""
        return f"http://{self.listen['page']}"

    def begin(self) -> None:
        """Run it; it may not be ready."""
        log = self.folder / "agentslo.log"
        log.unlink(missing_ok=True)
        command: list[str | Path] = [COMMAND, "run", "--role", self.role, "--config", self._config]
        self._process = Running(command, log=log, cwd=self.folder)

    def ready(self) -> Service:
        """Wait until it takes what it is for."""
        process = self._process
        assert process is not None
        process.await_ready(lambda: " is up" in process.text())
        self.service = service_of(process)
        return self.service

    def start(self) -> Service:
        """Run it, and wait."""
        self.begin()
        return self.ready()

    def stop(self, *, kill: bool = False) -> None:
        """End it, where it runs."""
        process, self._process, self.service = self._process, None, None
        if process is not None:
            process.kill() if kill else process.stop()

    def runs(self) -> list[dict[str, object]]:
        """The runs in its ledger."""
        ledger = self.folder / "data" / "ledger.sqlite"
        done = command("runs", "list", "--json", "--limit", "1000", "--ledger", ledger)
        found: list[dict[str, object]] = json.loads(done.stdout)
        return found

    def readiness(self) -> dict[str, object]:
        """What `/readyz` says."""
        found: dict[str, object] = json.loads(get(f"http://{self.listen['metrics']}/readyz"))
        return found


class Fleet:
    """An evaluator and its processors; counters of those that are stopped are remembered."""

    def __init__(self, evaluator: Member, folder: Path, **more: object) -> None:
        self.evaluator, self._folder, self._more = evaluator, folder, more
        self.processors: list[Member] = []
        self._last: dict[Path, dict[str, dict[tuple[tuple[str, str], ...], float]]] = {}

    @classmethod
    def of(cls, one: Member) -> "Fleet":
        """One process that does all, to be compared with."""
        return cls(one, one.folder)

    def add(self, **more: object) -> Member:
        """One more processor; it is not started."""
        evaluator = {"endpoint": self.evaluator.page, "drift_s": 1}
        config = {"evaluator": evaluator, **self._more, **more}
        member = Member(self._folder / f"processor {len(self.processors)}", "processor", config)
        self.processors.append(member)
        return member

    def look(self) -> None:
        """Read the counters of all that run."""
        for member in (self.evaluator, *self.processors):
            if member.service is not None:
                try:
                    self._last[member.folder] = member.service.families()
                except (OSError, urllib.error.URLError):
                    continue

    def counted(self, family: str, *by: str) -> Counter[tuple[str, ...]]:
        """The sums of a family over all members, by some labels."""
        self.look()
        found: Counter[tuple[str, ...]] = Counter()
        for families in self._last.values():
            for labels, value in families.get(family, {}).items():
                named = dict(labels)
                found[tuple(named[label] for label in by)] += int(value)
        return +found

    def having(self, family: str) -> set[Path]:
        """The folders of the members that expose a family with any count."""
        self.look()
        return {p for p, found in self._last.items() if any(found.get(family, {}).values())}

    def outcomes(self) -> Counter[str]:
        """Runs by outcome, corrections applied, excluded ones left out."""
        net = Counter({k[0]: n for k, n in self.counted("agent_slo_runs_total", "outcome").items()})
        moved = self.counted("agent_slo_outcome_corrections_total", "from", "to")
        for (was, now), count in moved.items():
            net[was] -= count
            net[now] += count
        del net["excluded"]
        return Counter({outcome: count for outcome, count in net.items() if count})

    def stop(self) -> None:
        """End everybody."""
        for member in (*self.processors, self.evaluator):
            member.stop()


@contextmanager
def fleet(
    folder: Path,
    processors: int = 3,
    evaluator: Mapping[str, object] | None = None,
    **more: object,
) -> Iterator[Fleet]:
    """Running processors and their evaluator, until the block ends."""
    found = Fleet(Member(folder / "evaluator", "evaluator", evaluator or {}), folder, **more)
    try:
        members = [found.evaluator, *(found.add() for _ in range(processors))]
        for member in members:
            member.begin()
        for member in members:
            member.ready()
        yield found
    except BaseException as error:
        for member in (found.evaluator, *found.processors):
            if member.service is not None:
                error.add_note(f"{member.folder.name} wrote:\n{member.service.process.tail()}")
        raise
    finally:
        found.stop()
