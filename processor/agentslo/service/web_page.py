"""The page over HTTP, in pieces: a browser has the first while the rest is written.

In: requests. Out: HTML. No state.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Protocol

from aiohttp import web

from agentslo.page import agent as agent_page
from agentslo.page import fleet, parts
from agentslo.page.values import View

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Viewed(Protocol):
    """What the page is made from."""

    def view(self, environment: str = "", *, refresh: bool = True, agent: str = "") -> View:
        """What the page shows of an environment, or of all; of one agent in full."""
        ...


def page_routes(service: Viewed, headers: Mapping[str, str]) -> dict[str, Handler]:
    """`/`, and `/agent` for one agent."""

    async def first(request: web.Request) -> web.StreamResponse:
        pieces = fleet.page(lambda: _view(service, request), refresh=_refreshes(request))
        return await _sent(request, pieces, headers)

    async def one(request: web.Request) -> web.StreamResponse:
        name = request.query.get("agent", "")
        view = _view(service, request, name)
        for agent in view.chosen if name else ():
            return await _sent(request, agent_page.page(agent, view), headers)
        return await _sent(request, _nowhere(view), headers, status=404)

    return {"/": first, "/agent": one}


def _view(service: Viewed, request: web.Request, agent: str = "") -> View:
    environment = request.query.get("environment", "")
    return service.view(environment, refresh=_refreshes(request), agent=agent)


def _refreshes(request: web.Request) -> bool:
    return request.query.get("refresh") != "off"


def _nowhere(view: View) -> Iterator[str]:
    yield parts.head("not seen - agentslo", refresh=view.refresh)
    yield "<h1>This agent was not seen</h1><p>Nothing of it since this process started.</p>"
    yield f'<p><a href="/">All agents</a></p>{parts.TAIL}'


async def _sent(
    request: web.Request, pieces: Iterator[str], headers: Mapping[str, str], status: int = 200
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=dict(headers))
    response.content_type, response.charset = "text/html", "utf-8"
    await response.prepare(request)
    # A reader who leaves before the end is no error.
    with contextlib.suppress(ConnectionResetError):
        for piece in pieces:
            # Names may hold what no encoding has. Writing waits for a slow reader; in between,
            # spans get their turn.
            await response.write(piece.encode(errors="replace"))
            await asyncio.sleep(0)
        await response.write_eof()
    return response
