"""Does everything add up? Run against the live database at any moment, in one snapshot."""

from dataclasses import dataclass

from rewardrails.store.database import Database
from rewardrails.store.sql import sql

_MUST_BE_EMPTY = {
    "accounts_against_transfers": "an account's balance is not the sum of its transfers",
    "pools_out_of_balance": "the accounts of a pool do not sum to zero",
    "reservations_against_payouts": "what a pool has reserved is not what its payouts hold",
    "paid_against_payouts": "what a pool has paid is not the sum of its paid payouts",
    "payouts_without_history": "a payout has versions without events",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """What `verify` found: broken rules in words, and pools whose suspense a person must cover."""

    broken: tuple[str, ...]
    suspense: tuple[str, ...]

    @property
    def balances(self) -> bool:
        """True when no rule is broken."""
        return not self.broken


async def verify(database: Database) -> LedgerReport:
    """Check every book-keeping rule in one repeatable-read snapshot; changes nothing."""
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        broken = [
            f"{meaning}: {', '.join(f'{key}={value}' for key, value in row.items())}"
            for name, meaning in _MUST_BE_EMPTY.items()
            for row in await connection.fetch(sql(name))
        ]
        suspense = await connection.fetch(sql("suspense_open"))
    return LedgerReport(
        broken=tuple(broken),
        suspense=tuple(f"pool {row['pool_id']}: suspense {row['balance']}" for row in suspense),
    )
