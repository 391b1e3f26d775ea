"""Where what is done now came from, as the audit log tells it: a request, the command line, a worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

CLI = "cli"
LIBRARY = "library"
WEBHOOK = "webhook"
WORKER = "worker"
_origin: ContextVar[str] = ContextVar("rewardrails_origin", default=LIBRARY)


def current() -> str:
    """The origin of what this task does."""
    return _origin.get()


def of_request(request_id: str) -> str:
    """The origin of what a request to the API does."""
    return f"api:{request_id}"


@contextmanager
def coming_from(origin: str) -> Iterator[None]:
    """Whatever this task, and those it starts, does inside the block came from `origin`."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)
