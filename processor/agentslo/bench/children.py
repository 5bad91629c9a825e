"""Processes that a benchmark starts and ends.

In: a command line. Out: a `Child`, ended by its own process id. State: the process and its log.
"""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

READY_S = 60.0
STOP_S = 10.0
LOG_TAIL = 1_500
LOOPBACK = "127.0.0.1"


class ChildFailed(Exception):
    """A process ended, or was not ready in time."""


class Child:
    """A running process; a context manager that ends it."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log, self._name = log, Path(command[0]).name
        with log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 - commands of our own making
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                cwd=log.parent,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def said(self, pattern: str) -> str:
        """Wait until it writes what matches; gives the first group. Raises `ChildFailed`."""
        for _ in self._waiting(f"did not say {pattern}"):
            found = re.search(pattern, self._text())
            if found:
                return found.group(1)
        raise AssertionError  # pragma: no cover - the wait above raises

    def port(self) -> int:
        """Wait until it tells which port it listens on. Raises `ChildFailed`."""
        return int(self.said(r"port (\d+)"))

    def listens(self, port: int) -> None:
        """Wait until it takes connections. Raises `ChildFailed`."""
        for _ in self._waiting(f"does not listen on {port}"):
            try:
                socket.create_connection((LOOPBACK, port), timeout=1).close()
            except OSError:
                continue
            return

    def _waiting(self, what: str) -> "_Waiting":
        return _Waiting(self, what)

    def ended(self) -> bool:
        """Whether it is gone."""
        return self._process.poll() is not None

    def complaint(self, what: str) -> str:
        """What went wrong, with the end of its log."""
        return f"{self._name} {what}; it wrote:\n{self._text()[-LOG_TAIL:]}"

    def _text(self) -> str:
        return self._log.read_text(errors="replace")


class _Waiting:
    """Tries, a moment apart, until the time is up or the process has ended."""

    def __init__(self, child: Child, what: str) -> None:
        self._child, self._what = child, what
        self._deadline_s = time.monotonic() + READY_S

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> None:
        if self._child.ended():
            raise ChildFailed(self._child.complaint("ended"))
        if time.monotonic() > self._deadline_s:
            raise ChildFailed(self._child.complaint(self._what))
        time.sleep(0.05)


def free_port() -> int:
    """A loopback port for programs that cannot be told to choose one."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
