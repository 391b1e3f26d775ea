"""Time and ids of a simulated world: both depend on the seed alone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from rewardrails.testing.simulation.chance import Chance
from rewardrails.testing.simulation.turns import Stop, Turns, current_process

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
_FIRST_MILLISECOND = int(EPOCH.timestamp() * 1000)


@dataclass(kw_only=True)
class VirtualTime:
    """The world's time in seconds since its beginning, and how far each clock in it is off."""

    turns: Turns
    seconds: float = 0.0
    database_off: float = 0.0
    database_back: float = 0.0
    process_off: dict[str, float] = field(default_factory=dict)
    stood_still: dict[str, float] = field(default_factory=dict)

    def now(self) -> datetime:
        """Wall clock of the process that asks."""
        return EPOCH + timedelta(seconds=self.seconds + self.process_off.get(current_process(), 0.0))

    def monotonic(self) -> float:
        """Seconds that the asking process's machine was awake."""
        return self.seconds - self.stood_still.get(current_process(), 0.0)

    async def sleep(self, seconds: float) -> None:
        """Stand at a gate; whoever lets the sleeper go on lets the time pass too."""
        await self.turns.gate(Stop.SLEEP)
        self.seconds += seconds

    def database_now(self) -> datetime:
        """The database's clock."""
        return EPOCH + timedelta(seconds=self.seconds + self.database_off)


class SeededIds:
    """UUIDv7-shaped ids that grow, tokens and fractions, all from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = Chance(seed)
        self._count = 0

    def new_id(self) -> UUID:
        """An id larger than every earlier one."""
        self._count += 1
        low = (7 << 76) | (self._random.getrandbits(12) << 64) | (2 << 62) | self._random.getrandbits(62)
        return UUID(int=(_FIRST_MILLISECOND + self._count) << 80 | low)

    def random_fraction(self) -> float:
        """From 0 up to, not including, 1."""
        return self._random.random()

    def new_token(self, nbytes: int) -> str:
        """Hex digits; nothing here is secret."""
        return self._random.randbytes(nbytes).hex()
