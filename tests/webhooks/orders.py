"""Plays what a rail tells of many payouts, each in an order of its own, through the real doors, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from rewardrails.domain.order import AttemptRef
from rewardrails.domain.payout import PayoutState, may_move
from rewardrails.engine.core import Core
from rewardrails.engine.observe import Seen, apply_observations
from rewardrails.engine.send import claim, send
from rewardrails.engine.sync import Asked, apply_answers
from rewardrails.engine.webhooks import apply_notices, store_notices, verify
from rewardrails.ledger.invariants import verify as verify_books
from rewardrails.providers.base import Reference
from tests.support.season import BUDGET, pool, request, reward
from tests.webhooks.wire_rail import WireRail

AMOUNT_MINOR = 1000
ENDS = {
    "processing": frozenset({"pending"}),
    "paid": frozenset({"paid"}),
    "failed": frozenset({"failed", "returned"}),
    "returned": frozenset({"failed", "returned"}),
    "canceled": frozenset({"canceled"}),
}
"""Where a payout may end when this is the rail's last word: money that came back is `failed` if we never saw it leave."""


@dataclass(frozen=True, slots=True)
class Call:
    """The answer to our own call arrives."""


@dataclass(frozen=True, slots=True)
class Told:
    """A notice arrives; the same `event` again is a redelivery."""

    status: str
    event: str


@dataclass(frozen=True, slots=True)
class Polled:
    """The answer to a question arrives."""

    status: str


Step = Call | Told | Polled
Play = Sequence[Step]


@dataclass(frozen=True, slots=True)
class Part:
    """One payout, its call's answer that nobody has applied yet, and what is still to come."""

    rail_key: str
    answer: Seen
    play: Play

    @property
    def ref(self) -> AttemptRef:
        """The attempt."""
        return self.answer.ref


class Company:
    """Fresh payouts for every performance, on one engine and one rail."""

    def __init__(self, core: Core, rail: WireRail) -> None:
        self.core = core
        self.rail = rail
        self._next = 0

    async def perform(
        self, plays: Sequence[Play], *, waits: bool = False, last_words: Sequence[str] = ()
    ) -> list[UUID]:
        """Play them side by side, a step of each at a time; with `waits` every notice lies in the inbox until the end.

        `last_words` are what the rail answers about each when everything else has been heard.
        """
        parts = await self._cast(plays)
        for step_no in range(max(map(len, plays))):
            steps = [(part, part.play[step_no]) for part in parts if step_no < len(part.play)]
            await self._calls([part for part, step in steps if isinstance(step, Call)])
            await self._notices([(part, step) for part, step in steps if isinstance(step, Told)])
            if not waits:
                await self.apply_all()
            await self.polls([(part, step.status) for part, step in steps if isinstance(step, Polled)])
        await self.apply_all()
        if last_words:
            await self.polls(list(zip(parts, last_words, strict=True)))
        return [part.ref.payout_id for part in parts]

    async def apply_all(self) -> None:
        """Apply what is in the inbox."""
        while await apply_notices(self.core, 1000):
            pass

    async def polls(self, answers: Sequence[tuple[Part, str]]) -> None:
        """Apply the rail's answers to questions."""
        asked = [
            (
                Asked(
                    reference=Reference(ref=part.ref, amount=self.rail.orders[part.rail_key].amount),
                    fence=None,
                    sent_seconds_ago=60.0,
                ),
                self.rail.answer(part.rail_key, status),
            )
            for part, status in answers
        ]
        await apply_answers(self.core, self.rail, asked)

    async def _cast(self, plays: Sequence[Play]) -> list[Part]:
        numbers = range(self._next, self._next + len(plays))
        self._next += len(plays)
        await request(self.core, [reward(number, amount_minor=AMOUNT_MINOR) for number in numbers])
        claimed = await claim(self.core, self.rail, BUDGET, len(plays))
        assert len(claimed) == len(plays)
        return [
            Part(item.order.rail_key, await send(self.core, self.rail, item), play)
            for item, play in zip(claimed, plays, strict=True)
        ]

    async def _calls(self, parts: Sequence[Part]) -> None:
        await apply_observations(self.core, [part.answer for part in parts])

    async def _notices(self, told: Sequence[tuple[Part, Told]]) -> None:
        notices = []
        for part, step in told:
            event = f"{part.rail_key}_{step.event}"
            notices.append(verify(self.core, self.rail.name, self.rail.notice(part.rail_key, step.status, event=event)))
        assert set(await store_notices(self.core, notices)) <= {None}


async def assert_true(company: Company, payouts: Sequence[UUID], truths: Sequence[str]) -> None:
    """Each of these payouts stands where the rail's last word puts it, went there by allowed steps, and moved money once."""
    core, rail = company.core, company.rail
    async with core.database.reading() as connection:
        rows = await connection.fetch("SELECT id, state::text AS state FROM payout WHERE id = ANY ($1)", payouts)
        events = await connection.fetch(
            "SELECT subject_id, data FROM event WHERE subject_id = ANY ($1) ORDER BY subject_id, version", payouts
        )
        waiting = await connection.fetchval("SELECT count(*) FROM webhook_inbox WHERE state <> 'applied'")
    states = {row["id"]: row["state"] for row in rows}
    wrong = {(truth, states[one]) for one, truth in zip(payouts, truths, strict=True) if states[one] not in ENDS[truth]}
    assert wrong == set(), wrong
    assert waiting == 0
    assert rail.double_pays == []
    _assert_allowed([(row["subject_id"], msgspec.json.decode(row["data"])) for row in events])
    assert (await verify_books(core.database)).broken == ()


def _assert_allowed(events: Sequence[tuple[UUID, dict[str, str]]]) -> None:
    """Every step is in the transition table, and nothing was done twice to one payout."""
    moves = [(subject, data["from"], data["to"]) for subject, data in events if {"from", "to"} <= data.keys()]
    steps = {(PayoutState(before), PayoutState(after)) for _, before, after in moves}
    assert [step for step in steps if not may_move(*step)] == []
    effects = [(subject, after) for subject, _, after in moves if after in {"paid", "returned", "failed", "canceled"}]
    assert len(effects) == len(set(effects))
    assert moves


async def assert_books_say(company: Company, paid: int) -> None:
    """The pool has paid so many payouts, as the rail counts them."""
    assert (await pool(company.core)).get("paid", 0) == paid * AMOUNT_MINOR
