"""Exit codes, and which error leads to which."""

import asyncio
from enum import IntEnum

import asyncpg

from rewardrails.errors import ConfigInvalid, RewardRailsError
from rewardrails.store.migrate import DatabaseNewer
from rewardrails.store.postgres_programs import DatabaseUnavailable


class ExitCode(IntEnum):
    """What a command ends with; scripts may rely on it."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    CONFIGURATION = 3
    DATABASE = 4
    UNBALANCED = 5
    INTERRUPTED = 130


_UNREACHABLE = (
    DatabaseUnavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncio.TimeoutError,
    ConnectionError,
)


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code an error leads to."""
    match error:
        case KeyboardInterrupt() | asyncio.CancelledError():
            return ExitCode.INTERRUPTED
        case DatabaseNewer():
            return ExitCode.CONFIGURATION
        case _ if isinstance(error, _UNREACHABLE):
            return ExitCode.DATABASE
        case ConfigInvalid():
            return ExitCode.CONFIGURATION
        case _:
            return ExitCode.REFUSED


def words_of(error: BaseException) -> str:
    """What happened, to what, and what to do; for people."""
    match error:
        case ConfigInvalid():
            return (
                f"{error}\n  {error.info.operator_text}" if not isinstance(error, DatabaseUnavailable) else str(error)
            )
        case RewardRailsError():
            return f"{error.message} [{error.code.value}]\n  {error.info.operator_text}"
        case KeyboardInterrupt() | asyncio.CancelledError():
            return "interrupted; every command may simply be run again"
        case _ if isinstance(error, _UNREACHABLE):
            return (
                f"the database cannot be used ({type(error).__name__}): check DATABASE_URL or [database] url, and that "
                "the server runs"
            )
        case OSError():
            name = f" {error.filename}" if error.filename else ""
            return f"the system refused{name}: {error.strerror or type(error).__name__}"
        case _:
            return (
                f"unexpected {type(error).__name__}: this is a defect; set REWARDRAILS_DEBUG=1 and run it again to see "
                "where it happened, then report it"
            )
