"""The options every stage is started with, as plain values with their defaults.

In: nothing. Out: frozen dataclasses, one a section of the service file; the stages import them, the
section modules beside this file fill them. No state, no I/O. Source: design.md 2, 3, 6 and 7.
The options of OTLP listeners and destinations are in `transport.py`.
"""

from dataclasses import dataclass, field
from typing import Literal

from agentslo.config.transport import ListenerOptions, TlsOptions

Scope = Literal["trace", "agent", "conversation"]
VerdictSpans = Literal["missing_root+corrections", "always", "never"]
Dimension = Literal["success", "latency", "safety"]
MinEvidence = Literal["heuristic", "tool_result", "evaluator", "human", "system_of_record"]
LogLevel = Literal["debug", "info", "warning", "error"]
Sync = Literal["full", "normal"]
LogFormat = Literal["text", "json"]

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """One address that serves HTTP to people and scrapers: metrics, or the page."""

    name: str
    address: str
    """`host:port`; IPv6 in brackets; port 0 takes a free one."""
    option: str = ""
    """The option that set `address`, named when the port is taken."""
    tls: TlsOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsListener(WebOptions):
    """The address that serves metrics and health."""

    token_file: str = ""
    """Scrapers must show a bearer token this file holds; empty: nobody is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTokens:
    """Files of bearer tokens, one for each thing the page's listener is for."""

    page: str = ""
    api: str = ""
    feedback: str = ""
    webhooks: str = ""
    reload: str = ""
    flags: str = ""
    signing: str = ""
    """Secrets with which webhooks and feedback may be signed in place of showing a token."""
    records: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageListener(WebOptions):
    """The address that serves the page, its API and what decides something."""

    tokens: PageTokens = PageTokens()


def _grpc() -> ListenerOptions:
    return ListenerOptions(
        name="grpc", protocol="grpc", address="127.0.0.1:4317", option="listen.grpc.address"
    )


def _http() -> ListenerOptions:
    return ListenerOptions(
        name="http", protocol="http", address="127.0.0.1:4318", option="listen.http.address"
    )


def _metrics() -> MetricsListener:
    address = "127.0.0.1:9464"
    return MetricsListener(name="metrics", address=address, option="listen.metrics.address")


def _page() -> PageListener:
    return PageListener(name="page", address="127.0.0.1:9465", option="listen.page.address")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenOptions:
    """Where the service listens; the port offset is already added."""

    grpc: ListenerOptions = field(default_factory=_grpc)
    http: ListenerOptions = field(default_factory=_http)
    metrics: MetricsListener = field(default_factory=_metrics)
    page: PageListener = field(default_factory=_page)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsOptions:
    """When a run closes, how long its root is held, and how much state open runs may take."""

    quiet_s: float = 10.0
    quiet_single_s: float = 2.0
    idle_s: float = 600.0
    max_age_s: float = 21_600.0
    hold_max_s: float = 15.0
    hold_roots: bool = True
    scope: Scope = "trace"
    verdict_span: VerdictSpans = "missing_root+corrections"
    max_open_runs: int = 100_000
    verify_ratio: float = 0.001
    max_steps_per_trace: int = 20_000
    max_state_bytes: int = 512 * 1024 * 1024
    ack_timeout_s: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CapOptions:
    """How many label values and series may exist; what is beyond is counted under `_other`."""

    agents: int = 200
    releases: int = 5
    tools: int = 50
    task_types: int = 10
    segments: int = 10
    error_types: int = 20
    series_per_agent: int = 2_000
    series: int = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsOptions:
    """How counters are exposed."""

    zero_hold_s: float = 120.0
    caps: CapOptions = field(default_factory=CapOptions)
    exemplars: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """One objective: the share of valid runs that must be good over the window.

    `limit_s` is the longest good duration and is set exactly where `dimension` is `latency`.
    """

    name: str
    dimension: Dimension
    objective_ratio: float
    min_evidence: MinEvidence = "heuristic"
    limit_s: float | None = None
    window_s: float = 28 * DAY_S


DEFAULT_SLOS: tuple[Slo, ...] = (
    Slo(name="completion", dimension="success", objective_ratio=0.90),
    Slo(name="latency", dimension="latency", objective_ratio=0.95, limit_s=120.0),
    Slo(name="safety", dimension="safety", objective_ratio=0.999),
)

DEFAULT_ENVIRONMENTS: tuple[str, ...] = ("production", "prod", "unset")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What the status page links to; `trace_url` holds `{trace_id}`, None shows no link."""

    trace_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What is logged on standard error, and how."""

    level: LogLevel = "info"
    format: LogFormat = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageOptions:
    """Where the journal and the ledger are; an empty `directory` keeps nothing."""

    directory: str = ""
    sync: Sync = "full"
    journal_bytes: int = 1024 * 1024 * 1024
    spill_bytes: int = 1024 * 1024 * 1024
    spill_after_s: float = 0.05
    retention_days: float = 90.0
    max_runs: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """US dollars per million tokens of the models whose name matches `name` (`*`: anything)."""

    name: str
    input_usd: float
    output_usd: float
    cached_input_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOptions:
    """What models cost, where the spans do not say it."""

    models: tuple[ModelPrice, ...] = ()
    public_table: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOptions:
    """What is compared with what, and how sure an alarm must be.

    A slice closes after `slice_s`, or after `slice_runs` runs where that is not 0; the window is
    then one slice, else `window_s`.
    """

    enabled: bool = True
    baseline_runs: int = 2_000
    baseline_days: float = 7.0
    watch_runs: int = 300
    slice_s: float = 3_600.0
    slice_runs: int = 0
    window_s: float = DAY_S
    min_window_runs: int = 100
    z_watch: float = 3.09
    z_drift: float = 4.0
    false_alarm_days: float = 90.0
    false_alarm_runs: int = 30_000
    requests: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsOptions:
    """Where agent files are, as written: a folder, single files, or both.

    Both empty: the folder `agents` beside the service file, where there is one.
    """

    directory: str = ""
    files: tuple[str, ...] = ()
