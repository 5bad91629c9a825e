"""CPU time and memory of another process, from /proc.

In: process ids. Out: seconds and MiB. No state. CPU time is the sum of what its threads were on a
CPU, in nanoseconds; where a thread ended in between, that sum misses it, so user and system time
count, in ticks of 10 ms.
"""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
TICK_SLACK_S = 0.03


@dataclass(frozen=True, slots=True)
class Cpu:
    """A reading of one process."""

    threads_ns: dict[str, int]
    ticks_s: float

    def since(self, earlier: "Cpu") -> float:
        """CPU seconds between two readings."""
        ticked_s = self.ticks_s - earlier.ticks_s
        if self.threads_ns and earlier.threads_ns.keys() <= self.threads_ns.keys():
            total_ns = sum(self.threads_ns.values()) - sum(earlier.threads_ns.values())
            # A thread born and ended in between shows in the ticks alone.
            if total_ns / 1e9 > ticked_s - TICK_SLACK_S:
                return total_ns / 1e9
        return ticked_s


def cpu(pid: int) -> Cpu:
    """A reading now."""
    threads = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            threads[task.name] = int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Cpu(threads, (int(fields[11]) + int(fields[12])) / TICKS)


def memory_mib(pid: int, what: str = "VmHWM") -> float:
    """Peak (`VmHWM`) or present (`VmRSS`) resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    return 0.0
