"""Running a program for the length of a test.

In: a command, a file for its output, the sign that it is ready. Out: a `Running` that tells what
it wrote and whether it lives. On the way out it is told to stop, then killed. Where anything fails
while it runs, the failure carries the end of its log.
"""

import contextlib
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from support.wait import until

LOG_TAIL_CHARS = 4_000
READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0


class ProcessError(AssertionError):
    """The program ended before it was ready; the message ends with its log."""


class Running:
    """A started program. One owner, which leaves it by `with`; state: the process and its log."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is not None:
            error.add_note(f"{self._name()} wrote:\n{self.tail()}")

    def text(self) -> str:
        """All the program has written until now."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tail(self) -> str:
        """The end of what the program has written."""
        return self.text()[-LOG_TAIL_CHARS:]

    def await_ready(self, ready: Callable[[], object], timeout_s: float = READY_TIMEOUT_S) -> None:
        """Waits until `ready()` is true; fails at once if the program ends before."""

        def ready_or_ended() -> bool:
            if self.process.poll() is not None:
                message = f"{self._name()} ended with code {self.process.returncode}"
                raise ProcessError(message)
            return bool(ready())

        until(ready_or_ended, timeout_s=timeout_s, what=f"{self._name()} to be ready")

    def stop(self, stop_signal: int = signal.SIGTERM) -> int:
        """Asks the program to stop, kills it if it does not, and gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(stop_signal)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Ends the program the hard way (SIGKILL) and gives its exit code."""
        self.process.kill()
        return self.process.wait()

    def _name(self) -> str:
        command = self.process.args
        assert isinstance(command, list)
        return Path(str(command[0])).name


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[], object],
    timeout_s: float = READY_TIMEOUT_S,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Running]:
    """Runs `command` until the block ends; enters it once `ready()` is true."""
    with Running(command, log=log, env=env, cwd=cwd) as process:
        process.await_ready(ready, timeout_s)
        yield process


def answers(url: str) -> Callable[[], bool]:
    """A readiness sign: `url` answers with status 200."""

    def ok() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return ok
