"""Starting the programs around the demo: finding them, their ports, their logs, their end.

In: commands. Out: processes that live until their `ExitStack` closes. State: the processes.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
READY_S: Final = 60.0
STOP_S: Final = 30.0
_TAIL_CHARS: Final = 600


class NotStarted(RuntimeError):
    """A program ended, or was not ready in time; the message ends with its log."""


def find(*names: str) -> Path | None:
    """The first of some programs that `make tools` installed here, or that is in PATH."""
    ours = Path(os.environ.get("AGENTSLO_TOOLS_DIR") or ".tools") / "bin"
    for name in names:
        if os.access(ours / name, os.X_OK):
            return (ours / name).absolute()
    found = next((at for name in names if (at := shutil.which(name))), None)
    return Path(found) if found else None


def free_port(wanted: int) -> int:
    """The port itself where nothing listens on it, else any free one."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise NotStarted(f"no free port on {LOOPBACK}")


def start(stack: ExitStack, command: Sequence[str | Path], log: Path, ready_url: str) -> None:
    """Starts a program and waits until `ready_url` answers 200; the stack ends it."""
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops them in order
        )
    stack.callback(_stop, process)
    deadline_s = time.monotonic() + READY_S
    while not answers(ready_url):
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline_s:
            said = log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARS:].strip()
            what = "ended" if ended else f"was not ready within {READY_S:g} s"
            raise NotStarted(f"{Path(command[0]).name} {what}; it said:\n{said}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Whether an address of ours answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - loopback
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
