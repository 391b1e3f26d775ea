"""Exit codes."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command ends with; scripts may rely on it."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    CONFIGURATION = 3
    DATABASE = 4
    UNBALANCED = 5
    INTERRUPTED = 130
