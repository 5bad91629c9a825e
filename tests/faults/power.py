"""What a disk holds after power is lost at any moment: writes and syncs, recorded and replayed.

In: a command and the folder it writes to, run under strace. Out: what it had told on standard
output by each moment, and the folder as it may then be found: everything that was synced, and of
the rest nothing, or about half, torn within pages. Directories are files too: a name made, moved
or removed is only sure once its folder was synced, and names change in order.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

TRACED = "pwrite64,write,fdatasync,fsync,ftruncate,rename,unlink,mkdir,openat"
SECTOR_BYTES = 512
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_PLACE = re.compile(r"(\d+)<([^>]*)>")


Keeps = Callable[[int], bool]
"""Whether the piece at an offset of a write is kept."""


@dataclass(slots=True)
class File:
    """What was synced, and what was written since."""

    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)
    """(offset, bytes), or (size, None) for a truncation."""

    def size(self) -> int:
        """As a program sees it."""
        return len(self.found(lambda _: True))

    def found(self, keeps: Keeps) -> bytes:
        """Its bytes if of what was written since only some is kept."""
        data = bytearray(self.synced)
        for place, written in self.since:
            if written is None:
                if keeps(0):
                    data[place:] = bytes(max(0, place - len(data)))
                continue
            for at in range(0, len(written), SECTOR_BYTES):
                if keeps(at):
                    piece = written[at : at + SECTOR_BYTES]
                    start = place + at
                    data.extend(bytes(max(0, start - len(data))))
                    data[start : start + len(piece)] = piece
        return bytes(data)

    def sync(self, until: int) -> None:
        """The first so many writes are sure now."""
        later, self.since = self.since[until:], self.since[:until]
        self.synced, self.since = self.found(lambda _: True), later


class Disk:
    """The folder as the program sees it, and as it may be found."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self.files: dict[str, File] = {}
        self._synced: dict[str, File | None] = {self._folder: None}
        """Names that are sure; None: a folder."""
        self._names: list[tuple[str, str, File | None]] = []
        """What happened to names since: (done, name, file); in order."""

    def mine(self, path: str) -> bool:
        """Whether it is in the folder."""
        return path == self._folder or path.startswith(self._folder + "/")

    def make(self, path: str) -> None:
        """A file is opened that may be new."""
        if path not in self.files:
            self.files[path] = File()
            self._names.append(("make", path, self.files[path]))

    def folder(self, path: str) -> None:
        """A folder is made."""
        self._names.append(("make", path, None))

    def remove(self, path: str) -> None:
        """A name goes."""
        if self.files.pop(path, None) is not None:
            self._names.append(("remove", path, None))

    def move(self, old: str, new: str) -> None:
        """A name changes."""
        self.files[new] = self.files.pop(old)
        self._names += [("make", new, self.files[new]), ("remove", old, None)]

    def sync(self, path: str, until: int) -> None:
        """A file or a folder was synced."""
        if path in self.files:
            self.files[path].sync(until)
            return
        mine = [one for one in self._names if str(Path(one[1]).parent) == path]
        self._names = [one for one in self._names if one not in mine]
        self._apply(self._synced, mine)

    def pending(self, path: str) -> int:
        """How many writes are not sure yet."""
        return len(self.files[path].since) if path in self.files else 0

    @staticmethod
    def _apply(names: dict[str, File | None], changes: list[tuple[str, str, File | None]]) -> None:
        for done, path, file in changes:
            if done == "make":
                names[path] = file
            else:
                names.pop(path, None)

    def found(self, chance: Random | None) -> dict[str, bytes | None]:
        """Name to bytes, None for a folder. Without a chance nothing unsynced is kept."""
        names = dict(self._synced)
        if chance is not None:
            self._apply(names, self._names[: chance.randint(0, len(self._names))])

        def keeps(_: int) -> bool:
            return chance is not None and chance.random() < 0.5

        there = {path for path in names if all(str(up) in names for up in self._above(path))}
        return {
            path: None if (file := names[path]) is None else file.found(keeps) for path in there
        }

    def _above(self, path: str) -> Iterator[Path]:
        for up in Path(path).parents:
            if self.mine(str(up)):
                yield up


def record(strace: str, folder: Path, log: Path, *arguments: str) -> None:
    """Run a Python program under strace."""
    command = [strace, "-f", "-y", "-xx", "-s", "4000000", "-e", f"trace={TRACED}"]
    command += ["-e", "signal=none", "-qq", "-o", str(log), sys.executable, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=folder.parent, timeout=120)


def replay(disk: Disk, log: Path) -> Iterator[str]:
    """Apply what was recorded, call by call; gives what the program told with a call, or ""."""
    begun: dict[str, tuple[str, str, int]] = {}
    for line in log.read_text().splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        thread, resumed, call, rest = found.groups()
        if rest.endswith("<unfinished ...>"):
            begun[thread] = call, rest.removesuffix("<unfinished ...>"), _sure(disk, rest)
            continue
        sure = _sure(disk, rest)
        if resumed:
            call, start, sure = begun.pop(thread)
            rest = start + rest
        if " = -1 " in rest or " = ?" in rest:
            continue
        yield _call(disk, call, rest, sure)


def _sure(disk: Disk, rest: str) -> int:
    place = _PLACE.match(rest)
    return disk.pending(_decoded(place.group(2)).decode()) if place else 0


def _decoded(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _call(disk: Disk, call: str, rest: str, sure: int) -> str:
    place = _PLACE.match(rest)
    texts = [_decoded(text) for text in _TEXT.findall(rest)]
    if call == "write" and place and place.group(1) == "1":
        return texts[0].decode()
    path = _decoded(place.group(2)).decode() if place else texts[0].decode()
    if not disk.mine(path) and call != "openat":
        return ""
    if call == "openat":
        opened = _decoded(_PLACE.findall(rest)[-1][1]).decode()
        if disk.mine(opened) and "O_CREAT" in rest:
            disk.make(opened)
    elif call == "mkdir":
        disk.folder(path)
    elif call == "unlink":
        disk.remove(path)
    elif call == "rename":
        disk.move(path, texts[1].decode())
    elif call in ("fsync", "fdatasync"):
        disk.sync(path, sure)
    elif path in disk.files:
        _written(disk.files[path], call, rest, texts)
    return ""


def _written(file: File, call: str, rest: str, texts: list[bytes]) -> None:
    numbers = re.findall(r", (\d+)", rest.rsplit(")", 1)[0])
    done = int(rest.rsplit("= ", 1)[1].split(maxsplit=1)[0])
    if call == "pwrite64":
        file.since.append((int(numbers[-1]), texts[0][:done]))
    elif call == "write":
        # All that is written without a place is appended.
        file.since.append((file.size(), texts[0][:done]))
    elif call == "ftruncate":
        file.since.append((int(numbers[-1]), None))
