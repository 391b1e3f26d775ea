"""Keys, secrets at rest, and who may do what."""
