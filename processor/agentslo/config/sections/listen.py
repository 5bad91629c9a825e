"""The `listen` section: where the service takes OTLP in and serves people.

In: nodes. Out: `ListenOptions`. No state. Source: design.md 7 and 8.
"""

from dataclasses import fields, replace

from agentslo.config.fields import Key
from agentslo.config.kinds import Boolean, ByteSize, Duration, Integer, ListenAddress, choice_of
from agentslo.config.options import ListenOptions, MetricsListener, PageListener, PageTokens
from agentslo.config.reading import OptionPath, Reading, dotted
from agentslo.config.schema import Group
from agentslo.config.sections.tls import LISTENER_TLS
from agentslo.config.sections.tokens import checked, token_file
from agentslo.config.transport import Ack, ListenerOptions

_MIB = 1024 * 1024
_DEFAULT = ListenOptions()


def _set_by(path: OptionPath, reading: Reading) -> str:
    """The option or variable that set an address, for the message of a taken port."""
    address = (*path, "address")
    file = reading.mark(address).file
    return file if file.startswith("AGENTSLO_") else dotted(address)


def _finish_otlp(options: ListenerOptions, path: OptionPath, reading: Reading) -> ListenerOptions:
    if options.buffer_bytes < options.max_bytes and reading.is_sound(*path):
        what = f"is below max_bytes ({options.max_bytes})"
        reading.note((*path, "buffer_bytes"), what, "one request must fit; raise it")
    file = checked(options.token_file, (*path, "token_file"), reading)
    return replace(options, option=_set_by(path, reading), token_file=file)


def _finish_metrics(
    options: MetricsListener, path: OptionPath, reading: Reading
) -> MetricsListener:
    file = checked(options.token_file, (*path, "token_file"), reading)
    return replace(options, option=_set_by(path, reading), token_file=file)


def _finish_page(options: PageListener, path: OptionPath, reading: Reading) -> PageListener:
    return replace(options, option=_set_by(path, reading))


def _finish_tokens(tokens: PageTokens, path: OptionPath, reading: Reading) -> PageTokens:
    names = [field.name for field in fields(tokens)]
    files = {name: checked(getattr(tokens, name), (*path, name), reading) for name in names}
    return replace(tokens, **files)


_ADDRESS = Key("address", ListenAddress(), "Where to listen; port 0 takes a free one.")

_OTLP_FIELDS = (
    _ADDRESS,
    Key(
        "max_bytes",
        ByteSize(1024, 1024 * _MIB),
        "Largest request, as received and after inflation.",
    ),
    Key(
        "ack",
        choice_of(Ack),
        "When a sender gets its answer: once all is on disk or with the primary destination "
        "(`stored`, the default with `storage.directory`), once the primary took the spans "
        "(`forwarded`, the default without), or from memory (a crash loses what was in it).",
    ),
    Key("trust", Boolean(), "Whether `agent_slo.declared.*` attributes from here are believed."),
    LISTENER_TLS,
    token_file("token_file", "Bearer tokens, one a line; senders must show one of them."),
    Key("max_connections", Integer(1, 100_000), "Connections at once."),
    Key("max_requests", Integer(1, 100_000), "Requests at once; beyond it a retryable refusal."),
)

_HTTP_FIELDS = (
    *_OTLP_FIELDS,
    Key(
        "buffer_bytes",
        ByteSize(1024, 65_536 * _MIB),
        "Bodies being read at once, over all connections; beyond it 503.",
    ),
    Key("read_timeout_s", Duration(0.1, 600), "Time for the request line, and for one body."),
)

_METRICS_FIELDS = (
    _ADDRESS,
    LISTENER_TLS,
    token_file(
        "token_file",
        "Bearer tokens, one a line; `/metrics` asks for one of them, and without one `/readyz` "
        "says no more than ready or not.",
    ),
)

_TOKENS = Group(
    name="tokens",
    doc="Files of bearer tokens, one a line, for each thing the page's listener is for. Away from "
    "loopback and without `client_ca_file` each is needed (`records` by an evaluator alone).",
    make=PageTokens,
    start=PageTokens(),
    fields=(
        token_file("page", "For the page; a browser may give it as the password."),
        token_file("api", "For `/api/v1`."),
        token_file("feedback", "For `POST /v1/feedback`."),
        token_file("webhooks", "For every other `POST`: what other systems report."),
        token_file("reload", "For `POST /-/reload`."),
        token_file(
            "signing",
            "Secrets, one a line: webhooks and feedback signed with one (Standard Webhooks: id, "
            "time within 5 minutes, body) pass without a token, each id once.",
        ),
        token_file(
            "flags",
            "For `/ofrep/v1`, where agents read their flags. Not needed: away from loopback "
            "nobody reads them there without.",
        ),
        token_file("records", "For `POST /v1/records`: what processors send their evaluator."),
    ),
    finish=_finish_tokens,
)

LISTEN = Group(
    name="listen",
    doc="Where the service listens. Each listener is an address, or a mapping.",
    make=ListenOptions,
    start=_DEFAULT,
    fields=(
        Group(
            name="grpc",
            doc="OTLP/gRPC.",
            make=ListenerOptions,
            start=_DEFAULT.grpc,
            fields=_OTLP_FIELDS,
            finish=_finish_otlp,
            shorthand="address",
        ),
        Group(
            name="http",
            doc="OTLP/HTTP, protobuf and JSON.",
            make=ListenerOptions,
            start=_DEFAULT.http,
            fields=_HTTP_FIELDS,
            finish=_finish_otlp,
            shorthand="address",
        ),
        Group(
            name="metrics",
            doc="`/metrics`, `/healthz`, `/readyz`.",
            make=MetricsListener,
            start=_DEFAULT.metrics,
            fields=_METRICS_FIELDS,
            finish=_finish_metrics,
            shorthand="address",
        ),
        Group(
            name="page",
            doc="Status page, `/api/v1`, and what decides something.",
            make=PageListener,
            start=_DEFAULT.page,
            fields=(_ADDRESS, LISTENER_TLS, _TOKENS),
            finish=_finish_page,
            shorthand="address",
        ),
    ),
)

PORT_OFFSET = Key(
    "port_offset",
    Integer(0, 50_000),
    "Added to the port of every listener (not to a port 0), to run several side by side.",
)
