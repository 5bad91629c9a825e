"""A recorded stream through the pipeline, in event time (design.md 5, "Clock of a stream").

In: messages in order. Out: `Happening`s in order. The clock is the highest span end or log time
seen; it never goes back, and one message moves it by at most the maximum run age.
"""

from collections.abc import Iterable, Iterator

from agentslo.config.service_file import ServiceConfig
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import CutError
from agentslo.otlp.files import Message
from agentslo.service.assembly import pipeline
from agentslo.service.events import Happening


class Stream:
    """One replayed stream: its pipeline and its clock."""

    def __init__(self, config: ServiceConfig) -> None:
        self.pipeline = pipeline(config)
        self._max_step_ns = int(config.runs.max_age_s * 1e9)
        self._now_ns = 0

    def play(self, messages: Iterable[Message]) -> Iterator[Happening]:
        """Everything that happens while the messages come, then what is left at the end."""
        for message in messages:
            self._advance(message.time_ns)
            try:
                yield from self._take(message)
            except CutError:
                self.pipeline.tally["unreadable_message"] += 1
            yield from self.pipeline.due(self._now_ns)
        yield from self.pipeline.finish(self._now_ns)

    def _take(self, message: Message) -> Iterable[Happening]:
        if message.signal is Signal.LOGS:
            return self.pipeline.heard.logs(message.body, self._now_ns)
        return self.pipeline.traces(message.body, self._now_ns, message.path).happenings

    def _advance(self, time_ns: int) -> None:
        if not self._now_ns:
            self._now_ns = time_ns
        elif time_ns > self._now_ns:
            self._now_ns = min(time_ns, self._now_ns + self._max_step_ns)
