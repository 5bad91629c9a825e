"""What a figure was measured on. Reads /proc and installed packages; no state."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def machine() -> dict[str, str]:
    """Date, processor, cores, Python and the packages that decide the cost."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{model}, {os.cpu_count()} cores",
        "load": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "agentslo": version("agentslo"),
        **{package: version(package) for package in ("grpcio", "protobuf", "prometheus-client")},
    }
