"""A dialect plug-in that raises is seen on `/metrics`, by its name."""

from importlib.metadata import EntryPoint

from agentslo.config.service_file import load
from agentslo.dialects import plugins
from agentslo.dialects.base import Dialect, SpanView
from agentslo.dialects.read import Reader
from agentslo.dialects.registry import in_force
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics
from agentslo.model import Role
from agentslo.outcomes.prices import pricing
from agentslo.service.assembly import directory, pipeline
from agentslo.service.dispatch import Dispatcher
from agentslo.service.gauges import Gauges
from agentslo.service.ingest import Intake
from agentslo.service.recorder import Recorder
from scenarios import tree

NOW_NS = tree.at_ns(10)
LATER_NS = tree.at_ns(1000)


def raises(_view: SpanView) -> Role | None:
    raise ValueError("broken")


BROKEN = Dialect(name="broken", role=raises)


def test_spans_on_which_a_plug_in_raised_are_counted_by_its_name() -> None:
    config, metrics = load(None, {}), Metrics()
    found = plugins.load([EntryPoint("broken", f"{__name__}:BROKEN", plugins.GROUP)])
    dialects = in_force(config.dialects, found.dialects)
    reader = Reader(dialects, plugin_failures=found.failures)
    line, dispatcher = pipeline(config), Dispatcher([], "never")
    line.replace(directory(config), reader, pricing(config.prices))
    intake = Intake(line, dispatcher, Recorder(metrics), {}, 1, lambda: NOW_NS, lambda _: None)

    line.traces(tree.request(tree.spans([{"agent": "a", "below": [{"chat": "m"}]}])), NOW_NS)
    Gauges(metrics, intake, dispatcher, line).update((), NOW_NS)
    metrics.release_due(LATER_NS)

    text = b"".join(render(metrics, LATER_NS, Format.TEXT)).decode()
    assert 'agent_slo_processor_plugin_failures_total{dialect="broken"} 2' in text
