"""What goes wrong, and at which step."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happens to a step."""

    EXIT = "exit"
    """The process ends before it: nothing of it happens any more, its connections are gone."""
    ERROR = "error"
    """It is refused and has no effect: a serialization failure, a connection that a rail does not take."""
    CUT = "cut"
    """The connection breaks before it has an effect."""
    HANG = "hang"
    """No answer until its deadline, while leases lapse and others go on; it has no effect."""
    LOST = "lost"
    """It has its effect, and the answer is lost with the connection."""
    PAUSE = "pause"
    """The process stands still before it, beyond its leases, while others go on; then it goes on as if nothing were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A kind of trouble at step number `at` (from 1); one that lasts meets every later step of the process too."""

    kind: Kind
    at: int
    lasts: bool = False


class Gone(BaseException):
    """This process has ended; not an `Exception`, for nobody inside it may catch its end."""


async def _nobody() -> None:
    """Stand-in for others where there are none."""


class Steps:
    """Counts the steps of one process and says which of them a fault meets.

    `others` is called once, while a step hangs or the process stands still: time passes, and the rest of the world goes on.
    """

    def __init__(self, fault: Fault | None = None, *, others: Callable[[], Awaitable[None]] = _nobody) -> None:
        self.fault = fault
        self.taken: list[str] = []
        self.met: str | None = None
        self.gone = False
        self._others = others
        self._stood_still = False

    def take(self, what: str) -> Kind | None:
        """Count one step; answers what happens to it. Raises `Gone` when the process ends here or has ended before."""
        if self.gone:
            raise Gone
        self.taken.append(what)
        fault = self.fault
        if fault is None or len(self.taken) < fault.at or (len(self.taken) > fault.at and not fault.lasts):
            return None
        self.met = self.met or what
        if fault.kind is Kind.EXIT:
            self.gone = True
            raise Gone
        return fault.kind

    async def stand_still(self) -> None:
        """Let the others go on for as long as a lease, once."""
        if not self._stood_still:
            self._stood_still = True
            await self._others()
