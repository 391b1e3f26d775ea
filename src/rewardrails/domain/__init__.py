"""The rules of paying rewards out, pure: no input or output, no clock of its own, no framework."""
