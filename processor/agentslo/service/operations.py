"""Operations of a running service: alerts taken in, and what is decided shown as metrics.

In: webhook bodies; what the command line decides in the same file. Out: incidents, containments,
and rows of the operations families. State: one thread with its connections, and the newest picture;
all of it can be read from the file again. Nothing here stands in the way of a span.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agentslo.config.service_file import ServiceConfig
from agentslo.measure import names as m
from agentslo.measure.series import Metrics
from agentslo.respond.alerts import AlertIntake
from agentslo.respond.containment import Containment
from agentslo.respond.desk import Desk
from agentslo.respond.duty import FLAGS_FILE, Duty
from agentslo.respond.gates import RECORDED as GATE
from agentslo.respond.incidents import Incident
from agentslo.respond.live_releases import LiveReleases
from agentslo.respond.rebaseline import RELEARN, asked
from agentslo.respond.retraining import Request
from agentslo.respond.training import Training
from agentslo.respond.triggers import take
from agentslo.service.incident_metrics import show_containments, show_incidents
from agentslo.service.release_metrics import show_releases, show_verdicts
from agentslo.service.roles import Role
from agentslo.store.decisions import Decisions, DecisionsError, open_decisions
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerError
from agentslo.watch.remote import Remote
from agentslo.watch.watch import Watch

logger = logging.getLogger(__name__)

Work = Callable[[int], None]

LOOK_NS = 5_000_000_000
"""How often the file is looked at for what others decided."""


class NoOperations(Exception):
    """Nothing can be decided here; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is decided, as it was looked at last."""

    incidents: tuple[Incident, ...] = ()
    containments: tuple[Containment, ...] = ()
    requests: tuple[Request, ...] = ()
    gates: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The budget's state as the release gate found it last, by agent and environment."""
    relearn: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """When an agent in an environment was last told to learn its baseline anew, unix ns."""
    head: tuple[int, str] = (0, "")
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Flag definitions; what expires in them does so by itself."""


class Operations:
    """One storage directory's operations; `trouble` says why there are none."""

    def __init__(self, config: ServiceConfig, role: Role = Role.ALL) -> None:
        self._config, self._role = config, role
        self._thread = ThreadPoolExecutor(1, "operations")
        self._decisions: Decisions | None = None
        self._intake: AlertIntake | None = None
        self._duty: Duty | None = None
        self._training: Training | None = None
        self._releases = LiveReleases(Path(config.storage.directory) / LEDGER_FILE)
        self._looked_ns = 0
        self._looking: asyncio.Future[None] | None = None
        self.picture = Picture()
        self.trouble = ""

    async def start(self, now_ns: int) -> None:
        """Open what the storage directory holds; trouble is logged and stops nothing."""
        if not self._role.evaluates:
            evaluator = self._config.evaluator.endpoint
            self.trouble = f"this is a processor: ask the evaluator, {evaluator}"
            return
        if not self._config.storage.directory:
            self.trouble = "storage.directory is not set: incidents and containment are kept there"
            return
        await self._on_thread(self._open, now_ns)

    async def stop(self) -> None:
        """Close the file."""
        if self._decisions is not None:
            await self._on_thread(lambda _: self._close(), 0)
        self._thread.shutdown(wait=False)

    async def take(self, body: bytes, now_ns: int) -> dict[str, object]:
        """A webhook of Alertmanager; raises `AlertError`, or `NoOperations`."""
        intake, training = self._intake, self._training
        if intake is None or training is None:
            raise NoOperations(self.trouble)

        def work() -> dict[str, object]:
            try:
                handled = intake.take(body, now_ns)
                asked = take(body, training, self._config.revision, now_ns)
            except (DecisionsError, OSError, sqlite3.Error) as error:
                raise NoOperations(str(error)) from error
            self._look(now_ns)
            left = (*handled.left, *asked.left)
            return {**asdict(handled), "retraining": asked.requests, "left": left}

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def flags(self) -> Mapping[str, Any]:
        """What agents may do, as decided when it was looked at last; raises `NoOperations`."""
        if not self.picture.flags:
            raise NoOperations(self.trouble or "not started yet")
        return self.picture.flags

    def look(self, now_ns: int) -> None:
        """See what was decided, at most every few seconds, without waiting for it."""
        if self._duty is None or now_ns - self._looked_ns < LOOK_NS:
            return
        if self._looking is None or self._looking.done():
            self._looked_ns = now_ns
            self._looking = asyncio.ensure_future(self._on_thread(self._look, now_ns))

    def relearn(self, watch: Watch | Remote | None) -> None:
        """Have the watch follow what was decided on baselines."""
        if isinstance(watch, Watch):
            for at, since_ns in self.picture.relearn.items():
                watch.relearn(*at, since_ns)

    def show(self, metrics: Metrics, environments: dict[str, set[str]], now_ns: int) -> None:
        """Set the operations families; `environments` are those each agent was seen in."""
        show_incidents(metrics, self.picture.incidents, now_ns)
        show_containments(metrics, self.picture.containments, environments, now_ns)
        seq, digest = self.picture.head
        show_releases(metrics, self.picture.requests, self.picture.gates)
        show_verdicts(metrics, self._releases.verdicts)
        metrics.replace(m.DECISIONS_HEAD, {(digest,): float(seq)} if seq else {})

    async def _on_thread(self, work: Work, now_ns: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, work, now_ns)
        except (DecisionsError, LedgerError, OSError) as error:
            self.trouble = str(error)
            logger.warning("incidents and containment are not available: %s", error)

    def _open(self, now_ns: int) -> None:
        directory = Path(self._config.storage.directory)
        ledger_file = directory / LEDGER_FILE
        ledger = Ledger(ledger_file, read_only=True) if ledger_file.exists() else None
        agents = {agent.name: agent for agent in self._config.agents}
        tools = {name: [t.name for t in agent.tools] for name, agent in agents.items()}
        self._decisions = open_decisions(directory)
        desk = Desk(self._decisions, agents, self._config.revision)
        self._duty = Duty(desk, ledger, directory / FLAGS_FILE, tools)
        self._intake = AlertIntake(desk, ledger, self._duty)
        self._training = Training(desk, ledger, directory)
        # A crash between a decision and the flag file leaves the file behind: mend it now.
        self._duty.write_flags(now_ns)
        self._look(now_ns)

    def _look(self, now_ns: int) -> None:
        if self._duty is None or self._decisions is None or self._training is None:
            return
        try:
            self._releases.look(now_ns)
        except (LedgerError, sqlite3.Error) as error:
            logger.warning("releases are not compared: %s", error)
        head = self._decisions.head
        if head == self.picture.head and self.picture.flags:
            return
        logger.info("decisions: %d recorded, head %d:%s", head[0], *head)
        self.picture = Picture(
            incidents=tuple(self._duty.incidents()),
            containments=tuple(self._duty.containments()),
            requests=tuple(self._training.requests(now_ns)),
            gates={
                (row.agent, str(row.body["environment"])): str(row.body["state"])
                for row in self._decisions.rows(kind=GATE)
            },
            relearn=asked(self._decisions.rows(kind=RELEARN)),
            head=head,
            flags=self._duty.flags(now_ns),
        )

    def _close(self) -> None:
        self._releases.close()
        if self._decisions is not None:
            self._decisions.close()
