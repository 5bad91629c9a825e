"""Reports of evaluations, as a training pipeline would hand them in."""

import hashlib
from typing import Any

from agentslo.respond.evaluation import ADVERSARIAL, FORMAT, STAGES, STRATA


def digest(name: str) -> str:
    """Some SHA-256."""
    return hashlib.sha256(name.encode()).hexdigest()


def a_report(request: str, bundle_sha256: str, release: str = "r2") -> dict[str, Any]:
    """A report that passes every bar."""
    return {
        "format": FORMAT,
        "request": request,
        "bundle_sha256": bundle_sha256,
        "candidate": {"release": release, "sha256": digest(release)},
        "stages": {name: {"sha256": digest(name), "seconds": 60} for name in STAGES},
        "strata": {name: {"cases": 40, "passed": 40, "stable_ratio": 0.95} for name in STRATA},
        "adversarial": {name: {"cases": 20, "passed": 20} for name in ADVERSARIAL},
        "transaction_integrity": {"cases": 8, "passed": 8},
        "index": {
            "version": "2026-09-20",
            "rebuilt_at": "2026-09-20T10:00:00Z",
            "source_age_s": 3600,
            "max_source_age_s": 86_400,
            "lineage": [digest("handbook"), digest("tickets")],
        },
        "leakage": {"training": 400, "golden": 120, "overlaps": 0},
        "data_quality": {"labelled": 400, "disputed": 8},
    }
