"""A rule that is not called would have found nothing.

Every run of the scenarios, of recordings and of drawn traces is judged twice: as its marks and its
agent file's promises allow, and with every rule called.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import strategies as some
from hypothesis import HealthCheck, given, settings

from agentslo.config.agent_options import AgentFile
from agentslo.config.service_file import ServiceConfig, load
from agentslo.demo.hello import CAPTURES
from agentslo.model import Evaluation, Run, Verdict
from agentslo.otlp.answer import Signal
from agentslo.otlp.files import Message, Report, expand, merged
from agentslo.outcomes.classify import classified
from agentslo.outcomes.details import details
from agentslo.outcomes.injection import signs
from agentslo.outcomes.promised import ALL, Promised, promised
from agentslo.outcomes.view import RunView
from agentslo.runs.marks import EVERYTHING
from agentslo.service.events import Counted
from agentslo.service.stream import Stream
from agentslo.service.verdicts import Verdicts
from agentslo.watch.observe import observe
from scenarios import runner, tree
from scenarios.tree import Sent
from support.tools import PROJECT_ROOT

SCENARIOS = sorted((PROJECT_ROOT / "tests" / "scenarios" / "cases").rglob("*.yaml"))
EXAMPLES = PROJECT_ROOT / "examples" / "agents"
JUDGED = (Evaluation(name="task_success", label="pass"), Evaluation(name="safety", label="fail"))


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> tuple[AgentFile, ...]:
    """The agent files of the examples."""
    service = tmp_path_factory.mktemp("examples") / "agentslo.yaml"
    service.write_text(f"agents: {{directory: {EXAMPLES}}}")
    return load(service, {}).agents


def judged(
    verdicts: Verdicts, run: Run, file: AgentFile, said: Sequence[Evaluation], *, openly: bool
) -> Verdict:
    """The verdict; `openly`: with every rule called."""
    known = Promised(promised(file).tools, ALL) if openly else None
    view = RunView(run, verdicts.habits, EVERYTHING if openly else None)
    return classified(view, file, said, verdicts.price, known)


def check(config: ServiceConfig, messages: Iterable[Message], files: Iterable[AgentFile]) -> int:
    """How many runs the messages make; each must be judged the same with and without gates."""
    stream, count = Stream(config), 0
    for happened in stream.play(messages):
        if not isinstance(happened, Counted):
            continue
        count += 1
        run, verdict = happened.run, happened.verdict
        open_run = replace(run, marks=EVERYTHING)
        assert observe(run, verdict) == observe(open_run, verdict)
        assert details(RunView(run)) == details(RunView(open_run))
        assert signs(run, verdict.totals.violated) == signs(open_run, verdict.totals.violated)
        for file in (happened.file, *files):
            for said in ((), JUDGED):
                verdicts = stream.pipeline.verdicts
                wanted = judged(verdicts, happened.run, file, said, openly=True)
                assert judged(verdicts, happened.run, file, said, openly=False) == wanted
    return count


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in SCENARIOS])
def test_in_every_scenario(path: Path, tmp_path: Path) -> None:
    scenario = runner.load(path)
    runner.play(scenario, next(iter(scenario.orders)), tmp_path)
    service = tmp_path / "agentslo.yaml"
    config = load(service if service.exists() else None, {})
    paths = [p for p in expand([str(tmp_path)], Report()) if p.parent == tmp_path]
    check(config, merged(paths, Report()), ())


def test_in_every_shipped_recording(examples: tuple[AgentFile, ...]) -> None:
    for path in expand([str(CAPTURES / "data")], Report()):
        assert check(ServiceConfig(), merged([path], Report()), examples)


def test_in_every_other_recording(shared_dir: Path, examples: tuple[AgentFile, ...]) -> None:
    for path in expand([str(shared_dir / "captures" / "data")], Report()):
        check(ServiceConfig(), merged([path], Report()), examples)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(sent=some.traces())
def test_in_drawn_runs(sent: list[Sent], examples: tuple[AgentFile, ...]) -> None:
    newest = max(s.span.end_time_unix_nano for s in sent)
    message = Message(path="f", signal=Signal.TRACES, body=tree.request(sent), time_ns=newest)
    check(ServiceConfig(), [message], examples)
