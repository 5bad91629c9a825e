"""The status page: HTML and JSON from plain values."""
