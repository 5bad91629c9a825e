"""The service file: every section of `agentslo.yaml`, with the environment laid over it.

In: a path and the environment. Out: a `ServiceConfig`, or `ConfigError` with every problem there
is. No state. A new section is a module in `sections/`, a field of `ServiceConfig` and a line in
`ROOT`. Source: design.md 7.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentslo.config.agent_options import AgentFile
from agentslo.config.crosscheck import check_listeners, check_loops, with_offset
from agentslo.config.dialect_options import DialectOptions
from agentslo.config.env import overlay
from agentslo.config.fields import Faulty
from agentslo.config.options import (
    DEFAULT_ENVIRONMENTS,
    DEFAULT_SLOS,
    ListenOptions,
    LogOptions,
    MetricsOptions,
    PageOptions,
    PriceOptions,
    RunsOptions,
    Slo,
    StorageOptions,
)
from agentslo.config.problems import ConfigError, Problem
from agentslo.config.reading import Reading
from agentslo.config.schema import Group, homes
from agentslo.config.sections.destinations import DESTINATIONS
from agentslo.config.sections.dialects import DIALECTS
from agentslo.config.sections.display import LOG, PAGE
from agentslo.config.sections.listen import LISTEN, PORT_OFFSET
from agentslo.config.sections.metrics import METRICS
from agentslo.config.sections.prices import PRICES
from agentslo.config.sections.runs import RUNS
from agentslo.config.sections.slos import ENVIRONMENTS, SLOS
from agentslo.config.sections.storage import STORAGE
from agentslo.config.transport import DestinationOptions
from agentslo.config.yaml_node import Document, Mark, Node, problem_at
from agentslo.config.yaml_node import Mapping as MappingNode
from agentslo.config.yaml_reader import MAX_FILE_BYTES, read_document

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
    agents: tuple[AgentFile, ...] = ()
    storage: StorageOptions = field(default_factory=StorageOptions)
    prices: PriceOptions = field(default_factory=PriceOptions)
    page: PageOptions = field(default_factory=PageOptions)
    log: LogOptions = field(default_factory=LogOptions)
    revision: str = ""


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
        STORAGE,
        PRICES,
        PAGE,
        LOG,
    ),
)


def load(path: Path | None, environ: Mapping[str, str]) -> ServiceConfig:
    """The configuration of a file (None: no file) and the environment, which wins."""
    file = NO_FILE if path is None else str(path)
    base = Path.cwd() if path is None else path.absolute().parent
    document = Document(None) if path is None else _read(path)
    reading = Reading(file, environ=environ, base=base, homes=homes(ROOT))
    reading.add_source(file, document.lines)
    reading.note_all(document.problems)
    config = ServiceConfig()
    if not document.is_broken:
        root = document.root or MappingNode((), Mark(file))
        config = _interpret(overlay(root, ROOT, environ, reading), reading)
    if problems := reading.problems():
        raise ConfigError(problems)
    return replace(config, revision=_revision(config))


def check(paths: Iterable[Path | str], environ: Mapping[str, str] | None = None) -> list[Problem]:
    """Every problem of every file; the environment is this process's unless given."""
    known = os.environ if environ is None else environ
    problems: dict[Problem, None] = {}
    for path in paths:
        try:
            load(Path(path), known)
        except ConfigError as error:
            problems.update(dict.fromkeys(error.problems))
    return list(problems)


def _read(path: Path) -> Document:
    """The document at `path`; a file that cannot be read is a problem like others."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            # One byte beyond the limit shows that there is more, whatever the file is.
            return read_document(file, stream.read(MAX_FILE_BYTES + 1))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = problem_at(Mark(file), f"cannot be read: {reason}", "correct the path")
        return Document(None, problems=(problem,))


def _interpret(root: Node, reading: Reading) -> ServiceConfig:
    """The sections, and the checks across them."""
    read = ROOT.read(root, (), reading)
    config = ServiceConfig() if isinstance(read, Faulty) else read
    listen = with_offset(config.listen, config.port_offset, reading)
    check_listeners(listen, reading)
    check_loops(listen, config.destinations, reading)
    return replace(config, listen=listen)


def _revision(config: ServiceConfig) -> str:
    """Twelve hex digits that change with the effective content.

    `repr` leaves credentials out, so that the digits, which are shown, tell nothing of them.
    """
    return hashlib.sha256(repr(config).encode()).hexdigest()[:12]
