"""Who goes on next: every actor stops at its gates, and only the one that is told to goes on.

An actor is a coroutine of the engine. It stops before every transaction, before the first byte of every call to a rail,
before it reads the answer, and when it sleeps. In between it runs alone, so that a run depends on nothing but the words it is
given at its gates.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Stop(StrEnum):
    """Where an actor stands."""

    START = "start"
    DATABASE = "database"
    FIRST_BYTE = "first byte"
    QUESTION = "question"
    REPLY = "reply"
    SLEEP = "sleep"


class Killed(BaseException):
    """Thrown at a gate or a statement: the process is gone."""


@dataclass(eq=False, kw_only=True)
class Actor:
    """One coroutine of one process, and the gate it stands at (None: it is running or has ended).

    `about` is the payout (32 hex digits) that a call may send money for.
    """

    name: str
    process: str
    about: str = ""
    stop: Stop | None = None
    rail: str = ""
    error: BaseException | None = None
    task: "asyncio.Task[Any] | None" = field(default=None, repr=False)
    _word: "asyncio.Future[str] | None" = field(default=None, repr=False)
    quiet: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def end(self, task: "asyncio.Task[Any]") -> None:
        """Note that it has ended, and why."""
        self.error = task.exception()
        self.quiet.set()

    def stand(self, stop: Stop, rail: str) -> "asyncio.Future[str]":
        """Arrive at a gate; the word comes with the future."""
        self.stop, self.rail = stop, rail
        self._word = asyncio.get_running_loop().create_future()
        self.quiet.set()
        return self._word

    def leave(self) -> "asyncio.Future[str]":
        """Leave the gate; whoever calls this gives the word."""
        if self._word is None:
            raise LookupError(f"{self.name} stands at no gate")
        gate, self._word, self.stop = self._word, None, None
        self.quiet.clear()
        return gate

    @property
    def ended(self) -> bool:
        """Whether it has nothing left to do."""
        return self.task is not None and self.task.done()


_current: ContextVar[Actor | None] = ContextVar("rewardrails_simulated_actor", default=None)


def current_process() -> str:
    """The process whose actor runs now; empty outside of any."""
    actor = _current.get()
    return actor.process if actor else ""


class Turns:
    """All actors of a run, by name, in the order they were started."""

    def __init__(self) -> None:
        self._actors: dict[str, Actor] = {}

    def __iter__(self) -> Iterator[Actor]:
        """Actors that have not ended."""
        return iter([actor for actor in self._actors.values() if not actor.ended])

    def find(self, name: str) -> Actor | None:
        """The actor of this name, unless it has ended."""
        actor = self._actors.get(name)
        return None if actor is None or actor.ended else actor

    def begin(self, name: str, process: str, work: Coroutine[Any, Any, Any], *, about: str = "") -> Actor:
        """Start an actor; `settle` brings it to its first gate."""
        if self.find(name) is not None:
            work.close()
            raise LookupError(f"{name} is at work already")
        actor = Actor(name=name, process=process, about=about)
        context = copy_context()
        context.run(_current.set, actor)
        actor.task = asyncio.get_running_loop().create_task(work, context=context)
        actor.task.add_done_callback(actor.end)
        self._actors[name] = actor
        return actor

    async def settle(self) -> None:
        """Wait until every actor stands at a gate or has ended."""
        while busy := [actor for actor in self if not actor.quiet.is_set()]:
            await busy[0].quiet.wait()

    async def go_on(self, actor: Actor, word: str) -> None:
        """Let an actor go on from its gate with this word, up to its next one."""
        gate = actor.leave()
        gate.set_result(word)
        await self.settle()

    async def kill(self, actor: Actor) -> None:
        """End an actor where it stands."""
        gate = actor.leave()
        gate.set_exception(Killed())
        await self.settle()

    async def gate(self, stop: Stop, *, rail: str = "") -> str:
        """Stand here until told to go on; answers the word. Whoever is no actor walks through."""
        actor = _current.get()
        if actor is None:
            return ""
        return await actor.stand(stop, rail)

    def forget_ended(self) -> list[Actor]:
        """Actors that have ended since the last time."""
        ended = [actor for actor in self._actors.values() if actor.ended]
        for actor in ended:
            del self._actors[actor.name]
        return ended
