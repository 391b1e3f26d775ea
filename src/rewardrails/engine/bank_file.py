"""The open queue of a manual rail as a file for the bank. Writing it pays nothing and settles nothing.

A bank may take the same order twice, so an attempt goes into one file; into a second only when a person says why.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

import asyncpg

from rewardrails import clock, ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.engine.by_hand import where_to
from rewardrails.engine.core import Core
from rewardrails.errors import (
    ErrorCode,
    NotFound,
    ProofRequired,
    RewardRailsError,
    StateConflict,
)
from rewardrails.providers.base import SupportsBankFile
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts, tell
from rewardrails.store.sql import sql

MAX_LINES = 10_000
MIN_REASON_LENGTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A payout of the queue that is not in the file; `file_id` names the one it is in already."""

    payout_id: UUID
    code: ErrorCode
    message: str
    file_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFile:
    """A file for the bank, with what it adds up to in smallest units by asset, and what of the queue is not in it.

    `id` is None and `data` empty when nothing was left to put into one.
    """

    id: UUID | None = None
    data: bytes = field(default=b"", repr=False)
    payouts: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    left_out: Sequence[LeftOut]


async def export(core: Core, provider: str, *, actor: str, again: Collection[UUID] = (), reason: str = "") -> BankFile:
    """Write what waits into a file for the bank; `again` are payouts that are in an earlier file and go into this one too.

    The file is recorded, and each payout's history says that it is in it. Raises `NotFound`, `StateConflict` where the rail
    writes no such files, `ConfigInvalid`, `ProofRequired` for `again` without a reason.
    """
    rail = core.providers.get(provider)
    if rail is None:
        raise NotFound(f"there is no provider called {provider!r}")
    if not isinstance(rail, SupportsBankFile):
        raise StateConflict(f"provider {provider!r} writes no files for a bank: only manual rails do")
    if again and len(reason.strip()) < MIN_REASON_LENGTH:
        raise ProofRequired(
            "the bank may pay twice what is in two files: say why the earlier one is not paid", field="reason"
        )
    work = _Export(core=core, rail=rail, provider=provider, actor=actor, again=frozenset(again), reason=reason.strip())
    return await core.database.run_once(work.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Export:
    """One export, inside its transaction."""

    core: Core
    rail: SupportsBankFile
    provider: str
    actor: str
    again: frozenset[UUID]
    reason: str

    async def run(self, tx: Connection) -> BankFile:
        await tx.execute(sql("lock_provider"), self.provider)
        rows = await tx.fetch(sql("bank_queue"), self.provider, MAX_LINES)
        if unknown := self.again - {row["id"] for row in rows}:
            raise NotFound(f"payout {min(unknown)} is not in the queue of {self.provider!r}")
        orders: list[Order] = []
        repeated: list[bool] = []
        left_out: list[LeftOut] = []
        found = await where_to(self.core, tx, rows)
        for row, destination in zip(rows, found, strict=True):
            taken = self._order(row, destination)
            if isinstance(taken, LeftOut):
                left_out.append(taken)
            else:
                orders.append(taken)
                repeated.append(row["file_id"] is not None)
        if not orders:
            return BankFile(left_out=left_out)
        file_id = ids.new_id()
        data = self.rail.bank_file(orders, message_id=file_id.hex, created=clock.now())
        file = BankFile(id=file_id, data=data, payouts=len(orders), totals=_totals(orders), left_out=left_out)
        await self._record(tx, file, orders, repeated)
        return file

    def _order(self, row: asyncpg.Record, destination: Destination | ErrorCode) -> Order | LeftOut:
        """The payout as it goes into the file, or why it does not."""
        if row["file_id"] is not None and row["id"] not in self.again:
            return LeftOut(
                payout_id=row["id"],
                code=ErrorCode.DUPLICATE_CONFLICT,
                message="is in an earlier file; if the bank never took that one, name the payout with --again and say why",
                file_id=row["file_id"],
            )
        if isinstance(destination, ErrorCode):
            return LeftOut(
                payout_id=row["id"],
                code=destination,
                message="must not be paid now: `rewardrails payouts explain` says why",
            )
        order = Order(
            ref=AttemptRef(payout_id=row["id"], attempt_no=row["attempt_no"]),
            amount=Money(amount_minor=int(row["amount"]), asset=row["asset"]),
            destination=destination,
            player_id=row["player_id"],
            campaign=row["campaign"],
            jurisdiction=row["jurisdiction"],
            fee_ceiling=Money(amount_minor=int(row["fee_ceiling"]), asset=row["asset"]),
        )
        try:
            self.rail.check_bank_line(order)
        except RewardRailsError as error:
            return LeftOut(payout_id=row["id"], code=error.code, message=error.message)
        return order

    async def _record(self, tx: Connection, file: BankFile, orders: Sequence[Order], repeated: Sequence[bool]) -> None:
        if file.id is None:
            raise AssertionError("a file that was written has an id")
        digest = sha256(file.data).digest()
        payouts = [order.ref.payout_id for order in orders]
        told = {asset: str(total) for asset, total in file.totals.items()}
        reason = self.reason or None
        await tx.execute(
            sql("insert_bank_file"), file.id, self.provider, len(orders), json.dumps(told), digest, reason, self.actor
        )
        numbers = [order.ref.attempt_no for order in orders]
        await tx.execute(sql("insert_bank_file_lines"), file.id, payouts, numbers, list(repeated))
        await tell(
            tx,
            file.id,
            "bank_file.written",
            self.actor,
            provider=self.provider,
            payouts=len(orders),
            totals=told,
            sha256=digest.hex(),
            again=sum(repeated),
        )
        rows = await tx.fetch(sql("next_versions_of_payouts"), payouts)
        facts = [
            Fact(
                subject_id=row["id"],
                version=row["version"],
                type="payout.put_into_bank_file",
                data=json.dumps({"file": str(file.id)}),
                before=row["digest"],
                after=row["digest"],
            )
            for row in rows
        ]
        await record_facts(tx, facts, actor=self.actor)


def _totals(orders: Sequence[Order]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for order in orders:
        totals[order.amount.asset] = totals.get(order.amount.asset, 0) + order.amount.amount_minor
    return totals
