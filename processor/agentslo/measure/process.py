"""The process as Prometheus client libraries show it: `process_*`, `python_gc_*`, `python_info`.

Comes in: a format. Goes out: lines to append to our own exposition. State: a private registry with
the default collectors of prometheus_client, which read `/proc` and the garbage collector on demand.
"""

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import generate_latest as text
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from agentslo.measure.exposition import Format

_REGISTRY = CollectorRegistry()
ProcessCollector(registry=_REGISTRY)
PlatformCollector(registry=_REGISTRY)
GCCollector(registry=_REGISTRY)


def process_metrics(form: Format) -> bytes:
    """The families of this process, without an end mark."""
    if form is Format.TEXT:
        return text(_REGISTRY)
    whole: bytes = openmetrics(_REGISTRY)  # type: ignore[no-untyped-call]
    return whole.removesuffix(b"# EOF\n")
