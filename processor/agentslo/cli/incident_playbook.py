"""`agentslo incident playbook`: what to do about each kind of incident, on a page each.

In: the service file with its agent files. Out: Markdown, JSON, or Alertmanager routes. Exit codes:
0 printed, 1 usage or configuration.
"""

import argparse
import json
import sys
from dataclasses import asdict
from os import environ
from pathlib import Path
from typing import Any

import yaml

from agentslo.config.agent_options import AgentFile
from agentslo.config.playbook_options import CATEGORIES
from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import load
from agentslo.respond.playbook import plays
from agentslo.respond.playbook_page import called, page, routes


def add_playbook(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command below `agentslo incident`."""
    parser = commands.add_parser("playbook", help="what to do about each kind of incident")
    parser.add_argument("--config", type=Path, help="service file (default: $AGENTSLO_CONFIG)")
    parser.add_argument("--agent", default="", help="of this agent; default: as shipped")
    parser.add_argument("--category", choices=CATEGORIES, default="", help="one kind alone")
    parser.add_argument(
        "--format",
        choices=("markdown", "routes"),
        default="markdown",
        help="routes: for Alertmanager, who is called by kind; needs --agent",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(func=_run)


def _run(arguments: argparse.Namespace) -> int:
    named = arguments.config or environ.get("AGENTSLO_CONFIG")
    try:
        config = load(Path(named) if named else None, environ)
    except ConfigError as error:
        sys.stderr.write("\n".join(render(p) for p in error.problems) + "\n")
        return 1
    file = next((one for one in config.agents if one.name == arguments.agent), None)
    if file is None and (arguments.agent or arguments.format == "routes"):
        known = ", ".join(one.name for one in config.agents) or "none is declared"
        sys.stderr.write(f"agentslo incident playbook: give --agent one of: {known}\n")
        return 1
    if file is not None and arguments.format == "routes":
        said = {"routes": routes(file)}
        _write(said, as_json=arguments.json)
        return 0
    chosen = [c for c in CATEGORIES if arguments.category in ("", c)]
    if arguments.json:
        _write({c: _as_json(c, file) for c in chosen}, as_json=True)
    else:
        sys.stdout.write("\n".join(page(category, file) for category in chosen))
    return 0


def _as_json(category: Any, file: AgentFile | None) -> dict[str, Any]:  # noqa: ANN401 - one of CATEGORIES
    play = plays(file)[category]
    return {**asdict(play), "called": called(play, file)}


def _write(value: object, *, as_json: bool) -> None:
    text = json.dumps(value, indent=2) + "\n" if as_json else yaml.safe_dump(value, sort_keys=False)
    sys.stdout.write(text)
