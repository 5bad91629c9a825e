"""What a process has beside all others' parts because of its role.

In: the role, the configuration, the pipeline. Out: for a processor the evaluator as a destination
and what it tells of drift; for an evaluator what records bring. State: those parts.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from agentslo.config.service_file import ServiceConfig
from agentslo.measure import names as m
from agentslo.measure.series import Metrics
from agentslo.otlp.answer import Signal
from agentslo.otlp.destination import Destination
from agentslo.runs.steps import StepError
from agentslo.service.dispatch import Dispatcher
from agentslo.service.drift_told import DriftAsker
from agentslo.service.evaluator import Evaluator
from agentslo.service.ingest import Intake
from agentslo.service.pipeline import Pipeline
from agentslo.service.records_out import Records, RecordSender, frames
from agentslo.service.roles import Role, evaluator_destination
from agentslo.watch.remote import Remote

ROUND_S = 15.0
"""How often an evaluator says that it is well."""
TOGETHER = 20
"""Records taken before spans and scrapes get their turn."""


class RoleParts:
    """Owned by the event loop."""

    def __init__(
        self, role: Role, config: ServiceConfig, pipeline: Pipeline, now: Callable[[], int]
    ) -> None:
        self.role, self._pipeline, self._now = role, pipeline, now
        self.records: Records | None = None
        self.destination: Destination | None = None
        self._sender: RecordSender | None = None
        self._asker: DriftAsker | None = None
        self._evaluator = Evaluator(pipeline) if role is Role.EVALUATOR else None
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._round: asyncio.Task[None] | None = None
        self._success_ns = 0
        self.notes: tuple[str, ...] = ()
        """What the page says of the role."""
        if role is Role.PROCESSOR:
            told = (
                f"One of several processors, with its own newest runs. {config.evaluator.endpoint}"
            )
            self.notes = (f"{told} has the page of all agents: the evaluator answers for them.",)
            options = evaluator_destination(config.evaluator)
            self._sender = RecordSender(options)
            self.records = Records(pipeline)
            self.destination = Destination(options, self._sender)
            if isinstance(pipeline.verdicts.watch, Remote):
                self._asker = DriftAsker(config.evaluator, pipeline.verdicts.watch, now)

    def start(self, well: Callable[[], bool]) -> None:
        """Begin what goes on by itself. `well`: whether all that is evaluated can be kept."""
        if self._asker is not None:
            self._asker.start()
        if self.role.evaluates:
            self._round = asyncio.create_task(self._rounds(well), name="evaluator")

    async def stop(self) -> None:
        """End it."""
        if self._asker is not None:
            await self._asker.stop()
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)

    async def _rounds(self, well: Callable[[], bool]) -> None:
        while True:
            if well():
                self._success_ns = self._now()
            await asyncio.sleep(ROUND_S)

    @property
    def trouble(self) -> dict[str, str]:
        """What is not as it should be, for `/readyz`; "" where it is."""
        if self._sender is None:
            return {}
        drift = self._asker.trouble if self._asker else ""
        return {"evaluator": self._sender.trouble or drift}

    async def take(self, body: bytes, intake: Intake) -> dict[str, object]:
        """Take the records of one request, and keep what they changed."""
        evaluator, read = self._evaluator, 0
        if evaluator is None:
            raise LookupError("records are for an evaluator (agentslo run --role evaluator)")
        try:
            for kind, record in frames(body):
                now_ns = self._now()
                intake.happen(evaluator.take(kind, record, now_ns), now_ns)
                read += 1
                if read % TOGETHER == 0:
                    await asyncio.sleep(0)
        except StepError:
            evaluator.tally["unreadable"] += 1
        await intake.kept()
        return {"records": read}

    def refresh(self, metrics: Metrics, dispatcher: Dispatcher, now_ns: int) -> None:
        """Bring the metrics of the role up to date."""
        if self._success_ns:
            metrics.set(m.EVALUATOR_SUCCESS, (), self._success_ns / 1e9)
        if self._evaluator is not None:
            for result in ("taken", "repeated", "split", "unreadable"):
                total = self._evaluator.tally[result]
                self._raise(metrics, ("received", result), total, now_ns)
        if self.destination is not None:
            stats = self.destination.stats
            dropped = sum(n for (signal, _), n in stats.dropped.items() if signal is Signal.LOGS)
            dropped += dispatcher.accounts[self.destination.name].dropped.total()
            self._raise(metrics, ("sent", "sent"), stats.forwarded.get(Signal.LOGS, 0), now_ns)
            self._raise(metrics, ("sent", "dropped"), dropped, now_ns)

    def _raise(self, metrics: Metrics, what: tuple[str, str], total: int, now_ns: int) -> None:
        family = m.RECORDS_RECEIVED if what[0] == "received" else m.RECORDS_SENT
        more = total - self._seen[what]
        if more > 0:
            metrics.inc(family, (what[1],), now_ns, more)
            self._seen[what] = total
        else:
            metrics.touch(family, (what[1],), now_ns)
