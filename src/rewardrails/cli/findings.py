"""What the doctor finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is; a task is in order, and waits for somebody."""

    OK = "ok"
    TASK = "task"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what to do about it; `tasks` counts payouts that wait for somebody."""

    level: Level
    about: str
    found: str
    do: str = ""
    unbalanced: bool = False
    tasks: int = 0
