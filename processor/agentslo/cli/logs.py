"""Log lines on standard error, as text or JSON, repeated lines held back.

In: `LogOptions`. Out: the root logger set up. State: the last time each line was written.
"""

import json
import logging
import sys
import time

from agentslo.config.options import LogOptions

REPEAT_S = 20.0


class _OncePerWhile(logging.Filter):
    """The same line at most once in REPEAT_S: a fault on every request must not drown the log."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key, now_s = (record.name, record.getMessage()), time.monotonic()
        if now_s - self._written.get(key, -REPEAT_S) < REPEAT_S:
            return False
        if len(self._written) > 1000:
            self._written.clear()
        self._written[key] = now_s
        return True


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def set_up(options: LogOptions) -> None:
    """Point the root logger at standard error."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_Json() if options.format == "json" else plain)
    handler.addFilter(_OncePerWhile())
    logging.basicConfig(level=options.level.upper(), handlers=[handler], force=True)
