"""Where the outside tools are: what `make tools` installed, else what this machine has.

A test asks through the fixtures of conftest.py, which skip where a tool is missing and fail where
`AGENTSLO_REQUIRE_TOOLS=1` says that none may be.
"""

import os
import shutil
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]

# Of no use from elsewhere: which components a Collector has built in differs, and the Prometheus
# Operator's definitions stand beside our Helm.
_ONLY_OURS = frozenset({"otelcol", "helm"})


def find(name: str) -> Path | None:
    """The program's path, or None where it is not to be had."""
    folder = Path(os.environ.get("AGENTSLO_TOOLS_DIR") or PROJECT_ROOT / ".tools")
    ours = folder / "bin" / name
    if os.access(ours, os.X_OK):
        return ours
    found = None if name in _ONLY_OURS else shutil.which(name)
    return Path(found) if found else None


def required() -> bool:
    """Whether a missing tool is a failure (CI) instead of a reason to skip."""
    return os.environ.get("AGENTSLO_REQUIRE_TOOLS") == "1"
