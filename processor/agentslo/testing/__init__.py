"""What packages that extend agentslo test themselves with; not used by the service."""

from agentslo.testing.dialects import check_dialect, span

__all__ = ["check_dialect", "span"]
