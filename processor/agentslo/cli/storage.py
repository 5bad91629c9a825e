"""Where a command finds the storage directory, the agent files and the people.

In: `--config` and `--storage`, or `AGENTSLO_CONFIG`. Out: the directory with the configuration, or
`ConfigError`/`DecisionsError` with what to give. No state.
"""

import argparse
import getpass
import sys
import time
from dataclasses import dataclass
from os import environ
from pathlib import Path

from agentslo.config.service_file import ServiceConfig, load
from agentslo.respond.desk import Ask, Desk
from agentslo.respond.duty import FLAGS_FILE, Duty
from agentslo.respond.rights import Actor, Refused, identify
from agentslo.store.decisions import DecisionsError, open_decisions
from agentslo.store.ledger import LEDGER_FILE, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A storage directory and the configuration in force."""

    directory: Path
    config: ServiceConfig


def add_storage(parser: argparse.ArgumentParser) -> None:
    """The arguments every command on decisions has."""
    parser.add_argument("--config", type=Path, help="service file (default: $AGENTSLO_CONFIG)")
    parser.add_argument("--storage", type=Path, help="the storage directory itself")
    parser.add_argument("--json", action="store_true", help="print JSON")


def storage(arguments: argparse.Namespace) -> Storage:
    """Where decisions are kept; raises with what to give where nothing says so."""
    named = arguments.config or environ.get("AGENTSLO_CONFIG")
    config = load(Path(named) if named else None, environ)
    directory = arguments.storage or config.storage.directory
    if not directory:
        raise DecisionsError("no storage: give --storage DIR, or a service file that names one")
    return Storage(directory=Path(directory), config=config)


def desk(found: Storage) -> Desk:
    """Where this command's decisions are taken."""
    agents = {agent.name: agent for agent in found.config.agents}
    return Desk(open_decisions(found.directory), agents, found.config.revision)


def duty(found: Storage) -> Duty:
    """What on-call does there; without a ledger yet nothing is known of runs."""
    file = found.directory / LEDGER_FILE
    ledger = Ledger(file, read_only=True) if file.exists() else None
    tools = {agent.name: [t.name for t in agent.tools] for agent in found.config.agents}
    return Duty(desk(found), ledger, found.directory / FLAGS_FILE, tools)


def actor(found: Storage) -> Actor:
    """Who runs the command: the token in `AGENTSLO_TOKEN`, or the user of this machine. Whose token
    is nobody's is turned away, and that is recorded.
    """
    user = getpass.getuser()
    try:
        return identify(found.config.people, environ.get("AGENTSLO_TOKEN", ""), user)
    except Refused as refusal:
        words = " ".join(word for word in sys.argv[1:3] if not word.startswith("-"))
        ask = Ask(actor=Actor(name=user), right="report", agent="", subject="people", wants=words)
        desk(found).refuse(ask, refusal, time.time_ns())
        raise
