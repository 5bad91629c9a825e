"""Kinds of text that several sections of an agent file share.

In: text. Out: the same, or a `Fault`. No state.
"""

import re
import warnings
from dataclasses import dataclass

from agentslo.config.kinds import Duration, Fault, Number, Text
from agentslo.config.options import DAY_S
from agentslo.config.pattern_cost import MAX_WAYS, ways
from agentslo.config.problems import quoted

MAX_PATTERN_LENGTH = 500

WORD = Text(r"[^\s,](?:[^\n]{0,198}[^\s])?", "a name of at most 200 characters")
NAME = Text(r"[a-z][a-z0-9_-]{0,62}", "lower-case letters, digits, '-' and '_', 63 at most")
TOOL = Text(r"\S(?:[^\n]{0,198}\S)?", "the tool's name as the spans carry it")
ATTRIBUTE = Text(r"[^\s:,]{1,200}", "an attribute's name, such as app.ticket.priority")
FIELD = Text(r"[^\s](?:[^\n]{0,198}[^\s])?", "a field's name, dotted for what is inside another")
SENTENCE = Text(r".{1,1000}", "text")

USD = Number(0, 1_000_000)
WAIT = Duration(0, 7 * DAY_S)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that is searched for in a value."""

    words: str = "regular expression (Python), searched for anywhere in the value"

    def parse(self, text: str) -> str:
        """The expression as written, once it compiles."""
        if len(text) > MAX_PATTERN_LENGTH:
            what = f"the expression has {len(text)} characters"
            raise Fault(what, f"keep it at most {MAX_PATTERN_LENGTH}; list words with in:")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                re.compile(text)
                count = ways(text)
        except (re.error, RecursionError, OverflowError) as error:
            raise Fault(f"{quoted(text)} does not compile: {error}", "correct it") from None
        if count > MAX_WAYS:
            what = f"{quoted(text)} can match one text in so many ways that a search takes too long"
            fix = (
                "let at most one part such as .* end anywhere, none inside another repeat; "
                "[^,]*, ends at the comma"
            )
            raise Fault(what, fix)
        return text
