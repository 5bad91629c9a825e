"""`agentslo check`: every problem of the configuration, before anything is started.

In: names of service files, agent files and folders. Out: problems and warnings on standard output,
then one line that sums up. No state. Exit codes: 0 no problem (warnings stop nothing), 1 problems.
Source: design.md 5.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from os import environ
from pathlib import Path
from typing import TextIO

from agentslo.config.checking import check
from agentslo.config.problems import Problem, as_json, render
from agentslo.config.service_file import NO_FILE

DEFAULT_FILE = "agentslo.yaml"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "check",
        help="name every problem in the configuration",
        description="Names every problem in service files, agent files and AGENTSLO_* variables "
        "as FILE:LINE:COL: what; how to fix. A service file's agent files are checked with it. "
        "Exit code 0: none, or warnings alone; 1: problems.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="F",
        help=f"service files, agent files or folders (default: ./{DEFAULT_FILE} if there)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=_from_arguments)


def run(paths: Sequence[str]) -> int:
    """Checks the files, or the default one, in this process's environment; prints text."""
    checked = _checked(paths)
    return _print_text(check(checked, environ), checked, sys.stdout)


def _from_arguments(arguments: argparse.Namespace) -> int:
    if not arguments.json:
        return run(arguments.files)
    checked = _checked(arguments.files)
    return _print_json(check(checked, environ), checked, sys.stdout)


def _checked(paths: Sequence[str]) -> tuple[str, ...]:
    """What is to be checked; empty where there is only the environment."""
    if paths:
        return tuple(paths)
    return (DEFAULT_FILE,) if Path(DEFAULT_FILE).exists() else ()


def _print_text(problems: Sequence[Problem], checked: Sequence[str], out: TextIO) -> int:
    for problem in problems:
        _write(out, render(problem))
    what = ", ".join(checked) or f"{NO_FILE}: no ./{DEFAULT_FILE} here, so the defaults"
    _write(out, f"checked {what}, and AGENTSLO_* variables: {_count(problems)}")
    return _code(problems)


def _print_json(problems: Sequence[Problem], checked: Sequence[str], out: TextIO) -> int:
    report = {"checked": list(checked), "problems": [as_json(problem) for problem in problems]}
    _write(out, json.dumps(report))
    return _code(problems)


def _count(problems: Sequence[Problem]) -> str:
    errors = sum(problem.is_error for problem in problems)
    warnings = len(problems) - errors
    parts = [{0: "no problem", 1: "1 problem"}.get(errors, f"{errors} problems")]
    if warnings:
        parts.append("1 warning" if warnings == 1 else f"{warnings} warnings")
    return ", ".join(parts)


def _code(problems: Sequence[Problem]) -> int:
    return 1 if any(problem.is_error for problem in problems) else 0


def _write(out: TextIO, line: str) -> None:
    """Prints a line; a file name the terminal cannot show is escaped, not fatal."""
    encoding = out.encoding or "utf-8"
    out.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
