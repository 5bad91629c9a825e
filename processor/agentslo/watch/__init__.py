"""Watching agents for change: counts per slice of time, and pure statistics of those counts."""
