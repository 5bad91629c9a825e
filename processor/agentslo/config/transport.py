"""What the transport may be told: listeners, destinations, TLS. Values only, no parsing.

Every number carries its unit in its name. Defaults: design.md 7 and 8, OTLP specification 1.x
(64 MiB messages, retryable answers), conventions.md 11.
"""

from dataclasses import dataclass, field
from typing import Literal

Protocol = Literal["grpc", "http"]
Compression = Literal["none", "gzip"]
Forward = Literal["all", "agent", "verdicts", "none"]
Ack = Literal["forwarded", "stored", "received"]

Action = Literal["drop", "hash", "truncate"]
Detector = Literal["email", "card", "iban", "credential"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """Files of one TLS side; a listener reads them again when they change on disk."""

    ca_file: str = ""
    """PEM. Destination: who may sign the server (empty: the system's authorities).
    Listener: who must sign the clients (empty: clients need no certificate)."""
    cert_file: str = ""
    """PEM chain of our own certificate; a listener must have one."""
    key_file: str = ""
    """PEM key of `cert_file`."""
    server_name: str = ""
    """Destination only: the name the server's certificate must carry, if not the host's."""
    insecure_skip_verify: bool = False
    """Destination over HTTP only: accept any certificate. gRPC has no such switch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOptions:
    """One address that takes OTLP in."""

    name: str
    protocol: Protocol = "grpc"
    address: str = "127.0.0.1:4317"
    """`host:port`; IPv6 in brackets; port 0 takes a free one."""
    option: str = ""
    """The option or flag that set `address`, named when the port is taken."""
    max_bytes: int = 64 * MIB
    """Largest request, as received and after inflation."""
    buffer_bytes: int = 256 * MIB
    """HTTP: bytes of bodies being read at once over all connections; beyond it 503."""
    max_connections: int = 1_000
    max_requests: int = 1_000
    """Requests being answered at once; beyond it a retryable refusal. gRPC: also the
    streams of one connection."""
    read_timeout_s: float = 30.0
    """HTTP: time for the first request line, and again for one body."""
    tls: TlsOptions | None = None
    token_file: str = ""
    """Senders must show a bearer token this file holds; empty: nobody is asked."""
    trust: bool = True
    """Whether `agent_slo.declared.*` attributes from here are believed."""
    ack: Ack = "forwarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactRule:
    """What must not leave for a destination: values by their key, or by what they look like."""

    keys: tuple[str, ...] = ()
    detect: tuple[Detector, ...] = ()
    action: Action = "drop"
    length: int = 64
    """`truncate`: characters that stay."""
    key_file: str = ""
    """`hash`: the secret of the HMAC, so that nobody finds a value by trying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationOptions:
    """One place OTLP is sent to."""

    name: str
    endpoint: str
    """gRPC: `host:port` or `http://host:port` (plaintext), `https://host:port` (TLS).
    HTTP: base URL, to which `/v1/traces` and so on are added."""
    protocol: Protocol = "grpc"
    primary: bool = False
    forward: Forward = "all"
    compression: Compression = "none"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent with every request; kept out of `repr` because they carry tokens."""
    tls: TlsOptions | None = None
    timeout_s: float = 10.0
    """Deadline of one try."""
    queue_bytes: int = 64 * MIB
    """Bytes held, waiting and in flight; beyond it new payloads are refused."""
    queue_requests: int = 50_000
    """Payloads held; bounds the memory of many tiny ones."""
    senders: int = 4
    """Requests in flight at once."""
    join_bytes: int = 4_000_000
    """Waiting payloads of one signal are joined up to this size; gRPC servers default to
    4 MiB."""
    retry_initial_s: float = 0.5
    retry_max_s: float = 30.0
    redact: tuple[RedactRule, ...] = ()
    """None: every span leaves as it came."""
    retry_max_elapsed_s: float = 0.0
    """Give up on a payload this long after it was offered; 0 never gives up."""
