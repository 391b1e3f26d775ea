"""Processor time of the processes a measurement runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import psutil

from rewardrails.engine.core import Core

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class CpuMeter:
    """Processor seconds used since `start`, by name; the server's are those of its connections alone."""

    _core: Core
    _processes: Mapping[str, list[int]]
    _before: Mapping[int, float]

    @classmethod
    async def start(cls, core: Core, processes: Mapping[str, list[int]]) -> Self:
        """Begin to count for these process ids."""
        pids = [pid for group in processes.values() for pid in group] + await _backends(core)
        return cls(core, processes, {pid: _seconds(pid) for pid in pids})

    async def microseconds_each(self, count: int) -> dict[str, float]:
        """Microseconds for each of `count` things."""
        groups = {**self._processes, "PostgreSQL": await _backends(self._core)}
        return {
            name: 1e6 * sum(_seconds(pid) - self._before.get(pid, 0.0) for pid in pids) / count
            for name, pids in groups.items()
        }


async def _backends(core: Core) -> list[int]:
    async with core.database.reading() as connection:
        return [row["pid"] for row in await connection.fetch(BACKENDS)]


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
