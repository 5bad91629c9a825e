"""The `redact` list of a destination: what must not leave for it.

In: nodes. Out: a `RedactRule` each. No state beyond asking the file system.
"""

from dataclasses import replace

from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Integer, Text, choice_of
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group, GroupList
from agentslo.config.transport import Action, Detector, RedactRule

MIN_SECRET_BYTES = 16


def _finish(rule: RedactRule, path: OptionPath, reading: Reading) -> RedactRule:
    if not rule.keys and not rule.detect and reading.is_sound(*path):
        reading.note(path, "names nothing", "add keys, such as '*api_key*', or detect")
    if rule.action == "hash" and not rule.key_file and reading.is_sound(*path):
        what = "without a secret whoever guesses a value can verify it"
        reading.note(path, what, "add key_file: a file with 16 bytes or more")
    if not rule.key_file:
        return rule
    file = reading.base / rule.key_file
    where = (*path, "key_file")
    try:
        if len(file.read_bytes().strip()) < MIN_SECRET_BYTES:
            fix = "write one with `openssl rand -hex 32`"
            reading.note(where, f"{quoted(rule.key_file)} has under {MIN_SECRET_BYTES} bytes", fix)
    except OSError as error:
        what = f"{quoted(rule.key_file)} cannot be read: {error.strerror}"
        reading.note(where, what, "correct the name; it is looked up beside this file")
    return replace(rule, key_file=str(file))


REDACT = GroupList(
    name="redact",
    doc="What must not leave for this destination. None: every span leaves as it came.",
    item=Group(
        name="rule",
        doc="Values found by their key or by what they look like. A span that no rule touches "
        "leaves byte for byte.",
        make=RedactRule,
        finish=_finish,
        fields=(
            TextList(
                "keys",
                Text(r"(?!(?:[^*]*\*){5})[^\s]{1,200}", "a key; `*` is any text, four at most"),
                "Keys of attributes, and of JSON inside them, in any case; also `name`, "
                "`status.message`, `body`.",
            ),
            TextList("detect", choice_of(Detector), "What to look for in every text."),
            Key("action", choice_of(Action), "What becomes of it."),
            Key("length", Integer(0, 100_000), "Characters that `truncate` leaves."),
            Key("key_file", Text(words="file name"), "Secret of `hash`."),
        ),
    ),
)
