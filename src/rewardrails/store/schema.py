"""Which schema this code knows; asked first, because loading the migration tools takes longer than most commands."""

import asyncpg

REVISION = "0010"
CONNECT_SECONDS = 10.0


async def is_current(dsn: str) -> bool:
    """Whether the database is at exactly this code's schema; False also when it cannot be asked."""
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    try:
        return bool(await connection.fetchval("SELECT version_num FROM alembic_version") == REVISION)
    except asyncpg.PostgresError:
        return False
    finally:
        await connection.close()
