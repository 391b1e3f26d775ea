"""Statements that the database itself must refuse whatever state the ledger is in, run as the engine's own role."""

from collections.abc import Mapping

import asyncpg

from rewardrails.engine.core import Core

REFUSALS = (asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)
_TRANSFER = (
    "INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, payout_id, payout_version, actor)"
    " SELECT gen_random_uuid(), pool.id, {0}, 'x' FROM pool WHERE name = 'season-eur'"
)
_OF_A_PAYOUT = "gen_random_uuid(), 1"
_PAYOUT_COLUMNS = (
    "player_id, pool_id, asset, amount, fee_ceiling, reserved, jurisdiction, destination_kind, destination_ciphertext,"
    " destination_key_id, destination_digest, content_digest, provider, state, version, due_at, hold_cause, created_by"
)
ALWAYS: Mapping[str, str] = {
    "a balance is written": "UPDATE account SET balance = balance + 1",
    "an account is opened": "INSERT INTO account (pool_id, name) SELECT id, 'available' FROM pool",
    "an account is removed": "DELETE FROM account",
    "a transfer is changed": "UPDATE transfer SET amount = amount + 1",
    "a transfer is removed": "DELETE FROM transfer",
    "transfers are emptied": "TRUNCATE transfer",
    "an observation is changed": "UPDATE observation SET effect = 'applied'",
    "an observation is removed": "DELETE FROM observation",
    "an event is changed": "UPDATE event SET type = 'payout.paid'",
    "an event is removed": "DELETE FROM event",
    "the guard is switched off": "ALTER TABLE transfer DISABLE TRIGGER ALL",
    "replication is claimed": "SET LOCAL session_replication_role = replica",
    "the clock is replaced": "CREATE OR REPLACE FUNCTION rr_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
    "a posting has one side": _TRANSFER.format(f"'release', 'reserved', NULL, 1, {_OF_A_PAYOUT}"),
    "a posting moves nothing": _TRANSFER.format(f"'release', 'reserved', 'available', 0, {_OF_A_PAYOUT}"),
    "a posting runs backwards": _TRANSFER.format(f"'release', 'reserved', 'available', -1, {_OF_A_PAYOUT}"),
    "a posting is of another kind": _TRANSFER.format(f"'settle', 'available', 'paid', 1, {_OF_A_PAYOUT}"),
    "a posting is of no kind": _TRANSFER.format(f"'gift', 'available', 'paid', 1, {_OF_A_PAYOUT}"),
    "a posting has no payout": _TRANSFER.format("'reserve', 'available', 'reserved', 1, NULL, NULL"),
    "an entry fee funds the pool": _TRANSFER.format("'fund', 'entry_fee', 'available', 1, NULL, NULL"),
    "money comes out of what was paid": _TRANSFER.format("'fund', 'paid', 'available', 1, NULL, NULL"),
    "more is reserved than there is": _TRANSFER.format(
        "'reserve', 'available', 'reserved', 1 + (SELECT balance FROM account WHERE account.pool_id = pool.id"
        f" AND account.name = 'available'), {_OF_A_PAYOUT}"
    ),
    "more is released than is reserved": _TRANSFER.format(
        "'release', 'reserved', 'available', 1 + (SELECT balance FROM account WHERE account.pool_id = pool.id"
        f" AND account.name = 'reserved'), {_OF_A_PAYOUT}"
    ),
    "more comes back than was paid": _TRANSFER.format(
        "'return', 'paid', 'available', 1 + (SELECT balance FROM account WHERE account.pool_id = pool.id"
        f" AND account.name = 'paid'), {_OF_A_PAYOUT}"
    ),
    "a source takes more than it gave": _TRANSFER.format(
        "'withdraw', 'available', 'treasury', 1 - (SELECT balance FROM account WHERE account.pool_id = pool.id"
        " AND account.name = 'treasury'), NULL, NULL"
    ),
}
# These need a payout ($1) that stands somewhere.
OF_A_PAYOUT: Mapping[str, str] = {
    "a reward comes through two doors": f"INSERT INTO payout (id, campaign, reward_id, {_PAYOUT_COLUMNS})"
    f" SELECT gen_random_uuid(), campaign, reward_id, {_PAYOUT_COLUMNS} FROM payout WHERE id = $1",
    "a reservation is forgotten": "UPDATE payout SET reserved = CASE reserved WHEN 0 THEN 1 ELSE 0 END WHERE id = $1",
    "a payout vanishes": "DELETE FROM payout WHERE id = $1",
    "a step is posted twice": "INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, payout_id, payout_version, actor)"
    " SELECT gen_random_uuid(), pool_id, kind, debit, credit, amount, payout_id, payout_version, 'x' FROM transfer"
    " WHERE payout_id = $1",
    "a version is told twice": "INSERT INTO event (subject_id, version, type, data, actor)"
    " SELECT subject_id, version, type, data, actor FROM event WHERE subject_id = $1",
}
# These need a live attempt of the payout.
OF_A_LIVE_ATTEMPT: Mapping[str, str] = {
    "a second attempt is live": "INSERT INTO attempt (payout_id, attempt_no, provider, submission_key, state, leased_by,"
    " lease_until) SELECT id, last_attempt_no + 1, provider, 'k', 'sending', 'x', rr_now() FROM payout WHERE id = $1",
    "a key is used twice": "INSERT INTO submission (provider, rail_key, content_digest) SELECT s.provider, s.rail_key,"
    " s.content_digest FROM submission s JOIN attempt a ON a.provider = s.provider AND a.submission_key = s.rail_key"
    " WHERE a.payout_id = $1",
}


async def is_refused(core: Core, statement: str, *arguments: object) -> bool:
    """Whether the database refuses a statement; should it let it through, it is rolled back."""
    async with core.database.reading() as connection:
        trying = connection.transaction()
        await trying.start()
        try:
            await connection.execute(statement, *arguments)
        except REFUSALS:
            return True
        finally:
            await trying.rollback()
    return False
