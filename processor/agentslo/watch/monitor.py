"""One agent in one environment: from learning a baseline to saying what drifted.

In: observations in the order runs end. Out: `Drifted` whenever a feature's state changes. State:
the open slice, two windows (one, and seven of it for slow movers), detectors, each feature's
standing; all bounded (`slices`). The clock is the latest end of a run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from agentslo.config.options import DriftOptions
from agentslo.watch import windows
from agentslo.watch.attribution import Circumstances, attribute
from agentslo.watch.baseline import NOVELTY, WORDING, Baseline
from agentslo.watch.changes import Changes
from agentslo.watch.counts import bonferroni_z, z_of_evidence
from agentslo.watch.features import Family, Shape, feature
from agentslo.watch.learning import MIN_REQUESTS, Learning, calibrate
from agentslo.watch.novelty import BINS, HIGH, NoveltyIndex, References
from agentslo.watch.observe import Observed
from agentslo.watch.online import Online
from agentslo.watch.plugins import installed
from agentslo.watch.slices import Bounds, Tally, Window
from agentslo.watch.state import Drifted, DriftState, Finding, Severity, Standing
from agentslo.watch.wording import Wording

NS = 10**9
SLOW = 7
"""The long window, in windows: a week of days."""
MAX_SLICES = 1_000
MOVED_Z = 2.6
"""From which deviate on another feature may explain a change: its chance is 1 in 200."""
LEVER_Z = 2.33
"""From which on outcomes count as worse, where that decides the lever."""
MIN_RECENT = 20
"""Fewer runs since a change began say nothing of where it is."""
TESTS_AT_BASE_Z = 40
"""Above so many tests the threshold rises (methods.md 3.5)."""


class Monitor:
    """Watches one agent. `heavy`: its failures cost enough that drift alone makes a ticket."""

    def __init__(
        self, agent: str, environment: str, options: DriftOptions, *, heavy: bool = False
    ) -> None:
        self.agent, self.environment = agent, environment
        self._options, self._heavy = options, heavy
        self._bounds, self._changes = Bounds(), Changes()
        self._learning: Learning | None = Learning(options)
        self.baseline: Baseline | None = None
        self._index: NoveltyIndex | None = None
        self._wording: Wording | None = None
        self._online: Online | None = None
        self._references = References()
        self._open = Tally()
        span_ns = int(options.window_s * NS)
        most = 1 if options.slice_runs else MAX_SLICES
        self.window = Window(span_ns=span_ns, max_slices=most)
        self._slow = Window(span_ns=SLOW * span_ns, max_slices=most * SLOW)
        self.standings: dict[str, Standing] = {}
        self.tested_ns = 0
        """When windows were last tested."""
        self._tested = False

    @property
    def scores(self) -> bool:
        """Whether requests can be scored: their baseline is learnt."""
        return self._index is not None

    @property
    def learnt(self) -> int:
        """Runs of the baseline so far."""
        learning, frozen = self._learning, self.baseline
        return learning.tally.runs if learning else frozen.tally.runs if frozen else 0

    @property
    def learnt_since_ns(self) -> int:
        """When what it compares with, or still learns, began; 0 before the first run."""
        tally = self._learning.tally if self._learning else None
        return tally.start_ns if tally else self.baseline.tally.start_ns if self.baseline else 0

    @property
    def worst(self) -> tuple[str, float] | None:
        """The feature with the largest deviate now; None before the first test."""
        tested = {n: s.z for n, s in self.standings.items() if s.samples}
        return max(tested.items(), key=lambda pair: pair[1], default=None)

    def anew(self) -> "Monitor":
        """A monitor of the same agent that has learnt nothing."""
        return Monitor(self.agent, self.environment, self._options, heavy=self._heavy)

    # ---- runs

    def novelty(self, request: bytes) -> float | None:
        """How unlike the baseline's requests one is, 0 to 1; None where that is not known."""
        return self._index.score(request) if self._index is not None and request else None

    def placed(self, observed: Observed, novelty: float | None) -> Observed:
        """A run within the bounds, with the bin of its request's novelty."""
        observed = self._bounds.admit(observed)
        if novelty is not None and self._index is not None:
            place = self._index.bin(novelty)
            high = (windows.FOREIGN,) if place >= HIGH else ()
            observed = replace(
                observed,
                bins={**observed.bins, NOVELTY: BINS[place]},
                segments=(*observed.segments, *high),
            )
        return observed

    def take_tested(self) -> bool:
        """Whether windows were tested since this was last asked."""
        tested, self._tested = self._tested, False
        return tested

    def observe(self, observed: Observed) -> Iterator[Drifted]:
        """Take one run, placed."""
        if self._is_over(observed.time_ns):
            yield from self._close_slice(observed.time_ns)
        self._changes.note(observed)
        self._open.add(observed)
        if self._learning is not None:
            self._learning.add(observed)
            yield from self._introduce(observed)
        elif self._online is not None:
            self._hear(observed)
            for name, log_e in self._online.step(observed).items():
                yield from self._alarm(name, z_of_evidence(log_e), observed.time_ns)
        slice_runs = self._options.slice_runs
        if slice_runs and self._open.runs >= slice_runs:
            yield from self._close_slice(observed.time_ns)
        if self._learning is not None and self._learning.complete:
            yield from self.freeze(observed.time_ns)

    def use(self, baseline: Baseline) -> None:
        """Compare with this baseline from now on; requests are learnt anew."""
        self.baseline, self._learning = baseline, None
        self._online = Online(self._options, baseline, self._index)
        self.standings = {name: Standing() for name in baseline.tally.names()}

    def _know(self, requests: Sequence[bytes]) -> None:
        """Compare requests with these from now on."""
        if len(requests) < MIN_REQUESTS:
            return
        least_s = 0.0 if self._options.slice_runs else self._options.window_s
        self._index = NoveltyIndex(requests)
        self._wording = Wording(requests, int(least_s * NS))

    def _hear(self, observed: Observed) -> None:
        """What a person asked; learnt anew where the baseline came from a file."""
        if not observed.request or self.baseline is None:
            return
        if self._wording is not None:
            self._wording.add(observed.request, observed.time_ns)
            return
        self._references.add(observed.request)
        if self._references.seen < max(MIN_REQUESTS, self._options.baseline_runs):
            return
        self._know(self._references.requests)
        if self._index is None:
            return
        calibrate(self.baseline.tally, self._index)
        self._online = Online(self._options, self.baseline, self._index)
        self.standings[NOVELTY] = Standing()

    def freeze(self, now_ns: int) -> Iterator[Drifted]:
        """End learning: what was seen so far is the baseline."""
        if self._learning is None:
            return
        learnt, before = self._learning, self.standings
        self._know(learnt.references.requests)
        self.use(learnt.freeze(self.agent, self.environment, self._index))
        # Slices that the baseline was learnt from are no evidence against it.
        self._open = Tally()
        self.window, self._slow = self.window.emptied(), self._slow.emptied()
        for name, standing in self.standings.items():
            if before.get(name, Standing()).state is not DriftState.NONE:
                yield self._said(name, standing, now_ns)

    def _introduce(self, observed: Observed) -> Iterator[Drifted]:
        if self._learning is None or self._learning.tally.runs < self._options.watch_runs:
            return
        for name in observed.bins:
            if name not in self.standings:
                self.standings[name] = standing = Standing(state=DriftState.LEARNING)
                yield self._said(name, standing, observed.time_ns)

    # ---- slices

    def _is_over(self, now_ns: int) -> bool:
        if self._options.slice_runs or not self._open.runs:
            return False
        return now_ns - self._open.start_ns >= self._options.slice_s * NS

    def _close_slice(self, now_ns: int) -> Iterator[Drifted]:
        closed, self._open = self._open, Tally()
        self.window.push(closed)
        self._slow.push(closed.without_segments())
        if self._wording is not None:
            self._wording.close(now_ns)
        base = self.baseline.tally if self.baseline else self._learnt_before()
        if base is not None:
            yield from self._test(base, now_ns)

    def _learnt_before(self) -> Tally | None:
        """What was learnt before this window, where that is enough to watch by."""
        if self._learning is None:
            return None
        if self._learning.tally.runs - self.window.total.runs < self._options.watch_runs:
            return None
        before = Tally()
        before.merge(self._learning.tally)
        before.merge(self.window.total, -1)
        return before

    def _test(self, base: Tally, now_ns: int) -> Iterator[Drifted]:
        """Hold the newest window, and the long one, against the baseline."""
        least, self.tested_ns = self._options.min_window_runs, now_ns
        self._tested = True
        others = installed()
        found = windows.deviates(self.window.total, base, least, others)
        slow = windows.deviates(self._slow.total, base, least, others) if self.baseline else {}
        for name, (z, runs) in slow.items():
            if name not in found or z > found[name][0]:
                found[name] = z, runs
        if self._wording is not None and (shift := self._wording.found()) is not None:
            found[WORDING] = shift.z, shift.requests
        tests = len(found) * 2 * (1 + len(others.detectors))
        rise = bonferroni_z(self._options.z_drift, tests // 4) - self._options.z_drift
        for name, (z, runs) in found.items():
            standing = self.standings.setdefault(name, Standing())
            standing.held = max(0, standing.held - 1)
            standing.z, standing.samples = z, runs
            lift = rise if tests > TESTS_AT_BASE_Z else 0.0
            yield from self._enter(name, self._state(standing, z - lift), base, now_ns)

    def _state(self, standing: Standing, z: float) -> DriftState:
        options = self._options
        if self._learning is not None:
            return DriftState.WATCH if z >= options.z_drift else DriftState.LEARNING
        if z >= options.z_drift:
            return DriftState.DRIFT
        if standing.state is DriftState.DRIFT and (z >= options.z_watch or standing.held):
            return DriftState.DRIFT
        return DriftState.WATCH if z >= options.z_watch else DriftState.NONE

    def _alarm(self, name: str, z: float, now_ns: int) -> Iterator[Drifted]:
        """An online detector has seen enough."""
        if self.baseline is None:
            return
        standing = self.standings.setdefault(name, Standing())
        standing.held = len(list(self.window)) + 2
        standing.z = max(z, standing.z)
        standing.samples = self.window.total.of(name).total() + self._open.of(name).total()
        yield from self._enter(name, DriftState.DRIFT, self.baseline.tally, now_ns)

    def _enter(self, name: str, state: DriftState, base: Tally, now_ns: int) -> Iterator[Drifted]:
        standing = self.standings[name]
        if standing.state is state:
            return
        standing.state = state
        shows = state in (DriftState.WATCH, DriftState.DRIFT)
        standing.finding = self._finding(name, base, state) if shows else None
        yield self._said(name, standing, now_ns)

    def _said(self, name: str, standing: Standing, now_ns: int) -> Drifted:
        learnt = self._learning.tally.of(name).total() if self._learning else 0
        learning = standing.state is DriftState.LEARNING
        return Drifted(
            time_ns=now_ns,
            agent=self.agent,
            environment=self.environment,
            feature=name,
            state=standing.state,
            z=standing.z,
            samples=learnt if learning else standing.samples,
            needed=self._options.baseline_runs if learning else 0,
            finding=standing.finding,
        )

    # ---- what, where, reversible by

    def _finding(self, name: str, base: Tally, state: DriftState) -> Finding:
        slices = [*self._slow, self._open] if self._open.runs else list(self._slow)
        since_ns = windows.since_ns(name, slices, base)
        if name == WORDING and self._wording and (shift := self._wording.found()):
            since_ns = shift.start_ns
        recent = self._since(since_ns)
        tops = windows.top_bins(name, recent, base) if name != WORDING else ()
        risen = tops[0][0] if tops else ""
        worse_z = windows.worse_z(name, risen, recent, base)
        moved = self._moved(name, recent, base)
        about = Circumstances(
            changes=self._changes.about(since_ns, self._lookback_ns(slices)),
            moved=moved,
            worse=worse_z > LEVER_Z,
        )
        return Finding(
            bin=risen,
            bins=tops,
            segment=windows.carriers(name, recent, base),
            since_ns=since_ns,
            attribution=attribute(name, about),
            severity=self._severity(name, state, worse=worse_z > 1.0),
        )

    def _since(self, since_ns: int) -> Tally:
        """The runs of the window from the change on; of the whole window where those are few."""
        late, every = Tally(), Tally()
        for one in (*self.window, self._open):
            every.merge(one)
            if one.start_ns >= since_ns:
                late.merge(one)
        return late if late.runs >= MIN_RECENT else every

    def _moved(self, name: str, recent: Tally, base: Tally) -> Mapping[str, float]:
        """Other features that moved about now."""
        least = min(self._options.min_window_runs, recent.runs)
        found = windows.deviates(recent, base, least)
        return {n: z for n, (z, _) in found.items() if n != name and z >= MOVED_Z}

    def _lookback_ns(self, slices: list[Tally]) -> int:
        if not self._options.slice_runs:
            return int(self._options.window_s * NS)
        return 2 * max((s.end_ns - s.start_ns for s in slices), default=0)

    def _severity(self, name: str, state: DriftState, *, worse: bool) -> Severity:
        if state is not DriftState.DRIFT:
            return Severity.WATCH
        known = feature(name)
        if known.family is Family.OUTCOME and known.shape is Shape.RATE:
            return Severity.PAGE
        return Severity.TICKET if worse or self._heavy else Severity.WATCH
