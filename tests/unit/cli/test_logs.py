"""Log lines: one a message, and nothing in them that a terminal obeys."""

import json
import logging

import pytest

from agentslo.cli.logs import set_up
from agentslo.config.options import LogOptions

HOSTILE = 'agent "x"\r\n2026-01-01 INFO all is well\x1b[2J\x00\u202etxt\u2028end'


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_hostile_name_stays_within_its_line(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(LogOptions(format=form))  # type: ignore[arg-type]  # one of the two words
    logging.getLogger("test").warning("saw %s", HOSTILE)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert written.rstrip("\n").isprintable()
    if form == "json":
        assert json.loads(written)["message"] == f"saw {HOSTILE}"
