"""OFREP over HTTP: what agents may do just now, for those that do not read the flag file.

In: requests with an evaluation context. Out: flags as evaluated. No state.
Source: open-feature/protocol, OFREP 0.2.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from agentslo.respond import ofrep

PREFIX = "/ofrep/v1/evaluate/flags"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Flagged(Protocol):
    """Where flags come from."""

    def flags(self) -> tuple[Mapping[str, Any], int]:
        """The definitions in force, and the time in unix seconds; raises `NoOperations`."""
        ...


def flag_routes(
    service: Flagged, unavailable: type[Exception], headers: Mapping[str, str]
) -> dict[str, Handler]:
    """`POST` handlers by path. `unavailable`: what `flags` raises where nothing is kept."""

    def answer(body: object, status: int = 200, **more: str) -> web.Response:
        return web.json_response(body, status=status, headers={**headers, **more})

    async def one(request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        try:
            context = ofrep.context_of(await request.read())
            definitions, now_s = service.flags()
        except ofrep.ContextError as error:
            said = {"key": key, "errorCode": "PARSE_ERROR", "errorDetails": str(error)}
            return answer(said, 400)
        except unavailable as error:
            return answer({"key": key, "errorCode": "GENERAL", "errorDetails": str(error)}, 503)
        found = ofrep.evaluate(definitions, key, context, now_s)
        return answer(found, 404 if "errorCode" in found else 200)

    async def every(request: web.Request) -> web.StreamResponse:
        try:
            context = ofrep.context_of(await request.read())
            definitions, now_s = service.flags()
        except ofrep.ContextError as error:
            return answer({"errorCode": "PARSE_ERROR", "errorDetails": str(error)}, 400)
        except unavailable as error:
            return answer({"errorCode": "GENERAL", "errorDetails": str(error)}, 503)
        found = ofrep.evaluate_all(definitions, context, now_s)
        digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:32]
        if request.headers.get("If-None-Match", "").strip('"') == digest:
            return web.Response(status=304, headers={**headers, "ETag": f'"{digest}"'})
        return answer(found, ETag=f'"{digest}"')

    return {PREFIX: every, f"{PREFIX}/{{key}}": one}
