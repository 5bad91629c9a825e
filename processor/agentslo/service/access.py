"""Who may read and decide over HTTP: the middleware before the metrics and the page listeners.

In: requests. Out: the same, or a refusal that says nothing of what is behind it. State: the guards
and, of requests turned away, how many by reason. Source: design.md 7; reliability.md S10, S13, S23.

Requests that change something come from programs alone: where a browser sends one for a page of
another origin, or as a form, it is refused. Where no token is asked, the name in `Host` must be an
address or `localhost`, so that a stranger's name made to point here reads nothing (DNS rebinding).
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from time import monotonic, time
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from agentslo.config.addresses import is_loopback
from agentslo.config.crosscheck import is_open
from agentslo.config.options import ListenOptions, MetricsListener, PageListener
from agentslo.otlp.access import Denied, Failures, Guard
from agentslo.service.signed import Signatures

READS = frozenset({"GET", "HEAD"})
HEALTH = frozenset({"/healthz", "/readyz"})
FLAGS = "/ofrep/"
SIGNED = frozenset({"webhooks", "feedback"})
PURPOSES = {"/v1/feedback": "feedback", "/-/reload": "reload", "/v1/records": "records"}
RETRY_AFTER_S = "5"
RECORDS_TYPE = "application/x-agentslo-records"
PROGRAMS_TYPES = ("application/json", RECORDS_TYPE)
"""What no form of a browser can send."""


@dataclass(slots=True, kw_only=True)
class Gate:
    """Before one listener: the guard of each purpose. `open`: others than this machine and the
    holders of our certificates reach it; `closed`: then what has no guard is for nobody.
    """

    guards: dict[str, Guard]
    purpose: Callable[[web.BaseRequest], str]
    open: bool
    local: bool
    closed: bool = False
    signed: Signatures | None = None
    """Webhooks and feedback signed with one of its secrets need no token."""
    refused: Counter[str] = field(default_factory=Counter)
    """Other refusals than the guards': by reason."""

    @property
    def denied(self) -> Counter[str]:
        """Requests turned away, by reason."""
        total = Counter(self.refused)
        for guard in self.guards.values():
            total.update(guard.denied)
        return total

    def lets_in(self, request: web.BaseRequest) -> Denied | None:
        """Why the request is not let in, by its token."""
        guard = self.guards.get(self.purpose(request))
        if guard is None:
            return Denied.MISSING if self.open and self.closed else None
        return guard.check(_authorization(request), request.remote or "", monotonic())

    def knows(self, request: web.BaseRequest) -> bool:
        """Whether the request may be told more than health; nothing is counted."""
        guard = self.guards.get(self.purpose(request))
        return not self.open if guard is None else guard.knows(_authorization(request))


def open_listeners(listen: ListenOptions) -> dict[str, bool]:
    """Of each listener: whether whoever reaches it may use it. The page never is."""
    others = (listen.grpc, listen.http, listen.metrics)
    return {o.name: is_open(o) and not o.token_file for o in others} | {listen.page.name: False}


def metrics_gate(options: MetricsListener) -> Gate:
    """Before `/metrics`: open unless it has tokens; health is for everybody."""
    guards = {}
    if options.token_file:
        guards["metrics"] = Guard(Path(options.token_file), Failures())
    return Gate(
        guards=guards,
        purpose=lambda _request: "metrics",
        open=is_open(options),
        local=is_loopback(options.address),
    )


def page_gate(options: PageListener) -> Gate:
    """Before the page: each purpose has tokens of its own; closed away from loopback."""
    failures = Failures()
    tokens = options.tokens
    files = {
        "page": tokens.page,
        "api": tokens.api,
        "feedback": tokens.feedback,
        "webhooks": tokens.webhooks,
        "reload": tokens.reload,
        "flags": tokens.flags,
        "records": tokens.records,
    }
    guards = {
        name: Guard(Path(file), failures, browsers=name in ("page", "api"))
        for name, file in files.items()
        if file
    }
    return Gate(
        guards=guards,
        purpose=_purpose,
        open=is_open(options),
        local=is_loopback(options.address),
        closed=True,
        signed=Signatures(Path(tokens.signing)) if tokens.signing else None,
    )


def _authorization(request: web.BaseRequest) -> str:
    shown = request.headers.getall("Authorization", [])
    return shown[0] if len(shown) == 1 else ""


def _purpose(request: web.BaseRequest) -> str:
    if request.path.startswith(FLAGS):
        return "flags"
    if request.method not in READS:
        return PURPOSES.get(request.path, "webhooks")
    return "api" if request.path.startswith("/api/") else "page"


def middleware(gate: Gate, headers: dict[str, str]) -> Middleware:
    """Asks the gate before each request; `headers` go out with every refusal."""

    @web.middleware
    async def asked(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in HEALTH and request.method in READS:
            return await handler(request)
        denied = await _denied(gate, request)
        if denied is not None:
            gate.refused[denied] += gate.purpose(request) not in gate.guards
            return _denial(denied, headers)
        asks_nothing = gate.local and gate.purpose(request) not in gate.guards
        wrong = _foreign(request, by_address=asks_nothing)
        if wrong is not None:
            gate.refused[wrong.reason] += 1
            return _refusal(wrong.status, wrong.said, headers)
        return await handler(request)

    return asked


async def _denied(gate: Gate, request: web.Request) -> Denied | None:
    """Why the request is not let in, by its signature where it has one, else by its token."""
    signs = "webhook-signature" in request.headers and gate.purpose(request) in SIGNED
    if gate.signed is None or not signs:
        return gate.lets_in(request)
    body = await request.read()
    if gate.signed.passes(request.headers, body, time()):
        return None
    gate.refused[Denied.WRONG] += gate.purpose(request) in gate.guards
    return Denied.WRONG


@dataclass(frozen=True, slots=True)
class _Wrong:
    reason: str
    status: int
    said: str


_NAME = _Wrong("foreign_host", 421, "ask by an address or localhost, or give the listener tokens")
_ORIGIN = _Wrong("foreign_origin", 403, "this came from a page of another origin")
_TYPE = _Wrong("content_type", 415, "Content-Type must be application/json")


def _foreign(request: web.Request, *, by_address: bool) -> _Wrong | None:
    """What makes a request that of a browser on a stranger's behalf."""
    if by_address and not _is_address(request.host):
        return _NAME
    if request.method in READS:
        return None
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return _ORIGIN
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return _ORIGIN
    # Without a body nothing is typed: `curl -X POST` reloads.
    wrong = request.body_exists and request.content_type not in PROGRAMS_TYPES
    return _TYPE if wrong else None


def _is_address(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ip_address(name)
    except ValueError:
        return name == "localhost"
    return True


def _denial(denied: Denied, headers: dict[str, str]) -> web.Response:
    if denied is Denied.LIMITED:
        retry = {**headers, "Retry-After": RETRY_AFTER_S}
        return _refusal(429, "too many wrong tokens from this address", retry)
    ask = {**headers, "WWW-Authenticate": 'Bearer, Basic realm="agentslo"'}
    return _refusal(401, "a bearer token is needed", ask)


def _refusal(status: int, said: str, headers: dict[str, str]) -> web.Response:
    body = json.dumps({"error": said})
    return web.Response(status=status, text=body, content_type="application/json", headers=headers)
