"""What a processor tells its evaluator: closed runs, turns of conversations, words about runs.

In: `Happening`s. Out: frames as bytes, to be put one behind the other; a sender for them. State:
why the evaluator does not take them now. The format is described in docs/scale-out.md. Nothing in a
record is content: a run is packed as the journal packs it.
"""

import logging
import secrets
import struct
from collections.abc import Iterator
from dataclasses import asdict
from enum import IntEnum

from agentslo.config.transport import DestinationOptions
from agentslo.model import Run
from agentslo.otlp.answer import Signal
from agentslo.otlp.send import SendCode, SendResult
from agentslo.otlp.send_http import HttpSender
from agentslo.runs.evidence import Judged
from agentslo.runs.rows import pack_run
from agentslo.runs.steps import StepError
from agentslo.service.access import RECORDS_TYPE
from agentslo.service.events import Counted, Happening, Said, Turn
from agentslo.service.judged_bytes import as_json, pack_judged, parts
from agentslo.service.pipeline import Pipeline
from agentslo.service.roles import EVALUATOR_NAME

logger = logging.getLogger(__name__)

RECORDS_PATH = "/v1/records"
HEAD = struct.Struct("<4sBI")
"""Magic, kind, length of the body behind it."""
MAGIC = b"asr1"
RECORD = Signal.LOGS
"""The signal that records have in queues and spill logs, where no logs go."""


class Kind(IntEnum):
    """What a frame holds."""

    RUN = 1
    TURN = 2
    SAID = 3


def frame(kind: Kind, body: bytes) -> bytes:
    """One record."""
    return HEAD.pack(MAGIC, kind, len(body)) + body


def frames(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each record. Raises `StepError` where the next cannot be found."""
    at = 0
    while at < len(body):
        start = at + HEAD.size
        magic, kind, size = HEAD.unpack(body[at:start].ljust(HEAD.size, b"\0"))
        at = start + size
        if magic != MAGIC or at > len(body):
            raise StepError("no record")
        yield kind, body[start:at]


class Records:
    """Happenings as records. `replica` names this life of this process; `name`: the destination."""

    name = EVALUATOR_NAME

    def __init__(self, pipeline: Pipeline, replica: str = "") -> None:
        self._pipeline, self.replica = pipeline, replica or secrets.token_hex(6)

    def of(self, happening: Happening) -> bytes:
        """The record of what happened; empty where an evaluator need not know."""
        if isinstance(happening, Counted):
            return frame(Kind.RUN, self._run(happening))
        if isinstance(happening, Turn):
            habits = as_json({"habits": self._habits(happening.run)})
            return frame(Kind.TURN, parts([habits, self._packed(happening.run)]))
        if isinstance(happening, Said):
            about = asdict(happening.about) | {"span_id": happening.about.span_id.hex()}
            return frame(Kind.SAID, as_json([about, asdict(happening.evaluation)]))
        return b""

    def _run(self, counted: Counted) -> bytes:
        run, known = counted.run, self._pipeline.verdicts.evidence.of(counted.run.run_id)
        judged = Judged(
            run=run,
            verdict=counted.verdict,
            file=counted.file,
            closed_ns=known.closed_ns if known else run.end_ns,
            evaluations=known.evaluations if known else [],
            replica=self.replica,
        )
        packed = pack_judged(judged, counted=not counted.waits, habits=self._habits(run))
        self._forget(run)
        return packed

    def _packed(self, run: Run) -> bytes:
        packed = pack_run(run)
        self._forget(run)
        return packed

    def _forget(self, run: Run) -> None:
        """Drop the packed steps, unless a journal will ask for them next."""
        if not self._pipeline.changes.watched:
            for step in run.steps:
                step.record = b""

    def _habits(self, run: Run) -> list[tuple[str, str, str]]:
        """What the run's scopes were seen to do: rules that conclude from absence ask for it."""
        shows, scopes = self._pipeline.senders.shows, {step.scope for step in run.steps}
        told = ((what, scope) for scope in scopes for what in ("tools", "answers"))
        return sorted((what, s.name, s.version) for what, s in told if shows(what, s))


class RecordSender:
    """Posts records. What the evaluator refuses is kept and sent again: a wrong token or an older
    program is mended by people, and the records are wanted then.
    """

    def __init__(self, options: DestinationOptions) -> None:
        self._sender = HttpSender(options, {RECORD: RECORDS_PATH}, RECORDS_TYPE)
        self.trouble = ""

    async def send(self, signal: Signal, body: bytes, timeout_s: float) -> SendResult:
        """One try."""
        result = await self._sender.send(signal, body, timeout_s)
        trouble = "" if result.code is SendCode.OK else result.reason
        if trouble != self.trouble:
            said = f"does not take records: {trouble}" if trouble else "takes records again"
            logger.warning("the evaluator %s", said)
            self.trouble = trouble
        if result.code in (SendCode.OK, SendCode.TOO_LARGE):
            return result
        return SendResult(code=SendCode.RETRY, reason=trouble, retry_after_s=result.retry_after_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.close()
