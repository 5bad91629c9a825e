"""The dashboards: one board a module, the builders they share beside them."""
