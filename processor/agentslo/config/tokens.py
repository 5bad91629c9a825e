"""Files of bearer tokens that senders and people must show.

In: a file with one token a line (empty lines and lines that start with `#` aside; several lines
let a token be changed without a gap). Out: SHA-256 digests of the tokens, or `TokensError`. No
state. Secrets that sign aside, only digests leave this module: what checks a credential can never
be sent as one, as a destination's `headers` are (GHSA-pjv4-3c63-699f).
"""

import hashlib
from pathlib import Path

MIN_CHARACTERS = 22
"""128 bits in base64; nobody guesses such a token at any rate of tries."""
MAX_TOKENS = 100
MAX_BYTES = 65_536

Digests = tuple[bytes, ...]


class TokensError(ValueError):
    """The file holds no usable tokens; the message shows nothing of it."""


def read_tokens(path: Path) -> Digests:
    """The digest of every token in a file; raises `TokensError` or `OSError`."""
    return tuple(digest(token) for token in read_lines(path))


def read_lines(path: Path) -> tuple[bytes, ...]:
    """What a file holds itself: for secrets that sign. Raises `TokensError` or `OSError`."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TokensError(f"is larger than {MAX_BYTES} bytes")
    lines = [line.strip() for line in content.splitlines()]
    tokens = [line for line in lines if line and not line.startswith(b"#")]
    if not 1 <= len(tokens) <= MAX_TOKENS:
        raise TokensError(f"holds {len(tokens)} tokens; 1 to {MAX_TOKENS} are needed, one a line")
    if any(len(token) < MIN_CHARACTERS or not _is_token(token) for token in tokens):
        raise TokensError(
            f"holds a token shorter than {MIN_CHARACTERS} characters, or with other than "
            "printable ASCII in it"
        )
    return tuple(tokens)


def digest(token: bytes) -> bytes:
    """What is kept of a token, and compared."""
    return hashlib.sha256(token).digest()


def _is_token(token: bytes) -> bool:
    return all(0x21 <= character <= 0x7E for character in token)
