"""The status page: values in, HTML out. No script, no state, nothing asked of other programs."""
