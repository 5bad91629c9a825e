"""Recorded and simulated agents, for a first look and for tests."""
