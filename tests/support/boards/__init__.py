"""Our linter of dashboards: one rule a module, each a function from a dashboard to complaints.

Rules read the committed JSON, not the tables it is made from: what Grafana will read is checked.
"""
