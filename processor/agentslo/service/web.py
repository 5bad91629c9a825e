"""The two HTTP sides for people and scrapers: metrics and health on one port, the page on another.

In: requests. Out: exposition, health, the page and its JSON. State: none. All values are read from
the service when asked.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from aiohttp import web

from agentslo.config.options import WebOptions
from agentslo.measure.exposition import Format, negotiate, render
from agentslo.measure.process import process_metrics
from agentslo.measure.series import Metrics
from agentslo.otlp.listen import listen_error, split_address
from agentslo.otlp.tls import listener_context
from agentslo.page.openapi import OPENAPI
from agentslo.page.style import POLICY
from agentslo.page.values import View
from agentslo.respond.alerts import MAX_BYTES, AlertError
from agentslo.service.access import Gate, middleware
from agentslo.service.drift_told import DRIFT_PATH
from agentslo.service.feedback import FeedbackError
from agentslo.service.operations import NoOperations
from agentslo.service.overview import as_json
from agentslo.service.records_out import RECORDS_PATH
from agentslo.service.web_flags import flag_routes
from agentslo.service.web_page import page_routes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAX_RECORDS_BYTES = 64 * 1024 * 1024
"""Of one request of a processor: far more than the longest run takes."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Shown(Protocol):
    """What the web sides read from the service."""

    metrics: Metrics

    def committed(self) -> AbstractAsyncContextManager[int]:
        """All values up to date and none that a crash could take back, until the block ends;
        gives the time, unix ns.
        """
        ...

    def readiness(self) -> tuple[bool, dict[str, object]]:
        """Ready or not, and what a person should know."""
        ...

    def view(self, environment: str = "", *, refresh: bool = True, agent: str = "") -> View:
        """What the page shows of an environment, or of all; of one agent in full."""
        ...

    def doctor(self) -> dict[str, object]:
        """What the spans seen so far lack."""
        ...

    def seen(self) -> dict[str, object]:
        """What each agent was seen to do."""
        ...

    def explain(self, run_id: str) -> dict[str, object] | None:
        """Why a recent run got its outcome; None where it is not remembered."""
        ...

    async def alerts(self, body: bytes) -> dict[str, object]:
        """Take a webhook of Alertmanager; raises `AlertError`, or `NoOperations`."""
        ...

    def flags(self) -> tuple[Mapping[str, Any], int]:
        """The flags in force, and the time in unix seconds; raises `NoOperations`."""
        ...

    async def records(self, body: bytes) -> dict[str, object]:
        """Take what processors tell their evaluator; raises `LookupError` where this is none."""
        ...

    def drift(self) -> dict[str, object]:
        """How every agent drifts."""
        ...

    async def feedback(self, body: bytes) -> None:
        """Take one judgement of a run; raises `FeedbackError`."""
        ...

    def reload(self) -> list[str]:
        """Read the configuration again; the problems found, empty where it is in force."""
        ...


def metrics_app(service: Shown, gate: Gate) -> web.Application:
    """`/metrics`, `/healthz`, `/readyz`."""

    async def metrics(request: web.Request) -> web.StreamResponse:
        form = negotiate(request.headers.get("Accept", ""))
        chunks = []
        async with service.committed() as now_ns:
            for chunk in render(service.metrics, now_ns, form, _process(form)):
                chunks.append(chunk)
                await asyncio.sleep(0)
        response = web.StreamResponse(headers={"Content-Type": form.value})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
        return response

    async def healthz(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def readyz(request: web.Request) -> web.StreamResponse:
        ready, detail = service.readiness()
        # Asked without a token too, by what restarts us; names are for who may read metrics.
        told = detail if gate.knows(request) else {"ready": ready}
        return web.json_response(told, status=200 if ready else 503)

    return _app({"/metrics": metrics, "/healthz": healthz, "/readyz": readyz}, gate)


def _process(form: Format) -> list[bytes]:
    return [process_metrics(form)]


def page_app(service: Shown, gate: Gate) -> web.Application:
    """`/`, `/api/v1/...`, and what changes something: feedback, alerts, reload."""

    async def status(request: web.Request) -> web.StreamResponse:
        view = service.view(request.query.get("environment", ""))
        return web.json_response(as_json(view), headers=HEADERS)

    async def openapi(_request: web.Request) -> web.StreamResponse:
        return web.json_response(OPENAPI, headers=HEADERS)

    async def doctor(_request: web.Request) -> web.StreamResponse:
        return web.json_response(service.doctor(), headers=HEADERS)

    async def seen(_request: web.Request) -> web.StreamResponse:
        return web.json_response(service.seen(), headers=HEADERS)

    async def drift(_request: web.Request) -> web.StreamResponse:
        return web.json_response(service.drift(), headers=HEADERS)

    async def explain(request: web.Request) -> web.StreamResponse:
        found = service.explain(request.match_info["run_id"])
        if found is None:
            found = {"error": "this run is not among the newest; its recording can be explained"}
            return web.json_response(found, status=404, headers=HEADERS)
        return web.json_response(found, headers=HEADERS)

    app = _app(
        {
            **page_routes(service, HEADERS),
            "/api/v1/status": status,
            "/api/v1/openapi.json": openapi,
            "/api/v1/doctor": doctor,
            "/api/v1/seen": seen,
            DRIFT_PATH: drift,
            "/api/v1/runs/{run_id}/explain": explain,
        },
        gate,
    )
    for path, handler in _deciding(service).items():
        app.router.add_post(path, handler)
    return app


def _deciding(service: Shown) -> dict[str, Handler]:
    """What changes something, by its path."""

    async def feedback(request: web.Request) -> web.StreamResponse:
        try:
            await service.feedback(await request.read())
        except FeedbackError as error:
            return web.json_response({"error": str(error)}, status=400, headers=HEADERS)
        return web.json_response({"status": "ok"}, status=202, headers=HEADERS)

    async def alerts(request: web.Request) -> web.StreamResponse:
        try:
            handled = await service.alerts(await request.read())
        except AlertError as error:
            return web.json_response({"error": str(error)}, status=400, headers=HEADERS)
        except NoOperations as error:
            return web.json_response({"error": str(error)}, status=503, headers=HEADERS)
        return web.json_response(handled, headers=HEADERS)

    async def reload(_request: web.Request) -> web.StreamResponse:
        problems = service.reload()
        body = {"status": "error" if problems else "ok", "problems": problems}
        return web.Response(
            text=json.dumps(body),
            content_type="application/json",
            status=400 if problems else 200,
            headers=HEADERS,
        )

    async def records(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.clone(client_max_size=MAX_RECORDS_BYTES).read()
            taken = await service.records(body)
        except LookupError as error:
            return web.json_response({"error": str(error)}, status=404, headers=HEADERS)
        return web.json_response(taken, headers=HEADERS)

    return {
        "/-/reload": reload,
        "/v1/feedback": feedback,
        "/v1/alerts": alerts,
        **flag_routes(service, NoOperations, HEADERS),
        RECORDS_PATH: records,
    }


def _app(routes: dict[str, Handler], gate: Gate) -> web.Application:
    app = web.Application(client_max_size=MAX_BYTES, middlewares=[middleware(gate, HEADERS)])
    for path, handler in routes.items():
        app.router.add_get(path, handler)
    return app


class WebServer:
    """One HTTP listener; `start` before `port` is known, `stop` once."""

    def __init__(self, options: WebOptions, app: web.Application) -> None:
        self._options = options
        self._runner = web.AppRunner(app, access_log=None)
        self.port = 0

    async def start(self) -> None:
        """Listen; raises `PortTaken` or another `ListenFailed`."""
        await self._runner.setup()
        host, port = split_address(self._options.address)
        tls = listener_context(self._options.tls) if self._options.tls else None
        site = web.TCPSite(self._runner, host, port, ssl_context=tls, reuse_port=False)
        try:
            await site.start()
        except OSError as error:
            option = self._options.option or self._options.name
            raise listen_error(self._options.address, option, error) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()
