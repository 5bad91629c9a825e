"""`agentslo bundle`: rules, routes, dashboards and their reference, written or compared.

In: a format, a folder, options. Out: files, and their names on standard output. No state. Exit
codes: 0 written or fresh, 1 usage or a folder that cannot be written, 2 stale. Source: design.md 5.
"""

import argparse
import re
import sys
from collections.abc import Mapping
from os import environ
from pathlib import Path

from agentslo.bundle.artefacts import prometheus_files, stale, write
from agentslo.bundle.openslo import openslo_files
from agentslo.bundle.operator import operator_files
from agentslo.bundle.rules import Options
from agentslo.bundle.text import Links
from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import load

FORMATS = ("prometheus", "prometheusrule", "openslo")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    links = Links()
    parser = subparsers.add_parser(
        "bundle",
        help="write or verify alert rules, routes, dashboards and their reference",
        description="Writes alert-rules/, grafana/ and docs/alerts.md below DIR. The rules fit"
        " every agent: they join the objectives agentslo exposes. Exit code 2: --check found stale"
        " files.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; name stale files")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="default: here")
    parser.add_argument("--format", choices=FORMATS, default="prometheus", help="what to write")
    parser.add_argument(
        "--extra-labels",
        type=_labels,
        default=(),
        metavar="a,b",
        help="labels your scrape adds, such as cluster, that rules keep apart",
    )
    parser.add_argument(
        "--runbooks-url",
        default=links.runbooks,
        metavar="URL",
        help="where the runbooks are served (default: their path in the repository)",
    )
    parser.add_argument(
        "--dashboards-url",
        default=links.dashboards,
        metavar="URL",
        help="where Grafana is (default: %(default)s)",
    )
    parser.add_argument(
        "--config", type=Path, help="service file: its objectives, for --format openslo"
    )
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes or compares the files."""
    try:
        files = _files(arguments)
        if arguments.check:
            return _report_stale(stale(files, arguments.out))
        written = write(files, arguments.out)
    except ConfigError as error:
        sys.stderr.write("\n".join(render(p) for p in error.problems) + "\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"agentslo bundle: {error}\n")
        return 1
    for name in written:
        print(f"wrote {arguments.out / name}")
    print(f"{len(files)} files, {len(written)} changed")
    return 0


def _report_stale(names: list[str]) -> int:
    for name in names:
        print(f"stale: {name}; run agentslo bundle")
    return 2 if names else 0


def _files(arguments: argparse.Namespace) -> Mapping[str, str]:
    links = Links(runbooks=arguments.runbooks_url, dashboards=arguments.dashboards_url)
    options = Options(extra_labels=arguments.extra_labels, links=links)
    if arguments.format == "prometheusrule":
        return operator_files(options)
    if arguments.format == "openslo":
        return openslo_files(load(arguments.config, environ))
    return prometheus_files(options)


def _labels(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    for name in names:
        if not _LABEL.fullmatch(name) or name in {"agent", "environment", "slo"}:
            raise argparse.ArgumentTypeError(f"{name!r} is no label name, or one rules have anyway")
    return names
