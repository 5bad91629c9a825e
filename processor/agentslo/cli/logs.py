"""Log lines on standard error, as text or JSON, repeated lines held back.

In: `LogOptions`. Out: the root logger set up. State: the last time each line was written.
"""

import json
import logging
import re
import sys
import time

from agentslo.config.options import LogOptions

REPEAT_S = 20.0
# Control characters, and those that turn the direction of writing.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


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


class _Text(logging.Formatter):
    """One line a message, whatever names it holds; a terminal obeys nothing in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], super().formatMessage(record))


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
    plain = _Text("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_Json() if options.format == "json" else plain)
    handler.addFilter(_OncePerWhile())
    logging.basicConfig(level=options.level.upper(), handlers=[handler], force=True)
