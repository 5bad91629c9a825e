"""What packages that extend agentslo test themselves with; not used by the service."""

from agentslo.testing.detectors import check_detector
from agentslo.testing.dialects import check_dialect, span

__all__ = ["check_detector", "check_dialect", "span"]
