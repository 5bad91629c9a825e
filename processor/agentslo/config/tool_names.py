"""What a tool does, guessed from its name.

In: a name. Out: read, write or None. Pure. A guess is for a person to correct; nothing is judged by
it.
"""

import re

from agentslo.config.agent_options import Effect

_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_WRITING = """
accept add approve archive assign ban block book buy cancel change charge close commit create
deactivate delete deploy disable drop edit enable escalate exchange execute file fill forward give
grant insert invite issue lock log merge modify move notify open order patch pay place post publish
purchase push put refund register reject release remove rename reply reschedule reserve reset
restart return revoke run save schedule sell send set share sign start stop submit subscribe
terminate transfer trigger unlock unsubscribe update upload withdraw write
"""
_READING = """
analyze browse calculate check compare convert count describe download extract fetch find get
inspect list load lookup navigate plan query read recall retrieve search select show summarize think
translate validate verify view wait
"""
_WRITES, _READS = frozenset(_WRITING.split()), frozenset(_READING.split())


def guessed_effect(tool: str) -> Effect | None:
    """What the first telling verb of a tool's name says; None where none tells."""
    for token in _TOKEN.findall(tool):
        word = token.lower()
        if word in _READS:
            return "read"
        if word in _WRITES:
            return "write"
    return None
