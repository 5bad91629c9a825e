"""The `destinations` section: where OTLP goes on to.

In: nodes. Out: `DestinationOptions` each, one of them primary. No state. Source: design.md 1, 8.
"""

import re
from dataclasses import dataclass, replace

from agentslo.config.fields import Key, SecretMap
from agentslo.config.kinds import (
    Boolean,
    ByteSize,
    Duration,
    Endpoint,
    Fault,
    Integer,
    Text,
    choice_of,
)
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group, GroupList
from agentslo.config.sections.redact import REDACT
from agentslo.config.sections.tls import DESTINATION_TLS
from agentslo.config.transport import Compression, DestinationOptions, Forward, Protocol

_MIB = 1024 * 1024
_HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OURS = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "host", "te"}
    | {"transfer-encoding", "user-agent"}
)


@dataclass(frozen=True, slots=True)
class HeaderName:
    """The name of a header, in lower case as gRPC wants it."""

    words: str = "header name"

    def parse(self, text: str) -> str:
        """The name in lower case."""
        name = text.lower()
        if not _HEADER_NAME.fullmatch(text):
            fix = "use letters, digits, '-', '_' and '.'"
            raise Fault(f"{quoted(text)} is not a header name", fix)
        if name in _OURS or name.startswith("grpc-"):
            raise Fault("this header is set by the sender itself", "remove it")
        return name


@dataclass(frozen=True, slots=True)
class HeaderValue:
    """The value of a header; no message shows it."""

    words: str = "text, never shown"

    def parse(self, text: str) -> str:
        """The value as written."""
        if not _HEADER_VALUE.fullmatch(text):
            what = "the value holds a line break, a space at an end, or a character beyond ASCII"
            raise Fault(what, "give printable ASCII; check for a newline at its end")
        return text


def _finish(options: DestinationOptions, path: OptionPath, reading: Reading) -> DestinationOptions:
    if reading.is_sound(*path):
        _check_endpoint(options, path, reading)
        _check_limits(options, path, reading)
    return options


def _check_endpoint(options: DestinationOptions, path: OptionPath, reading: Reading) -> None:
    scheme, separator, rest = options.endpoint.rpartition("://")
    where = (*path, "endpoint")
    if options.protocol == "http" and not separator:
        fix = f"write http://{options.endpoint} or https://{options.endpoint}"
        reading.note(where, "OTLP/HTTP needs a URL", fix)
    elif options.protocol == "grpc" and "/" in rest.rstrip("/"):
        reading.note(where, "a gRPC endpoint has no path", "remove it, or set protocol: http")
    elif options.tls is not None and scheme.lower() == "http":
        what = "tls is set, but the endpoint is plaintext"
        reading.note((*path, "tls"), what, "write the endpoint as https://, or remove tls")
    elif options.protocol == "grpc" and options.tls and options.tls.insecure_skip_verify:
        where = (*path, "tls", "insecure_skip_verify")
        reading.note(where, "gRPC always verifies", "give ca_file, or set protocol: http")


def _check_limits(options: DestinationOptions, path: OptionPath, reading: Reading) -> None:
    if options.retry_initial_s > options.retry_max_s:
        what = f"is above retry_max_s ({options.retry_max_s:g} s)"
        reading.note((*path, "retry_initial_s"), what, "lower it, or raise retry_max_s")
    if options.join_bytes > options.queue_bytes:
        what = f"is above queue_bytes ({options.queue_bytes})"
        reading.note((*path, "join_bytes"), what, "lower it, or raise queue_bytes")


def _finish_all(
    items: dict[int, DestinationOptions], path: OptionPath, reading: Reading
) -> tuple[DestinationOptions, ...]:
    first: dict[str, int] = {}
    for index, item in items.items():
        if item.name in first:
            what = f"{quoted(item.name)} is also the name of destinations[{first[item.name]}]"
            reading.note((*path, index, "name"), what, "give each its own name")
        first.setdefault(item.name, index)
    return _with_primary(items, path, reading)


def _with_primary(
    items: dict[int, DestinationOptions], path: OptionPath, reading: Reading
) -> tuple[DestinationOptions, ...]:
    """Makes the only destination primary; of several exactly one must say so itself."""
    primaries = [index for index, item in items.items() if item.primary]
    for index in primaries[1:]:
        what = f"destinations[{primaries[0]}] is primary already"
        reading.note((*path, index, "primary"), what, "keep one primary: true")
    if primaries or not items or not reading.is_sound(*path):
        return tuple(items.values())
    if len(items) > 1:
        fix = "add 'primary: true' to the one whose answer senders get"
        reading.note(path, "no destination is primary", fix)
    elif reading.is_written((*path, 0, "primary")):
        reading.note((*path, 0, "primary"), "the only destination is the primary", "remove it")
    return tuple(replace(item, primary=len(items) == 1) for item in items.values())


DESTINATIONS = GroupList(
    name="destinations",
    doc="Where OTLP goes on to; none: verdicts are metrics only. Exactly one is primary.",
    item=Group(
        name="destination",
        doc="One place OTLP is sent to.",
        make=DestinationOptions,
        finish=_finish,
        fields=(
            Key(
                "name",
                Text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "letters, digits, '-', '_', '.'"),
                "Names it in metrics and logs.",
                required=True,
            ),
            Key(
                "endpoint",
                Endpoint(),
                "gRPC: `host:port` (plaintext unless `tls` is set), `http://` or `https://`, port "
                "4317 if none is given. HTTP: base URL, to which `/v1/traces` is added.",
                required=True,
            ),
            Key("protocol", choice_of(Protocol), "OTLP/gRPC or OTLP/HTTP."),
            Key(
                "primary",
                Boolean(),
                "Senders get its answer. The only destination is primary by itself.",
            ),
            Key(
                "forward",
                choice_of(Forward),
                "Which spans: all, those of agent traces, verdict spans alone, none.",
            ),
            Key("compression", choice_of(Compression), "Of what is sent."),
            SecretMap(
                "headers",
                HeaderName(),
                HeaderValue(),
                "Sent with every request; give credentials as `${env:NAME}`.",
            ),
            DESTINATION_TLS,
            REDACT,
            Key("timeout_s", Duration(0.1, 600), "Deadline of one try."),
            Key(
                "queue_bytes",
                ByteSize(64 * 1024, 65_536 * _MIB),
                "Bytes held, waiting and in flight; beyond it new requests are refused.",
            ),
            Key("queue_requests", Integer(1, 10_000_000), "Requests held."),
            Key("senders", Integer(1, 256), "Requests in flight at once."),
            Key(
                "join_bytes",
                ByteSize(0, 1024 * _MIB),
                "Waiting requests are joined up to this size; gRPC servers take 4 MiB.",
            ),
            Key("retry_initial_s", Duration(0.01, 600), "First wait before a retry."),
            Key("retry_max_s", Duration(0.01, 3_600), "Longest wait between retries."),
            Key(
                "retry_max_elapsed_s",
                Duration(0, 7 * 86_400),
                "Give a request up this long after it came; 0: never.",
            ),
        ),
    ),
    finish=_finish_all,
)
