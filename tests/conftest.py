"""Fixtures for every test: the outside tools and the folder of shared recordings."""

import os
from pathlib import Path

import pytest

from support import tools


def _tool(name: str) -> Path:
    path = tools.find(name)
    if path is not None:
        return path
    reason = f"{name} not found; run `make tools`"
    if tools.required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def otelcol() -> Path:
    """The Collector built by `make tools`."""
    return _tool("otelcol")


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """The Prometheus server."""
    return _tool("prometheus")


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus's checker of rules and metrics."""
    return _tool("promtool")


@pytest.fixture(scope="session")
def alertmanager() -> Path:
    """The Alertmanager server."""
    return _tool("alertmanager")


@pytest.fixture(scope="session")
def amtool() -> Path:
    """Alertmanager's checker of routes."""
    return _tool("amtool")


@pytest.fixture(scope="session")
def helm() -> Path:
    """Helm, with the Prometheus Operator's definitions beside it."""
    return _tool("helm")


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A browser for the pages and dashboards."""
    return _tool("chromium")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Recordings that are no part of the repository; a clone without them skips their tests."""
    path = Path(os.environ.get("AGENTSLO_SHARED") or tools.PROJECT_ROOT.parent / "shared")
    if not path.is_dir():
        pytest.skip(f"no folder {path.name} beside the project; set AGENTSLO_SHARED")
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests timed on their way (`record_property("timed", ...)`)."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "timed" and report.when == "call":
                terminalreporter.write_line(str(value))
