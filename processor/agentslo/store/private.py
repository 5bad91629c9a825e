"""Files of ours on disk: for their owner alone, and nobody else's in their place.

In: the path of a file to be written. Out: the file is there with mode 0600 in a directory of mode
0700, or `NotPrivate`. No state. Source: reliability.md S16.
"""

import os
import stat
from pathlib import Path

OWNER_ONLY = 0o600


class NotPrivate(OSError):
    """The path cannot be trusted; the message says why and what to do."""


def make_folder(path: Path) -> None:
    """Make a folder and those above it, for their owner alone, so that they outlast power loss."""
    if path.is_dir():
        return
    # One after the other: a mode is for the last folder alone, its parents would get the umask's.
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    flush_folder(path.parent)


def flush_folder(path: Path) -> None:
    """Have the names in a folder on disk: those of files made, moved or removed in it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_private(path: Path) -> None:
    """Make the file if it is not there; refuse one that others could have put there."""
    make_folder(path.parent)
    mode = path.parent.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise NotPrivate(f"{path.parent}: everybody may write there; take that right away (chmod)")
    if path.is_symlink():
        raise NotPrivate(f"{path}: is a symbolic link; give the directory it points to instead")
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, OWNER_ONLY)
    try:
        found = os.fstat(descriptor)
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~OWNER_ONLY:
            os.fchmod(descriptor, OWNER_ONLY)
    finally:
        os.close(descriptor)
