"""The service file: every section of `agentslo.yaml`, with the environment laid over it.

In: a path and the environment. Out: a `ServiceConfig` with its agent files, or `ConfigError` with
every problem there is. No state. A new section is a module in `sections/`, a field of
`ServiceConfig` and a line in `ROOT`. Source: design.md 7.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentslo.config.agent_options import AgentFile
from agentslo.config.agents import load_agents
from agentslo.config.crosscheck import (
    check_access,
    check_listeners,
    check_loops,
    with_acks,
    with_offset,
)
from agentslo.config.dialect_options import DialectOptions
from agentslo.config.env import overlay
from agentslo.config.evaluator_options import EvaluatorOptions
from agentslo.config.fields import Faulty
from agentslo.config.options import (
    DEFAULT_ENVIRONMENTS,
    DEFAULT_SLOS,
    AgentsOptions,
    DriftOptions,
    ListenOptions,
    LogOptions,
    MetricsOptions,
    PageOptions,
    PriceOptions,
    RunsOptions,
    Slo,
    StorageOptions,
)
from agentslo.config.people_options import Person
from agentslo.config.problems import ConfigError, Problem
from agentslo.config.reading import Reading
from agentslo.config.schema import Group, homes
from agentslo.config.sections.agents import AGENTS, agent_paths
from agentslo.config.sections.destinations import DESTINATIONS
from agentslo.config.sections.dialects import DIALECTS
from agentslo.config.sections.display import LOG, PAGE
from agentslo.config.sections.drift import DRIFT
from agentslo.config.sections.evaluator import EVALUATOR
from agentslo.config.sections.listen import LISTEN, PORT_OFFSET
from agentslo.config.sections.metrics import METRICS
from agentslo.config.sections.people import PEOPLE
from agentslo.config.sections.prices import PRICES
from agentslo.config.sections.runs import RUNS
from agentslo.config.sections.slos import ENVIRONMENTS, SLOS
from agentslo.config.sections.storage import STORAGE
from agentslo.config.transport import DestinationOptions
from agentslo.config.yaml_node import Document, Mark, Node
from agentslo.config.yaml_node import Mapping as MappingNode
from agentslo.config.yaml_reader import read_file

NO_FILE = "(no file)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """All options of one service; `revision` names their content, credentials left out."""

    listen: ListenOptions = field(default_factory=ListenOptions)
    port_offset: int = 0
    destinations: tuple[DestinationOptions, ...] = ()
    dialects: DialectOptions = field(default_factory=DialectOptions)
    runs: RunsOptions = field(default_factory=RunsOptions)
    metrics: MetricsOptions = field(default_factory=MetricsOptions)
    slos: tuple[Slo, ...] = DEFAULT_SLOS
    environments: tuple[str, ...] = DEFAULT_ENVIRONMENTS
    agent_files: AgentsOptions = field(default_factory=AgentsOptions)
    agents: tuple[AgentFile, ...] = ()
    """What the agent files say."""
    storage: StorageOptions = field(default_factory=StorageOptions)
    people: tuple[Person, ...] = ()
    prices: PriceOptions = field(default_factory=PriceOptions)
    drift: DriftOptions = field(default_factory=DriftOptions)
    evaluator: EvaluatorOptions = field(default_factory=EvaluatorOptions)
    page: PageOptions = field(default_factory=PageOptions)
    log: LogOptions = field(default_factory=LogOptions)
    revision: str = ""
    warnings: tuple[Problem, ...] = ()
    """What is allowed and probably not meant."""


ROOT = Group(
    name="",
    doc="Every section is optional.",
    make=ServiceConfig,
    start=ServiceConfig(),
    fields=(
        LISTEN,
        PORT_OFFSET,
        DESTINATIONS,
        DIALECTS,
        RUNS,
        METRICS,
        SLOS,
        ENVIRONMENTS,
        AGENTS,
        STORAGE,
        PEOPLE,
        PRICES,
        DRIFT,
        EVALUATOR,
        PAGE,
        LOG,
    ),
)


def load(path: Path | None, environ: Mapping[str, str]) -> ServiceConfig:
    """The configuration of a file (None: no file) and the environment, which wins."""
    file = NO_FILE if path is None else str(path)
    base = Path.cwd() if path is None else path.absolute().parent
    document = Document(None) if path is None else read_file(path)[0]
    reading = Reading(file, environ=environ, base=base, homes=homes(ROOT))
    reading.add_source(file, document.lines)
    reading.note_all(document.problems)
    config = ServiceConfig()
    if not document.is_broken:
        root = document.root or MappingNode((), Mark(file))
        config = _interpret(overlay(root, ROOT, environ, reading), reading)
    paths = agent_paths(config.agent_files, path and path.parent, reading)
    agents, of_agents = load_agents(paths, environ, config.metrics.caps)
    problems = (*reading.problems(), *of_agents)
    if any(problem.is_error for problem in problems):
        raise ConfigError(problems)
    return replace(config, agents=agents, revision=_revision(config, agents), warnings=problems)


def problems_of(path: Path | None, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """Every problem of one service file and its agents; None: of the environment alone."""
    try:
        return load(path, environ).warnings
    except ConfigError as error:
        return error.problems


def _interpret(root: Node, reading: Reading) -> ServiceConfig:
    """The sections, and the checks across them."""
    read = ROOT.read(root, (), reading)
    config = ServiceConfig() if isinstance(read, Faulty) else read
    listen = with_offset(config.listen, config.port_offset, reading)
    listen = with_acks(listen, config.storage, reading)
    check_listeners(listen, reading)
    check_access(listen, reading)
    check_loops(listen, config.destinations, reading)
    return replace(config, listen=listen)


def _revision(config: ServiceConfig, agents: tuple[AgentFile, ...]) -> str:
    """Twelve hex digits that change with the effective content.

    `repr` leaves credentials out, so that the digits, which are shown, tell nothing of them.
    """
    content = (config, [agent.revision for agent in agents])
    return hashlib.sha256(repr(content).encode()).hexdigest()[:12]
