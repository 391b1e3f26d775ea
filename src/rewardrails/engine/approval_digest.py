"""What an approver saw, as one short text: they give it back with their word."""

import hashlib

import asyncpg


def approval_digest(row: asyncpg.Record) -> str:
    """Of a stored payout: what it says, what it may cost and over which rail it goes (64 hexadecimal digits).

    `waiting_totals` makes that of a whole batch of the same parts.
    """
    parts = f"{row['fee_ceiling']}/{row['provider'] or ''}".encode()
    return hashlib.sha256(row["content_digest"] + parts).hexdigest()
