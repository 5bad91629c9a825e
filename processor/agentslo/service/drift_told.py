"""How every agent drifts, as `GET /api/v1/drift` tells it; and a processor that asks for it.

In: the `Watch` of an evaluator; or its address. Out: a JSON object; or what was told, in `Remote`.
State: one session and when it was told last. Unknown is absent, never 0.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp

from agentslo.config.evaluator_options import EvaluatorOptions
from agentslo.config.transport import TlsOptions
from agentslo.otlp.tls import client_context
from agentslo.service.report import rfc3339
from agentslo.watch.monitor import Monitor
from agentslo.watch.remote import Remote, Told
from agentslo.watch.state import DriftState
from agentslo.watch.watch import Watch

logger = logging.getLogger(__name__)

DRIFT_PATH = "/api/v1/drift"
TIMEOUT_S = 10.0
MAX_BYTES = 16 * 1024 * 1024
NS = 10**9


def drift_report(watch: Watch | Remote | None, now_ns: int) -> dict[str, object]:
    """Every agent's drift: what `/api/v1/drift` answers."""
    monitors = watch.monitors.values() if watch is not None else ()
    return {"time": rfc3339(now_ns), "agents": [_agent(one) for one in monitors]}


def _agent(monitor: Monitor) -> dict[str, object]:
    worst = monitor.worst
    return {
        "agent": monitor.agent,
        "environment": monitor.environment,
        "tested": rfc3339(monitor.tested_ns) if monitor.tested_ns else None,
        "tested_unix_s": monitor.tested_ns / NS if monitor.tested_ns else None,
        "learnt_runs": monitor.learnt,
        "worst": {"feature": worst[0], "z": round(worst[1], 3)} if worst else None,
        "features": [_feature(monitor, name) for name in sorted(monitor.standings)],
    }


def _feature(monitor: Monitor, name: str) -> dict[str, object]:
    standing = monitor.standings[name]
    found: dict[str, object] = {
        "feature": name,
        "state": DriftState(standing.state).label,
        "z": round(standing.z, 3) if standing.samples else None,
        "samples": standing.samples,
    }
    if standing.finding is not None:
        why = standing.finding.attribution
        found |= {
            "bin": standing.finding.bin,
            "segment": standing.finding.segment,
            "since": rfc3339(standing.finding.since_ns),
            "cause": why.cause,
            "reversible_by": str(why.reversible_by),
        }
    return found


def told_in(answer: dict[str, Any]) -> list[Told]:
    """What an answer tells of each agent. Raises `KeyError`, `TypeError` or `ValueError`."""
    return [
        Told(
            agent=str(row["agent"]),
            environment=str(row["environment"]),
            feature=str(row["worst"]["feature"]),
            z=float(row["worst"]["z"]),
            tested_ns=int(float(row["tested_unix_s"]) * NS),
        )
        for row in answer["agents"]
        if row["worst"] and row["tested_unix_s"]
    ]


class DriftAsker:
    """Asks an evaluator now and then. Owned by the event loop."""

    def __init__(self, options: EvaluatorOptions, remote: Remote, now: Callable[[], int]) -> None:
        self._options, self._remote, self._now = options, remote, now
        tls = options.tls or TlsOptions()
        self._ssl = client_context(tls) if options.endpoint.startswith("https:") else True
        self._task: asyncio.Task[None] | None = None
        self.trouble = ""

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._run(), name="drift")

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                trouble = await self._ask(session)
                if trouble != self.trouble:
                    logger.warning("drift of the evaluator: %s", trouble or "told again")
                    self.trouble = trouble
                await asyncio.sleep(self._options.drift_s)

    async def _ask(self, session: aiohttp.ClientSession) -> str:
        """Ask once; why nothing was told, or ""."""
        url = self._options.endpoint.rstrip("/") + DRIFT_PATH
        try:
            async with session.get(
                url, headers=dict(self._options.headers), ssl=self._ssl, allow_redirects=False
            ) as response:
                if response.status != 200:
                    return f"answers {response.status}"
                self._remote.told(told_in(await response.json()), self._now())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return f"does not answer: {type(error).__name__}"
        except (KeyError, TypeError, ValueError):
            return "does not answer as an evaluator does"
        return ""
