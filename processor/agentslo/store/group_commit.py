"""A thread that writes, and everybody who waits for it: one flush for all who wait together.

In: jobs from the event loop. Out: a future each, done when its job is on disk, or failed with what
the disk said. State: the jobs that wait. Order is kept. A slow disk makes
groups larger, not more; what may wait is bounded by those who look at `waiting`.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Job = TypeVar("Job")
Waiting = tuple[Job, "asyncio.Future[None]"]


class StoreFailed(Exception):
    """A job could not be written; its message names the kind of error."""


class GroupCommit(Generic[Job]):
    """Owns the thread. `submit` is called on the event loop; `commit` runs on the thread and
    raises where none of its jobs may be taken for written.
    """

    def __init__(self, name: str, commit: Callable[[list[Job]], None]) -> None:
        self._commit = commit
        self._jobs: deque[Waiting[Job]] = deque()
        self._arrived = threading.Condition()
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Jobs that have not been begun."""
        return len(self._jobs)

    def submit(self, job: Job) -> "asyncio.Future[None]":
        """Have a job written with the next group."""
        future = self._loop.create_future()
        # Nobody may be waiting: a failure is told to whoever looks, not to the log.
        future.add_done_callback(_seen)
        with self._arrived:
            self._jobs.append((job, future))
            self._arrived.notify()
        return future

    def stop(self, timeout_s: float) -> bool:
        """Write what waits and end; True if that was done in time."""
        with self._arrived:
            self._stopping = True
            self._arrived.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            with self._arrived:
                while not self._jobs and not self._stopping:
                    self._arrived.wait()
                group = list(self._jobs)
                self._jobs.clear()
            if not group:
                return
            self._write(group)

    def _write(self, group: "list[Waiting[Job]]") -> None:
        failure: StoreFailed | None = None
        try:
            self._commit([job for job, _ in group])
        except Exception as error:  # noqa: BLE001 - whatever the disk says is told to who waits
            failure = StoreFailed(f"{type(error).__name__}: {error}")
        with contextlib.suppress(RuntimeError):
            # The loop has ended where a stop was cut short.
            self._loop.call_soon_threadsafe(_settle, [f for _, f in group], failure)


def _settle(futures: "list[asyncio.Future[None]]", failure: StoreFailed | None) -> None:
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)


def _seen(future: "asyncio.Future[None]") -> None:
    if not future.cancelled():
        future.exception()
