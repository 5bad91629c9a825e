"""Retraining on one storage directory: who may do what, and what is recorded of it.

In: who asks for what. Out: the request as it is then, or `Refused`. State: the decisions, the
ledger (read only), the folder `evidence`. A row is written before anything leaves this machine, so
a crash leaves each step done or not done, and what was not delivered is sent again.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentslo.respond import bundle_files, delivery, evaluation, outbound, retraining
from agentslo.respond.bundle_files import Detector, Golden
from agentslo.respond.delivery import Keys
from agentslo.respond.desk import Ask, Desk, Draft
from agentslo.respond.gates import RECORDED
from agentslo.respond.release_runs import Pair, comparison
from agentslo.respond.retraining import PREFIX, Request, Trigger
from agentslo.respond.rights import Actor, Refused, Right
from agentslo.respond.training_facts import (
    approvals_needed,
    event_id,
    pending,
    recorded,
    rollback_measured,
    writes,
)
from agentslo.store.decisions import Book, Decision
from agentslo.store.ledger import Ledger

EVIDENCE = "evidence"
_Step = Callable[[Request], Sequence[Draft]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What sending a request led to: targets that took it, and the others with the reason."""

    taken: tuple[str, ...]
    failed: Mapping[str, str]


class Training:
    """What is done with retraining requests."""

    def __init__(self, desk: Desk, ledger: Ledger | None, directory: Path) -> None:
        self._desk, self._ledger, self._directory = desk, ledger, directory

    # ---- looking

    def requests(self, now_ns: int) -> list[Request]:
        """All of them, oldest first."""
        return retraining.fold_all(self._desk.decisions.rows(kind="retrain."), now_ns)

    def request(self, ident: str, now_ns: int) -> Request:
        """One; raises `Refused` where there is none."""
        return _request(self._desk.decisions.rows(subject=f"{PREFIX}{ident}"), ident, now_ns)

    # ---- asking

    def propose(
        self,
        actor: Actor,
        trigger: Trigger,
        detector: Detector,
        golden: Sequence[Golden],
        *,
        window_ns: int,
        now_ns: int,
    ) -> Request:
        """A new request with its evidence; raises `NoEvidence` where there is none."""
        name = f"{now_ns}-{trigger.key}"
        folder = self._directory / EVIDENCE / name
        digest = bundle_files.write(
            folder, self.ledger, trigger, detector, golden, window_ns=window_ns, now_ns=now_ns
        )
        needs = approvals_needed(trigger, self._desk.file_of(trigger.agent))

        def rule(book: Book) -> Sequence[Draft]:
            before = retraining.fold_all(book.rows(kind="retrain."), now_ns)
            return retraining.proposed(
                before, trigger, needs=needs, bundle_sha256=digest, bundle=name, now_ns=now_ns
            )

        ask = Ask(
            actor=actor,
            right="report",
            agent=trigger.agent,
            subject="retrain",
            wants="retrain propose",
        )
        try:
            made = self._desk.take(ask, now_ns, rule)
        except Refused:
            shutil.rmtree(folder)
            raise
        return retraining.fold(made[-1:], now_ns)

    def approve(self, actor: Actor, ident: str, now_ns: int) -> Request:
        """One approval; a policy change is for whoever may change prompts and policies."""
        kind = self.request(ident, now_ns).kind
        right: Right = "prompts" if kind == "policy" else "retraining"
        return self._take(
            actor, right, ident, "approve", now_ns, lambda r: retraining.approved(r, actor.name)
        )

    def reject(self, actor: Actor, ident: str, reason: str, now_ns: int) -> Request:
        """Not to be done."""
        return self._take(
            actor, "retraining", ident, "reject", now_ns, lambda r: retraining.rejected(r, reason)
        )

    # ---- telling the pipeline

    def dispatch(
        self, actor: Actor, ident: str, targets: Sequence[str], keys: Keys, now_ns: int
    ) -> Delivered:
        """Record that a request goes out, then send it."""
        for target in targets:
            delivery.check_target(target, keys)

        def step(request: Request) -> Sequence[Draft]:
            wrong = bundle_files.check(self.bundle(request), request.bundle_sha256)
            if wrong:
                raise Refused(f"the evidence of retrain/{ident}: {'; '.join(wrong)}")
            return retraining.dispatched(request, event_id(request), targets)

        self._take(actor, "retraining", ident, "dispatch", now_ns, step)
        return self.deliver(ident, keys, now_ns)

    def deliver(self, ident: str, keys: Keys, now_ns: int) -> Delivered:
        """Send a dispatched request to the targets that have not taken it yet."""
        request = self.request(ident, now_ns)
        taken: list[str] = []
        failed: dict[str, str] = {}
        for target, time_ns in pending(request).items():
            delivery.check_target(target, keys)
            found = delivery.event(request, event_id(request), time_ns)
            why = outbound.send(delivery.http_request(target, found, keys, now_ns))
            if why:
                failed[target] = why
                continue
            self._note(request, "retrain.delivered", {"target": target}, now_ns)
            taken.append(target)
        return Delivered(taken=tuple(taken), failed=failed)

    # ---- what came of it

    def record(self, actor: Actor, ident: str, raw: bytes, now_ns: int) -> evaluation.Judged:
        """Take in a report of evaluations; recorded whatever it is found to be."""
        try:
            report = json.loads(raw)
            if not isinstance(report, dict):
                raise TypeError("no object")
        except (ValueError, TypeError, RecursionError) as error:
            raise Refused(f"the report is no JSON object: {error}") from error
        request = self.request(ident, now_ns)
        judged = evaluation.judge(
            report,
            f"{PREFIX}{ident}",
            request.bundle_sha256,
            writes=writes(self._desk.file_of(request.agent)),
        )
        body = recorded(report, judged)
        digest = hashlib.sha256(raw).hexdigest()
        self._take(
            actor,
            "report",
            ident,
            "record-eval",
            now_ns,
            lambda r: retraining.evaluated(r, digest, body),
        )
        return judged

    def canary(
        self, actor: Actor, ident: str, stable: str, release: str, share_ratio: float, now_ns: int
    ) -> Request:
        """Let the evaluated release meet some of the traffic."""
        return self._take(
            actor,
            "rollout",
            ident,
            "canary",
            now_ns,
            lambda r: retraining.canary(
                r,
                stable=stable,
                release=release,
                share_ratio=share_ratio,
                budget=self._budget(r),
            ),
        )

    def compare(self, actor: Actor, ident: str, now_ns: int) -> Request:
        """Compare the canary with the stable release, and record what that showed."""

        def step(request: Request) -> Sequence[Draft]:
            if request.canary is None or request.state != "canary":
                raise Refused(f"retrain/{ident} is {request.state}: it has no canary to compare")
            pair = Pair(
                agent=request.agent,
                environment=request.environment,
                stable=request.canary["stable"],
                canary=request.canary["release"],
                since_ns=request.moved_ns,
            )
            return retraining.compared(request, comparison(self.ledger, pair, now_ns))

        return self._take(actor, "report", ident, "compare", now_ns, step)

    def promote(self, actor: Actor, ident: str, now_ns: int) -> Request:
        """Make the canary the release."""

        def step(request: Request) -> Sequence[Draft]:
            return retraining.promoted(request, actor.name, self._budget(request))

        return self._take(actor, "rollout", ident, "promote", now_ns, step)

    def roll_back(self, actor: Actor, ident: str, reason: str, now_ns: int) -> Request:
        """Back to the stable release; on-call may, as it may contain."""
        return self._take(
            actor, "contain", ident, "rollback", now_ns, lambda r: retraining.rolled_back(r, reason)
        )

    def measure_rollback(self, actor: Actor, ident: str, now_ns: int) -> Request:
        """Whether the runs of the canary ended, and after how many seconds."""

        def step(request: Request) -> Sequence[Draft]:
            return retraining.rollback_measured(
                request, rollback_measured(self.ledger, request, now_ns)
            )

        return self._take(actor, "report", ident, "measure", now_ns, step)

    # ---- inside

    @property
    def ledger(self) -> Ledger:
        """The ledger; raises `Refused` without one."""
        if self._ledger is None:
            raise Refused("there is no ledger in the storage directory: run `agentslo run` first")
        return self._ledger

    def bundle(self, request: Request) -> Path:
        """The folder of a request's evidence."""
        return self._directory / EVIDENCE / request.bundle

    def _budget(self, request: Request) -> str:
        """The error budget's state as the gate found it last; normal where it was never asked."""
        asked = self._desk.decisions.rows(kind=RECORDED, agent=request.agent)
        states = [r.body["state"] for r in asked if r.body["environment"] == request.environment]
        return str(states[-1]) if states else "normal"

    def _take(
        self, actor: Actor, right: Right, ident: str, wants: str, now_ns: int, step: _Step
    ) -> Request:
        subject = f"{PREFIX}{ident}"
        known = self.request(ident, now_ns)
        ask = Ask(
            actor=actor,
            right=right,
            agent=known.agent,
            subject=subject,
            wants=f"retrain {wants}",
        )
        self._desk.take(
            ask, now_ns, lambda book: step(_request(book.rows(subject=subject), ident, now_ns))
        )
        return self.request(ident, now_ns)

    def _note(self, request: Request, kind: str, body: Mapping[str, Any], now_ns: int) -> None:
        """What happened by itself, after a person decided it."""
        machine = Actor(name="agentslo", roles=("machine",), verified=True)
        subject = f"{PREFIX}{request.id}"
        ask = Ask(
            actor=machine, right="report", agent=request.agent, subject=subject, wants="deliver"
        )
        self._desk.take(ask, now_ns, lambda _: [Draft(kind=kind, subject=subject, body=body)])


def _request(rows: Sequence[Decision], ident: str, now_ns: int) -> Request:
    if not rows or rows[0].kind != "retrain.proposed":
        raise Refused(f"there is no retrain/{ident}")
    return retraining.fold(rows, now_ns)
