"""`agentslo bench`: what a span costs here and in the peers, measured in turn in one run."""
