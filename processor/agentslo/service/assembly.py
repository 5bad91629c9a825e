"""The pipeline that a configuration asks for.

In: a `ServiceConfig`. Out: `Pipeline`, or the parts of it that a reload replaces. Pure.
"""

import logging
from pathlib import Path

from agentslo.config.agent_options import defaults
from agentslo.config.directory import Directory
from agentslo.config.service_file import ServiceConfig
from agentslo.config.wants import NOTHING, wanted
from agentslo.dialects import plugins
from agentslo.dialects.read import Reader
from agentslo.dialects.registry import in_force
from agentslo.outcomes.prices import pricing
from agentslo.service.pipeline import Pipeline
from agentslo.service.roles import Role
from agentslo.watch.remote import Remote
from agentslo.watch.shelf import Shelf
from agentslo.watch.watch import Watch

logger = logging.getLogger(__name__)


def directory(config: ServiceConfig) -> Directory:
    """The agent files in force and the stand-in for agents without one."""
    return Directory(config.agents, defaults(config.slos, config.environments))


def reader(config: ServiceConfig) -> Reader:
    """The reader of spans: by which dialects, and told what the agent files ask about."""
    options = config.dialects
    found = plugins.installed() if options.plugins else plugins.Plugins()
    for problem in found.problems:
        logger.warning(problem)
    return Reader(
        in_force(options, found.dialects),
        extra=options.keys.given(),
        wants=wanted(config.agents) if config.agents else NOTHING,
        plugin_failures=found.failures,
        hashes_requests=config.drift.enabled and config.drift.requests,
    )


def baselines(config: ServiceConfig) -> Shelf | None:
    """Where baselines are kept over a restart; None without storage."""
    storage = config.storage.directory
    return Shelf(Path(storage)) if storage else None


def pipeline(config: ServiceConfig, shelf: Shelf | None = None, role: Role = Role.ALL) -> Pipeline:
    """A pipeline with nothing in it yet. `shelf`: the baselines to go on with, and to keep."""
    listeners = (config.listen.grpc, config.listen.http)
    watch = Watch(config.drift, shelf) if role.evaluates else Remote()
    found = Pipeline(
        config.runs,
        directory(config),
        reader(config),
        pricing(config.prices),
        frozenset(one.name for one in listeners if not one.trust),
        watch if config.drift.enabled else None,
    )
    found.verdicts.apart = not role.evaluates
    return found
