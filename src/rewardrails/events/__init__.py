"""The one event log: its sealer, its deliveries, and the guarded way out."""
