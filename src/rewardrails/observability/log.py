"""Logs: one JSON object a line, with the ids that belong together, and never a secret."""

import logging
import sys
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

_MASK = "********"
_SECRET_WORDS = ("authorization", "password", "secret", "token", "credential", "destination", "api_key", "memo")
_QUIET = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "faker")


def configure(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send everything this process logs, its libraries included, to `stream` (stderr) as JSON lines.

    Fields bound with `structlog.contextvars` (such as `request_id`) stand in every line of that request or task.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    _quieten(_QUIET)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every field whose name speaks of a secret or of where money goes; the second line after type `Secret`."""
    for name in event:
        if any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = _MASK
    return event


def _formatter(shared: list[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Without local variables: they hold request bodies and keys.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(default=repr),
        ],
    )


def _quieten(names: Iterable[str]) -> None:
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)
