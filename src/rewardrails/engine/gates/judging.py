"""Judging a batch of payouts: lock what may be counted, read the facts, ask every gate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

import asyncpg

from rewardrails.domain.destination import CHAIN_PARSERS
from rewardrails.domain.policy import legal, limits
from rewardrails.domain.policy.case import Case, Subject
from rewardrails.domain.policy.judge import judge
from rewardrails.domain.policy.verdict import Judgement, Outcome
from rewardrails.engine.core import Core
from rewardrails.engine.gates import counters
from rewardrails.engine.gates.counters import Addition
from rewardrails.engine.gates.facts import Candidate, read_facts
from rewardrails.engine.gates.wire import read_counted
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A candidate, its judgement, and what its counters gain when it is let through.

    `legal_approval_id` is the approval it then counts under, `counted` the limits that then hold it.
    """

    candidate: Candidate
    judgement: Judgement
    additions: tuple[Addition, ...] = ()
    legal_approval_id: UUID | None = None
    counted: Mapping[str, datetime] | None = None

    @property
    def lets_through(self) -> bool:
        """Whether it counts from now on: it may go, or only waits for approvals."""
        return self.judgement.outcome is not Outcome.HOLD

    @property
    def newly_counted(self) -> bool:
        """Whether letting it through has to be written down: its counters, or its present approval, do not know it yet."""
        before = (self.candidate.counted, self.candidate.legal_approval_id)
        return self.lets_through and before != (self.counted, self.legal_approval_id)


async def judge_batch(
    core: Core, connection: Connection, candidates: Sequence[Candidate], *, leaving_within: timedelta | None = None
) -> list[Judged]:
    """Judge payouts that are about to be let through, in order: each sees what those before it will have counted.

    Holds the locks of their counters until the transaction ends. The caller writes the additions of those that it lets
    through (`counters.write`).
    """
    if not candidates:
        return []
    await counters.lock(connection, core.config.rules, candidates)
    subjects = [candidate.subject for candidate in candidates]
    await connection.execute(
        sql("note_addresses"),
        [subject.recipient_digest for subject in subjects],
        [subject.player_id for subject in subjects],
    )
    return await look(core, connection, candidates, leaving_within=leaving_within)


async def look(
    core: Core,
    connection: Connection,
    candidates: Sequence[Candidate],
    *,
    leaving_within: timedelta | None = None,
    every_counter: bool = False,
) -> list[Judged]:
    """The same without locking or noting anything: how they stand at this moment.

    `leaving_within`: they are sent within this time from now on, and what allows them has to last so long. `every_counter`
    reads also those that hold a payout already, for people to see.
    """
    if not candidates:
        return []
    rules = core.config.rules
    facts = await read_facts(core, connection, candidates)
    now = None if every_counter else facts[0].now
    usage = await counters.read(connection, rules, candidates, facts[0].approvals, now=now)
    judged = []
    for candidate, known in zip(candidates, facts, strict=True):
        leaves_by = None if leaving_within is None else known.now + leaving_within
        case = Case(subject=candidate.subject, facts=replace(known, usage=usage, leaves_by=leaves_by), rules=rules)
        judgement = judge(case)
        if judgement.outcome is Outcome.HOLD:
            judged.append(Judged(candidate=candidate, judgement=judgement))
            continue
        gains, approval = tuple(counters.additions(case)), legal.chosen(case)
        counters.count_in(usage, gains)
        judged.append(
            Judged(
                candidate=candidate,
                judgement=judgement,
                additions=gains,
                legal_approval_id=approval.id if approval else None,
                counted=limits.counted_as(case),
            )
        )
    return judged


def candidate_of(core: Core, row: asyncpg.Record, *, provider: str | None = None) -> Candidate:
    """A stored payout as the gates see it; `provider` stands in where the row has none yet."""
    address_digest, recipient_digest = row["address_digest"], row["recipient_digest"]
    if recipient_digest is None:  # stored by an older version: its ciphertext tells
        destination = core.open_destination(row["destination_ciphertext"], row["destination_key_id"], row["salt"])
        address_digest, recipient_digest = core.digest_address(destination), core.digest_recipient(destination)
    subject = Subject(
        campaign=row["campaign"],
        player_id=row["player_id"],
        asset=row["asset"],
        amount_minor=int(row["amount"]),
        jurisdiction=row["jurisdiction"],
        pool=row["pool"],
        **rail_of(core, row["provider"] or provider, row["destination_kind"]),
        destination_kind=row["destination_kind"],
        address_digest=address_digest,
        recipient_digest=recipient_digest,
        content_digest=row["content_digest"],
        created_by=row["created_by"],
        batch_id=row["batch_id"],
    )
    return Candidate(
        payout_id=row["id"],
        subject=subject,
        counted=read_counted(row["counted_as"]),
        legal_approval_id=row["legal_approval_id"],
    )


class Rail(TypedDict):
    """What the gates know of a rail."""

    provider: str | None
    provider_type: str | None
    adapter: str | None
    needs_legal_approval: bool


def rail_of(core: Core, provider: str | None, destination_kind: str) -> Rail:
    """The rail a payout would go over; one that is not there says nothing of itself, and sends nothing either.

    What goes to a place on a blockchain needs a legal approval whatever rail takes it there, be it people.
    """
    kind = core.config.destination_kinds.get(destination_kind)
    on_chain = kind is not None and kind.parser in CHAIN_PARSERS
    settings = core.config.providers.get(provider or "")
    rail = core.providers.get(provider or "")
    return Rail(
        provider=provider,
        provider_type=settings.type.value if settings else None,
        adapter=settings.adapter if settings else None,
        needs_legal_approval=on_chain or (rail is not None and rail.capabilities.needs_legal_approval),
    )
