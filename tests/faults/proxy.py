"""A TCP proxy that does what networks do: a thread with a loop of its own.

In: where to pass on to. Out: an address; `fault` may be changed at any time and holds for every
connection from then on. Answers are told from the rest by the frames of HTTP/2.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from support.ports import LOOPBACK

FRAME_HEAD_BYTES = 9
DATA, HEADERS, END_STREAM = 0, 1, 1
CHUNK_BYTES = 65_536
RESET_AFTER_BYTES = 300


class Fault(StrEnum):
    """What is wrong with the network."""

    NONE = "none"
    REFUSE = "refuse"
    """Connections are reset as soon as they are made; those there are, too."""
    STALL = "stall"
    """Nothing is passed on; all of it is, once the fault is over."""
    HALF_OPEN = "half open"
    """What is sent is lost, and nobody is told: not even when the fault is over."""
    SLOW = "slow"
    """One byte a second towards the server."""
    RESET = "reset"
    """Reset after some bytes of a connection."""
    DROP_ANSWERS = "drop answers"
    """The server gets all and answers; the answer is lost and the connection ends."""


class Proxy:
    """One listener and its connections. Counts connections and lost answers."""

    def __init__(self, target: str) -> None:
        self._host, _, self._port = target.rpartition(":")
        self.fault = Fault.NONE
        self.connections = 0
        self.answers_lost = 0
        self.address = ""
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        assert self._listening.wait(10)

    def stop(self) -> None:
        """End every connection."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, LOOPBACK, 0))
        self.address = f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        self._listening.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.fault is Fault.REFUSE:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(self._host, int(self._port))
        except OSError:
            writer.transport.abort()
            return
        ways = [self._up(reader, back), self._down(there, writer), self._cut()]
        tasks = [asyncio.create_task(way) for way in ways]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        writer.transport.abort()
        back.transport.abort()

    async def _cut(self) -> None:
        while self.fault is not Fault.REFUSE:
            await asyncio.sleep(0.02)

    async def _up(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Towards the server."""
        passed, lost = 0, False
        while data := await reader.read(1 if self.fault is Fault.SLOW else CHUNK_BYTES):
            while self.fault is Fault.STALL:
                await asyncio.sleep(0.02)
            if self.fault is Fault.SLOW:
                await asyncio.sleep(1)
            lost = lost or self.fault is Fault.HALF_OPEN
            if lost:
                continue
            passed += len(data)
            if self.fault is Fault.RESET and passed > RESET_AFTER_BYTES:
                return
            back.write(data)
            await back.drain()

    async def _down(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Towards the client, frame by frame."""
        lost = False
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await there.readexactly(FRAME_HEAD_BYTES)
                frame = head + await there.readexactly(int.from_bytes(head[:3], "big"))
                while self.fault is Fault.STALL:
                    await asyncio.sleep(0.02)
                lost = lost or self.fault is Fault.HALF_OPEN
                answer = head[3] in (DATA, HEADERS)
                if self.fault is Fault.DROP_ANSWERS and answer:
                    if head[3] == HEADERS and head[4] & END_STREAM:
                        self.answers_lost += 1
                        return
                elif not lost:
                    writer.write(frame)
                    await writer.drain()


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """A proxy in front of a server, until the block ends."""
    one = Proxy(target)
    one.start()
    try:
        yield one
    finally:
        one.stop()
