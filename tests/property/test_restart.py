"""A restart at any moment changes no run and no counter, and lets no span go missing."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import strategies as some
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentslo.config.options import RunsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics
from agentslo.model import Evaluation
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import Request
from agentslo.runs.evidence import About
from agentslo.service.assembly import pipeline as pipeline_of
from agentslo.service.dispatch import Offer, Outgoing
from agentslo.service.events import Counted, Happening
from agentslo.service.keeper import Keeper
from agentslo.service.open_rows import OpenRows
from agentslo.service.recorder import Recorder
from agentslo.service.restore import restore
from agentslo.store.store import Store
from scenarios import tree

CONFIG = ServiceConfig(runs=RunsOptions(hold_max_s=5.0))
END_S = 3_000.0


class BackEnd:
    """A dispatcher to one destination that takes everything at once."""

    destinations: Sequence[object] = ()

    def __init__(self) -> None:
        self.spans: Counter[bytes] = Counter()

    def outgoing(self, happenings: list[Happening]) -> list[Outgoing]:
        released = [h for h in happenings if hasattr(h, "added")]
        return [Outgoing(destination="", payload=h.span.encoded, items=1) for h in released]

    def deliver(self, outgoing: list[Outgoing]) -> list[tuple[Outgoing, Offer]]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        for one in outgoing:
            self.spans[one.payload] += 1
        return [(one, Offer(None, future, Signal.TRACES, b"", 1)) for one in outgoing]


class World:
    """One process after the other on one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.back_end = folder, BackEnd()
        self.now_s, self.counted = 0.0, Counter()

    async def start(self) -> None:
        self.pipeline, self.metrics = pipeline_of(CONFIG), Metrics(CONFIG.metrics)
        self.store = Store(self.folder, 2**30, "normal")
        found = self.store.read()
        assert not found.trouble
        restored = restore(found, self.pipeline, self.metrics, self.now())
        assert not restored.useless
        # What had not arrived is sent again, here by hand: this back end has no name.
        self.back_end.deliver(restored.undelivered)
        self.store.start()
        rows = OpenRows(self.pipeline, int(CONFIG.runs.idle_s * 1e9))
        recorder = Recorder(self.metrics)
        self.keeper = Keeper(
            *(self.store, self.pipeline, self.metrics, self.back_end, rows),
            *(recorder.record, self.now),
        )
        await self.keeper.begin(())
        assert not self.keeper.trouble

    def now(self) -> int:
        return tree.at_ns(self.now_s)

    async def send(self, body: bytes) -> None:
        fed = self.pipeline.traces(body, self.now())
        for batch in Request(fed.request.join()).batches:
            for encoded in batch.items:
                self.back_end.spans[encoded] += 1
        kept = self.keeper.request(fed)
        if kept is not None:
            await kept

    async def wait(self, until_s: float, *, commit: bool) -> None:
        self.now_s = until_s
        happened = self.pipeline.due(self.now())
        if commit:
            await self.happen(happened)

    async def happen(self, happened: list[Happening]) -> None:
        self.keeper.happen(happened, self.now())
        await self.keeper.flush_now()
        self.counted.update(h.run.run_id for h in happened if isinstance(h, Counted))

    async def restart(self) -> None:
        self.store.stop(5)
        await self.start()

    async def judge(self, run_id: str, passed: bool) -> None:
        said = Evaluation(name="q", label="pass" if passed else "fail", id=f"{run_id}{passed}")
        await self.happen(self.pipeline.heard.judgement(About(run_id=run_id), said, self.now()))

    def exposed(self) -> list[bytes]:
        text = b"".join(render(self.metrics, tree.at_ns(2 * END_S), Format.TEXT))
        # What drift has learned is not in the journal, so what it observes may differ.
        spared = (b"agent_slo_processor_", b"agent_slo_drift_")
        return [line for line in text.splitlines() if not any(name in line for name in spared)]


async def lived(
    folder: Path, requests: list[bytes], restarts: set[int], judged: list[bool]
) -> World:
    """A life: requests, closes, judgements, and restarts at some of its moments."""
    world, moment = World(folder), 0
    await world.start()

    async def maybe_restart() -> None:
        nonlocal moment
        moment += 1
        if moment in restarts:
            await world.restart()

    for number, body in enumerate(requests):
        world.now_s = 8 + number * 0.01
        await world.send(body)
        await maybe_restart()
    for at_s in (13.5, 30.0, 900.0, 1_600.0, END_S):
        if moment + 1 in restarts:
            # A crash after runs closed in memory and before that was committed.
            await world.wait(at_s, commit=False)
        else:
            await world.wait(at_s, commit=True)
        await maybe_restart()
        await world.wait(at_s, commit=True)
    # A restart starts every wait anew: what waited at the last one is over by now.
    await world.wait(END_S + 1_000, commit=True)
    for passed, run_id in zip(judged, sorted(world.counted), strict=False):
        await world.judge(run_id, passed)
        await maybe_restart()
    await world.restart()
    world.store.stop(5)
    return world


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_a_restart_at_any_moment_changes_no_run_and_no_counter(data: st.DataObject) -> None:
    sent = data.draw(some.traces())
    requests = [tree.request(part) for part in data.draw(some.requests(sent))]
    restarts = data.draw(st.sets(st.integers(1, len(requests) + 6), max_size=4))
    judged = data.draw(st.lists(st.booleans(), max_size=3))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        calm = asyncio.run(lived(Path(one), requests, set(), judged))
        rough = asyncio.run(lived(Path(other), requests, restarts, judged))
    assert rough.counted == calm.counted
    assert rough.exposed() == calm.exposed()
    ids = set(calm.back_end.spans)
    assert len(rough.back_end.spans) == len(ids)


def test_a_clock_set_back_over_a_restart_keeps_no_run_open(tmp_path: Path) -> None:
    async def life() -> World:
        world = World(tmp_path)
        await world.start()
        world.now_s = 8.0
        await world.send(tree.request(tree.spans([{"agent": "support", "at": [0, 5]}])))
        world.now_s = -3_600.0
        await world.restart()
        await world.wait(-3_580.0, commit=True)
        world.store.stop(5)
        return world

    assert asyncio.run(life()).counted.total() == 1
