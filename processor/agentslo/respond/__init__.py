"""Operations on what the service decided and measured: incidents, containment, approvals, gates.

Everything here reads decisions from `agentslo.store.decisions`, checks who may do what, and records
the next one in the same transaction.
"""
