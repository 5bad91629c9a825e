"""A closed run with its verdict as bytes, and back: in the journal, and on the way to an evaluator.

In: a `Judged`; or bytes, and who judges. Out: the other. No state. The verdict itself is not
written: the run is judged again, and the outcome, evidence and results it had are laid over it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from agentslo.model import Evaluation, Evidence, Outcome, SloResult, Verdict
from agentslo.runs.evidence import Judged
from agentslo.runs.rows import pack_run, unpack_run
from agentslo.runs.steps import StepError
from agentslo.service.verdicts import Verdicts

About = dict[str, Any]


def pack_judged(judged: Judged, **more: object) -> bytes:
    """The run and what was said of it. `more`: JSON values beside it."""
    verdict = judged.verdict
    about = {
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "evidence": int(verdict.evidence),
        "slos": dict(verdict.slos),
        "closed_ns": judged.closed_ns,
        "revision": judged.revision,
        "said": [asdict(e) for e in judged.evaluations],
        "replica": judged.replica,
        "parts": judged.parts,
        **more,
    }
    return parts([as_json(about), pack_run(judged.run)])


def unpack_judged(verdicts: Verdicts, body: bytes) -> tuple[Judged, About]:
    """The run as it was judged, and what stood beside it. Raises `StepError`."""
    try:
        head, packed = parted(body)
        about = json.loads(head)
        run, file = verdicts.identified(unpack_run(packed))
        said = [Evaluation(**row) for row in about["said"]]
        judged = Judged(
            run=run,
            verdict=_as_told(verdicts.judge(run, file, said), about),
            file=file,
            closed_ns=about["closed_ns"],
            revision=about["revision"],
            evaluations=said,
            replica=about.get("replica", ""),
            parts=about.get("parts", []),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StepError(f"no judged run: {error}") from error
    return judged, about


def _as_told(verdict: Verdict, about: Mapping[str, Any]) -> Verdict:
    """The verdict as it was given: agent files may say otherwise by now, counters do not."""
    return replace(
        verdict,
        outcome=Outcome(about["outcome"]),
        reason=about["reason"],
        evidence=Evidence(about["evidence"]),
        slos={name: SloResult(result) for name, result in about["slos"].items()},
    )


def as_json(value: object) -> bytes:
    """A value as short JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def parts(several: Iterable[bytes]) -> bytes:
    """Parts one behind the other, each with its length before it."""
    return b"".join(len(part).to_bytes(4, "little") + part for part in several)


def parted(body: bytes) -> list[bytes]:
    """The parts again."""
    found, at = [], 0
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "little")
        found.append(body[at + 4 : at + 4 + size])
        at += 4 + size
    return found
