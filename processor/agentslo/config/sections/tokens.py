"""`token_file` options: files of bearer tokens a listener asks for.

In: a file name. Out: the absolute name of a file that holds tokens. No state beyond asking the file
system; nothing of a token's text is in any message.
"""

from agentslo.config.fields import Key
from agentslo.config.kinds import Text
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.tokens import TokensError, read_tokens

_FIX = "write one token a line, such as `openssl rand -hex 32` makes"


def token_file(name: str, doc: str) -> Key:
    """An option that names a file of tokens."""
    return Key(name, Text(words="file name"), doc)


def checked(written: str, path: OptionPath, reading: Reading) -> str:
    """The file's absolute name, a problem noted where it holds no tokens; nothing for nothing."""
    if not written:
        return ""
    file = reading.base / written
    try:
        read_tokens(file)
    except TokensError as error:
        reading.note(path, f"{quoted(written)} {error}", _FIX)
    except OSError as error:
        reading.note(path, f"{quoted(written)} cannot be read: {error.strerror}", _FIX)
    return str(file)
