"""The command line: one file per noun; every command is a thin wrapper around an engine verb."""
