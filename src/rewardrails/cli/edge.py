"""The edge of the command line: errors become words for people and an exit code for scripts."""

import asyncio
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from rewardrails.cli.exits import ExitCode
from rewardrails.cli.needs import needs_of
from rewardrails.cli.output import Output
from rewardrails.cli.session import Call, Session, read_key
from rewardrails.errors import ConfigInvalid, RewardRailsError
from rewardrails.observability import log
from rewardrails.store.migrate import DatabaseNewer
from rewardrails.store.postgres_programs import DatabaseUnavailable

DEBUG_VARIABLE = "REWARDRAILS_DEBUG"
TOKEN_VARIABLE = "REWARDRAILS_TOKEN"  # noqa: S105 - the name of it
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


@dataclass(slots=True)
class Outcome:
    """How the command ended."""

    code: ExitCode = ExitCode.OK


def session(output: Output, verb: object, *, config: Path | None, folder: Path, key: str | None, call: Call) -> Session:
    """The session of a verb that the global options describe. Raises `Unauthorized` for a key file that cannot be read."""
    log.configure(level="WARNING")
    return Session(
        output=output,
        needs=needs_of(verb),
        config_path=config,
        folder=folder,
        key=read_key(key),
        call=call,
        token=read_key(os.environ.get(TOKEN_VARIABLE)),
    )


def call_of(command: Callable[..., object], arguments: Iterable[object]) -> Call:
    """Which command was called on what, as the audit log names it."""
    home = getattr(command, "__module__", "").rpartition(".")[2]
    name = getattr(command, "__name__", "").strip("_").replace("_", "-")
    on = next((str(value) for value in arguments if isinstance(value, UUID)), None)
    return Call(action=f"{home} {name}", object=on)


@contextmanager
def words_for_people(output: Output) -> Iterator[Outcome]:
    """Tell what went wrong inside, and how it counts; with REWARDRAILS_DEBUG set the error itself comes out."""
    outcome = Outcome()
    try:
        yield outcome
    except (Exception, KeyboardInterrupt, asyncio.CancelledError) as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        output.complain(words_of(error))
        outcome.code = exit_code_of(error)


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code an error leads to."""
    match error:
        case BaseExceptionGroup():
            return exit_code_of(error.exceptions[0])
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
        case BaseExceptionGroup():
            return words_of(error.exceptions[0])
        case ConfigInvalid():
            return str(error)
        case RewardRailsError():
            return f"{error.message} [{error.code.value}]"
        case KeyboardInterrupt() | asyncio.CancelledError():
            return "interrupted; every command may simply be run again"
        case _ if isinstance(error, _UNREACHABLE):
            return (
                f"the database cannot be used ({type(error).__name__}): check DATABASE_URL or [database] url, and that "
                "the server runs"
            )
        case OSError() if error.errno == errno.EADDRINUSE:
            return f"another program listens on {error.filename}: end it, or name another port with --port"
        case OSError():
            name = f" {error.filename}" if error.filename else ""
            return f"the system refused{name}: {error.strerror or type(error).__name__}"
        case _:
            return (
                f"unexpected {type(error).__name__}: this is a defect; set REWARDRAILS_DEBUG=1 and run it again to see "
                "where it happened, then report it"
            )
