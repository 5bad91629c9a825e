"""The `listen` section: where the service takes OTLP in and serves people.

In: nodes. Out: `ListenOptions`. No state. Source: design.md 7 and 8.
"""

from dataclasses import replace

from agentslo.config.fields import Key
from agentslo.config.kinds import Boolean, ByteSize, Duration, Integer, ListenAddress, choice_of
from agentslo.config.options import ListenOptions, WebOptions
from agentslo.config.reading import OptionPath, Reading, dotted
from agentslo.config.schema import Group
from agentslo.config.sections.tls import LISTENER_TLS
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
    return replace(options, option=_set_by(path, reading))


def _finish_web(options: WebOptions, path: OptionPath, reading: Reading) -> WebOptions:
    return replace(options, option=_set_by(path, reading))


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
        choice_of(Ack, without=frozenset({"stored"})),
        "When a sender gets its answer: once the primary destination took the spans, or from "
        "memory (a crash loses what was in it).",
    ),
    Key("trust", Boolean(), "Whether `agent_slo.declared.*` attributes from here are believed."),
    LISTENER_TLS,
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

_WEB_FIELDS = (_ADDRESS, LISTENER_TLS)

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
            make=WebOptions,
            start=_DEFAULT.metrics,
            fields=_WEB_FIELDS,
            finish=_finish_web,
            shorthand="address",
        ),
        Group(
            name="page",
            doc="Status page and `/api/v1`.",
            make=WebOptions,
            start=_DEFAULT.page,
            fields=_WEB_FIELDS,
            finish=_finish_web,
            shorthand="address",
        ),
    ),
)

PORT_OFFSET = Key(
    "port_offset",
    Integer(0, 50_000),
    "Added to the port of every listener (not to a port 0), to run several side by side.",
)
