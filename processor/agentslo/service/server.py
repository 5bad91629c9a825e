"""The running service: which stage hands what to which, and when.

In: a `ServiceConfig`. Out: nothing; it listens, forwards, counts until it is told to stop. One
asyncio loop owns everything. This is the only wiring; time is read here and nowhere below.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import ServiceConfig
from agentslo.measure import names as m
from agentslo.measure.series import Metrics
from agentslo.otlp.destination import Destination
from agentslo.otlp.listen import require_free
from agentslo.otlp.receive_grpc import GrpcReceiver
from agentslo.otlp.receive_http import HttpReceiver
from agentslo.otlp.transports import sender_for
from agentslo.outcomes.prices import pricing
from agentslo.page.values import View
from agentslo.service import feedback, overview
from agentslo.service.access import metrics_gate, page_gate
from agentslo.service.assembly import baselines, directory, pipeline, reader
from agentslo.service.dispatch import Dispatcher
from agentslo.service.drift_gauges import DriftGauges
from agentslo.service.drift_told import drift_report
from agentslo.service.events import Happening
from agentslo.service.garbage import Garbage
from agentslo.service.gauges import Gauges, constants
from agentslo.service.ingest import Intake
from agentslo.service.operations import Operations
from agentslo.service.recent import Recent
from agentslo.service.recorder import Recorder
from agentslo.service.report import coverage_report
from agentslo.service.role_parts import RoleParts
from agentslo.service.roles import Role
from agentslo.service.stall import DOOR_S, Stall
from agentslo.service.storage import Storage
from agentslo.service.web import WebServer, metrics_app, page_app

logger = logging.getLogger(__name__)

TICK_S = 0.25
LISTENER_GRACE_S = 3.0
DRAIN_S = 18.0

TAP = "Spans are read here and not sent on: no destination is configured."

Loader = Callable[[], ServiceConfig]


class Service:
    """Everything wired. `load` reads the configuration again on reload."""

    def __init__(self, config: ServiceConfig, load: Loader, role: Role = Role.ALL) -> None:
        self._config, self._load, self.role = config, load, role
        self._start_wall_ns, self._start_mono_ns = time.time_ns(), time.monotonic_ns()
        self.metrics = Metrics(config.metrics)
        self._recent = Recent()
        self.stall, self._garbage = Stall(), Garbage()
        self._ticker: asyncio.Task[None] | None = None
        self._stopping = False
        self._storage: Storage | None = None
        self._operations = Operations(config, role)

    def now_ns(self) -> int:
        """Unix time that never jumps: the wall clock at start plus a monotonic clock."""
        return self._start_wall_ns + time.monotonic_ns() - self._start_mono_ns

    # ---- life cycle

    async def start(self) -> None:
        """Bind every port, then take spans. Raises `ListenFailed` or `StoreInUse`, with nothing
        left running.
        """
        config = self._config
        self.pipeline = pipeline(config, baselines(config), self.role)
        self.roles = RoleParts(self.role, config, self.pipeline, self.now_ns)
        destinations = [Destination(o, sender_for(o)) for o in config.destinations]
        destinations += [self.roles.destination] if self.roles.destination else []
        self.dispatcher = Dispatcher(destinations, config.runs.verdict_span, self.roles.records)
        self._recorder = Recorder(self.metrics)
        if config.storage.directory:
            self._storage = Storage(
                *(config.storage, self.pipeline, self.metrics, self.now_ns),
                ledger=self.role.evaluates,
            )
            self._storage.restore(self._recorder)
        listen = config.listen
        acks = {o.name: o.ack for o in (listen.grpc, listen.http)}
        self.intake = Intake(
            self.pipeline,
            self.dispatcher,
            self._recorder,
            acks,
            config.runs.ack_timeout_s,
            self.now_ns,
            self._observe,
            config.storage.spill_after_s,
            self.stall.spent_s,
        )
        self._gauges = Gauges(self.metrics, self.intake, self.dispatcher, self.pipeline)
        self._drift_gauges = DriftGauges(self.metrics)
        self.grpc = GrpcReceiver(listen.grpc, self.intake)
        self.http = HttpReceiver(listen.http, self.intake)
        self._gates = {"metrics": metrics_gate(listen.metrics), "page": page_gate(listen.page)}
        self.web = WebServer(listen.metrics, metrics_app(self, self._gates["metrics"]))
        self.page = WebServer(listen.page, page_app(self, self._gates["page"]))
        try:
            await self._listen()
        except BaseException:
            await self._close_listeners(0.0)
            if self._storage is not None:
                await self._storage.stop()
            raise
        for one in destinations:
            await one.start()
        await self._operations.start(self.now_ns())
        self.roles.start(lambda: self._storage is None or self._storage.well)
        self._log_warnings()
        await self.grpc.set_serving(serving=True)
        constants(self.metrics, config.listen, self._start_wall_ns)
        self._ticker = asyncio.create_task(self._tick(), name="tick")

    async def stop(self) -> None:
        """Take no more spans, release what is held, drain, and say how it ended."""
        self._stopping = True
        await self.grpc.set_serving(serving=False)
        await asyncio.gather(self.grpc.stop(LISTENER_GRACE_S), self.http.stop(LISTENER_GRACE_S))
        self.intake.closed = True
        if self._ticker is not None:
            self._ticker.cancel()
        await self.roles.stop()
        await self._let_go()
        drained = await asyncio.gather(*(d.drain(DRAIN_S) for d in self.dispatcher.destinations))
        for one in self.dispatcher.destinations:
            await one.close()
        self.intake.keeper = None
        if self._storage is not None:
            await self._storage.stop()
        await self._operations.stop()
        self.refresh()
        logger.info("stopped: drained=%s %s", all(drained), self._summary())
        await self._close_listeners(0.0)

    async def _listen(self) -> None:
        grpc = self._config.listen.grpc
        if self.role.takes_spans:
            require_free(grpc.address, grpc.option or grpc.name)
        await self._begin_storage()
        await self.web.start()
        await self.page.start()
        if self.role.takes_spans:
            await self.http.start()
            await self.grpc.start()

    async def _begin_storage(self) -> None:
        if self._storage is not None:
            runs = self._config.runs
            self.intake.keeper = await self._storage.begin(
                runs, self.dispatcher, self.intake.record
            )

    async def _let_go(self) -> None:
        """Held spans leave and counts at 0 are released, unless a journal has them: then open runs
        go on after the restart.
        """
        if self._storage is not None and not self._storage.trouble:
            return
        now_ns = self.now_ns()
        self.intake.happen(self.pipeline.stop(now_ns), now_ns)
        self.metrics.release_all()
        if self.intake.keeper is not None:
            await self.intake.keeper.flush_now()

    def _observe(self, happening: Happening) -> None:
        self._recent.note(happening)
        if self._storage is not None:
            self._storage.observe(happening)

    async def _close_listeners(self, grace_s: float) -> None:
        spans = (self.grpc.stop(grace_s), self.http.stop(grace_s))
        await asyncio.gather(*spans, self.web.stop(), self.page.stop(), return_exceptions=True)

    async def _tick(self) -> None:
        """Close what is due; look for garbage while nothing comes."""
        loop = asyncio.get_running_loop()
        self._garbage.begin(loop.time())
        await asyncio.sleep(0)
        self.stall.begin()
        expected_s = loop.time() + TICK_S
        while True:
            await asyncio.sleep(max(0.0, expected_s - loop.time()))
            if self.stall.late(loop.time() - expected_s, loop.time()):
                await asyncio.sleep(DOOR_S)
                self.pipeline.assembler.resumed_ns = self.now_ns()
            self._garbage.tick(loop.time(), self.intake.requests)
            await self.intake.due()
            expected_s = loop.time() + TICK_S

    # ---- configuration

    def reload(self) -> list[str]:
        """Put the parts of the file that may change while running in force; the rest is named."""
        try:
            fresh = self._load()
        except ConfigError as error:
            self.metrics.set(m.CONFIG_RELOAD, (), 0.0)
            problems = [render(p) for p in error.problems]
            logger.warning("reload failed, the old configuration stays: %s", "; ".join(problems))
            return problems
        old = self._config
        fixed = ("listen", "destinations", "runs", "metrics", "log", "port_offset", "storage")
        changed = [name for name in fixed if getattr(fresh, name) != getattr(old, name)]
        self._config = replace(fresh, **{name: getattr(old, name) for name in fixed})
        prices = pricing(self._config.prices)
        self.pipeline.replace(directory(self._config), reader(self._config), prices)
        self._log_warnings()
        self.metrics.set(m.CONFIG_RELOAD, (), 1.0)
        if changed:
            logger.warning("reloaded; a restart is needed for: %s", ", ".join(changed))
        else:
            logger.info("reloaded configuration revision %s", fresh.revision)
        return []

    def _log_warnings(self) -> None:
        for problem in self._config.warnings:
            logger.warning("%s", render(problem))

    # ---- what others see

    def refresh(self) -> int:
        """Bring all gauges up to date; gives the time, unix ns."""
        now_ns = self.now_ns()
        self._recorder.objectives(self.pipeline.verdicts.directory)
        self._drift_gauges.update(self.pipeline.verdicts.watch)
        self._gauges.update((self.grpc.answers, self.http.answers), now_ns)
        for name, one in {**self._gates, "grpc": self.grpc.guard, "http": self.http.guard}.items():
            if one is not None:
                self._gauges.denied(name, one.denied, now_ns)
        if self._storage is not None:
            self._gauges.ledger(*self._storage.ledger_rows, now_ns)
            self._storage.refresh()
        self.roles.refresh(self.metrics, self.dispatcher, now_ns)
        self._operations.look(now_ns)
        self._operations.relearn(self.pipeline.verdicts.watch)
        self._operations.show(self.metrics, self._recent.environments(), now_ns)
        self.stall.show(self.metrics)
        return now_ns

    @asynccontextmanager
    async def committed(self) -> AsyncIterator[int]:
        """All values up to date and none that a crash could take back, until the block ends;
        gives the time, unix ns.
        """
        keeper = self.intake.keeper
        if keeper is None:
            yield self.refresh()
            return
        async with keeper.lock:
            now_ns = self.refresh()
            # Ended zero holds are committed before they are shown.
            self.metrics.refresh(now_ns)
            await keeper.flush()
            yield now_ns

    def readiness(self) -> tuple[bool, dict[str, object]]:
        """Ready while spans are taken; lists what is not as promised."""
        own = {stage for stage in ("read", "close") if self.pipeline.tally[f"{stage}_error"]}
        lowered = sorted(own | set(self.intake.tally))
        full = [d.name for d in self.dispatcher.destinations if not d.room(1)]
        detail: dict[str, object] = {
            "ready": not self._stopping,
            "analysis_errors": lowered,
            "full_destinations": full,
            "forwards": [d.name for d in self.dispatcher.destinations],
            "journal": self._storage.trouble if self._storage else "",
            "ledger": self._storage.ledger_trouble if self._storage else "",
            "operations": self._operations.trouble,
            **self.roles.trouble,
        }
        return not self._stopping, detail

    def view(self, environment: str = "", *, refresh: bool = True, agent: str = "") -> View:
        """What the page shows of an environment, or of all; of one agent in full."""
        now_ns, verdicts = self.now_ns(), self.pipeline.verdicts
        return View(
            now_ns=now_ns,
            started_ns=self._start_wall_ns,
            agents=overview.agents(self._recent, verdicts, self._operations.picture, now_ns, agent),
            runs=tuple(self._recent.runs),
            open_traces=self.pipeline.assembler.open_traces,
            notes=self.roles.notes or (() if self.dispatcher.destinations else (TAP,)),
            trace_url=self._config.page.trace_url,
            environment=environment,
            refresh=refresh,
        )

    async def feedback(self, body: bytes) -> None:
        """Take one judgement of a run, and keep it; raises `FeedbackError`."""
        about, evaluation = feedback.read(body)
        now_ns = self.now_ns()
        self.intake.happen(self.pipeline.heard.judgement(about, evaluation, now_ns), now_ns)
        await self.intake.kept()

    async def records(self, body: bytes) -> dict[str, object]:
        """Take what processors tell their evaluator; raises `LookupError` where this is none."""
        return await self.roles.take(body, self.intake)

    def drift(self) -> dict[str, object]:
        """How every agent drifts."""
        return drift_report(self.pipeline.verdicts.watch, self.now_ns())

    async def alerts(self, body: bytes) -> dict[str, object]:
        """Take a webhook of Alertmanager; raises `AlertError`, or `NoOperations`."""
        return await self._operations.take(body, self.now_ns())

    def flags(self) -> tuple[Mapping[str, Any], int]:
        """The flags in force, and the time in unix seconds; raises `NoOperations`."""
        now_ns = self.now_ns()
        self._operations.look(now_ns)
        return self._operations.flags(), now_ns // 1_000_000_000

    def doctor(self) -> dict[str, object]:
        """What the spans seen so far lack."""
        return coverage_report(self._recent.coverage)

    def seen(self) -> dict[str, object]:
        """What each agent was seen to do, for a first agent file."""
        return {"agents": [agent.as_json() for agent in self._recent.seen.agents()]}

    def explain(self, run_id: str) -> dict[str, object] | None:
        """Why a recent run got its outcome; None where it is not remembered."""
        return self._recent.explain(run_id)

    def _summary(self) -> str:
        parts = [
            f"spans_received={self.intake.spans_received}",
            f"runs={sum(r.outcomes.total() for r in self._recent.agents.values())}",
        ]
        parts += [f"{d.name}: {self._gauges.account(d)}" for d in self.dispatcher.destinations]
        return " ".join(parts)
