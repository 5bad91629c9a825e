"""Stands in for pagers and ticket systems: what Alertmanager sends arrives here and is kept.

In: Alertmanager webhooks on loopback. Out: `Arrival`s, oldest first, and a file with one JSON
object a line. State: the last `KEPT` arrivals.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

KEPT: Final = 1000
_BODY_MAX: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One alert as it reached a receiver; `who` is its path: page, ticket, deadman."""

    at_s: float
    who: str
    status: str
    name: str
    agent: str
    summary: str
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass(slots=True)
class Receiver:
    """Where alerts come to."""

    url: str = ""
    arrived: deque[Arrival] = field(default_factory=lambda: deque(maxlen=KEPT))

    def take(self, who: str, body: dict[str, Any], file: Path) -> None:
        """Keeps the alerts of one webhook call."""
        for alert in body.get("alerts", ()):
            labels, annotations = alert["labels"], alert["annotations"]
            arrival = Arrival(
                at_s=time.time(),
                who=who,
                status=alert["status"],
                name=labels.get("alertname", ""),
                agent=labels.get("agent", ""),
                summary=annotations.get("summary", ""),
                labels=labels,
                annotations=annotations,
            )
            self.arrived.append(arrival)
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"receiver": who, **alert}) + "\n")

    def firing(self) -> list[Arrival]:
        """The newest arrival of every alert that has not been resolved, the watchdog left out."""
        last = {json.dumps(a.labels, sort_keys=True): a for a in list(self.arrived)}
        return [a for a in last.values() if a.status == "firing" and a.who != "deadman"]


@contextmanager
def receiver(port: int, file: Path) -> Iterator[Receiver]:
    """A receiver on 127.0.0.1, until the block ends; `file` gets what came."""
    kept = Receiver()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("Content-Length", "0")), _BODY_MAX)
            body = json.loads(self.rfile.read(size))
            with lock:
                kept.take(self.path.strip("/"), body, file)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: arrivals are shown, not logged."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
