"""Looks for damage in SQLite's log, which SQLite itself takes for the end of it.

In: the log of a file that nobody has open. Out: how many commits behind a damaged record will not
be read. No state. Source: SQLite's "WAL-mode File Format": records form a chain of checksums, and
all records of one round of the log carry the same salt.
"""

import struct
from pathlib import Path

HEADER = struct.Struct(">8I")
"""Magic, version, page size, round, two salts, two checksums."""
FRAME = struct.Struct(">6I")
"""Page, size of the file after a commit (else 0), two salts, two checksums."""
MAGIC = 0x377F0682
"""Checksums over little-endian words; with the lowest bit set, over big-endian ones."""
MAX_BYTES = 32 * 1024 * 1024
"""A log this long is not looked at: it takes a second for every 8 MiB."""
_MASK = 0xFFFFFFFF


def lost_commits(path: Path) -> int:
    """Commits behind the first damaged record. One alone was perhaps never finished: it counts as
    none. Raises `OSError`.
    """
    if not path.exists() or not HEADER.size < path.stat().st_size <= MAX_BYTES:
        return 0
    data = path.read_bytes()
    magic, _, page_bytes, _, *salts, first, second = HEADER.unpack_from(data)
    if magic & ~1 != MAGIC or page_bytes < 512:
        return 0
    order = ">" if magic & 1 else "<"
    sums = _chained(data[: HEADER.size - 8], (0, 0), order)
    sound, lost = sums == (first, second), 0
    for at in range(HEADER.size, len(data) - FRAME.size - page_bytes + 1, FRAME.size + page_bytes):
        _, committed, *salt, first, second = FRAME.unpack_from(data, at)
        if salt != salts:
            if sound:
                break
            continue
        if sound:
            sums = _chained(data[at : at + 8], sums, order)
            page = at + FRAME.size
            sums = _chained(data[page : page + page_bytes], sums, order)
            sound = sums == (first, second)
        lost += not sound and committed > 0
    return lost if lost > 1 else 0


def _chained(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = sums
    for low, high in struct.iter_unpack(order + "2I", data):
        one = (one + low + two) & _MASK
        two = (two + high + one) & _MASK
    return one, two
