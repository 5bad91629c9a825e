"""What is made for other programs: rules, alerts, routes and their reference, from tables."""
