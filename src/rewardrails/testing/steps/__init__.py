"""Fault at every step: counts what an engine says to its database and its rails, and fails the N-th of it.

A *step* is one SQL statement, one COMMIT or one request to a rail. `every_step` lives the same life again and again, with a
fault at its first step, its second, and so on, until a life reaches its end without meeting the fault: so no step is left
out, however many there are.
"""

from rewardrails.testing.steps.database import SteppedDatabase
from rewardrails.testing.steps.every import every_step
from rewardrails.testing.steps.fault import Fault, Gone, Kind, Steps
from rewardrails.testing.steps.http import SteppedHttp
from rewardrails.testing.steps.process import Process, started
from rewardrails.testing.steps.shift import Shift

__all__ = [
    "Fault",
    "Gone",
    "Kind",
    "Process",
    "Shift",
    "SteppedDatabase",
    "SteppedHttp",
    "Steps",
    "every_step",
    "started",
]
