"""The wiring: which stage hands what to which. Everything below knows nothing of its neighbours."""
