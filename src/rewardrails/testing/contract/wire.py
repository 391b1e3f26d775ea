"""The suite's way out: the real HTTP client, watched, and made to fail where a test says so."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rewardrails.providers.http import (
    Guard,
    HeaderValue,
    HttpClient,
    HttpReply,
    MaybeSent,
    MaybeSentReason,
    NeverSent,
    NeverSentReason,
    TransportError,
    unguarded,
)

Creates = Callable[[str, str], bool]
# More than any honest call makes; an adapter that tries again for ever would otherwise never end.
MOST_FAULTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request as the adapter made it, and the answer it was given, if any."""

    method: str
    url: str = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout_seconds: float
    creates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a request instead of its answer; `reaches_vendor`: after the vendor has acted on it."""

    name: str
    reaches_vendor: bool
    outcome: HttpReply | Callable[[], TransportError]


class Wire(HttpClient):
    """An `HttpClient` over real sockets that remembers what went out."""

    def __init__(self, creates: Creates, *, guard: Guard = unguarded) -> None:
        super().__init__(guard=guard)
        self.sent: list[Sent] = []
        self.creation_replies: list[HttpReply] = []
        self.creating = asyncio.Event()
        self.creates = creates
        self._fault: Fault | None = None
        self._creations_only = False
        self._faults_met = 0

    @property
    def creations(self) -> list[Sent]:
        """The requests that make payouts."""
        return [sent for sent in self.sent if sent.creates]

    @property
    def is_open(self) -> bool:
        """Whether connections may be open."""
        return self._session is not None

    @contextmanager
    def creations_meet(self, fault: Fault) -> Iterator[None]:
        """Let every creating request inside the block meet `fault`."""
        with self._meet(fault, creations_only=True):
            yield

    @contextmanager
    def everything_meets(self, fault: Fault) -> Iterator[None]:
        """Let every request inside the block meet `fault`."""
        with self._meet(fault, creations_only=False):
            yield

    async def request(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, HeaderValue] | None = None,
        body: bytes | None = None,
    ) -> HttpReply:
        """As `HttpClient.request`, unless a fault is due."""
        creates = self.creates(method, url)
        self.sent.append(Sent(method=method, url=url, body=body, timeout_seconds=timeout_seconds, creates=creates))
        fault = self._fault if creates or not self._creations_only else None
        if creates:
            self.creating.set()
        if fault is not None:
            self._faults_met += 1
            assert self._faults_met <= MOST_FAULTS, f"the adapter does not stop trying: {fault.name}"
        if fault is None or fault.reaches_vendor:
            reply = await super().request(method, url, timeout_seconds=timeout_seconds, headers=headers, body=body)
            if creates:
                self.creation_replies.append(reply)
            if fault is None:
                return reply
        if isinstance(fault.outcome, HttpReply):
            return fault.outcome
        raise fault.outcome()

    @contextmanager
    def _meet(self, fault: Fault, *, creations_only: bool) -> Iterator[None]:
        self._fault, self._creations_only, self._faults_met = fault, creations_only, 0
        try:
            yield
        finally:
            self._fault = None


def answered(status: int, body: bytes = b"", *, reaches_vendor: bool = False, **headers: str) -> Fault:
    """The vendor, or something before it, answers this; header names are given with underscores."""
    return Fault(
        name=f"status {status}, body {body[:20]!r}, {_where(reaches_vendor)}",
        reaches_vendor=reaches_vendor,
        outcome=HttpReply(
            status=status,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            body=body,
        ),
    )


def other_than(faults: Sequence[Fault], empty_list: bytes | None) -> Iterator[Fault]:
    """Without that in which the vendor says, as it always does, that its list is empty."""
    for fault in faults:
        if empty_list is None or not isinstance(fault.outcome, HttpReply) or fault.outcome.body != empty_list:
            yield fault


def maybe_sent(reason: MaybeSentReason, *, reaches_vendor: bool) -> Fault:
    """No usable answer, and nobody can know whether the request arrived."""
    return Fault(
        name=f"{reason}, {_where(reaches_vendor)}", reaches_vendor=reaches_vendor, outcome=lambda: MaybeSent(reason)
    )


def never_sent(reason: NeverSentReason) -> Fault:
    """Not one byte left."""
    return Fault(name=str(reason), reaches_vendor=False, outcome=lambda: NeverSent(reason))


def _where(reaches_vendor: bool) -> str:  # noqa: FBT001 - a private word for one flag
    return "after the vendor acted" if reaches_vendor else "before the vendor saw it"


NEVER_SENT = tuple(never_sent(reason) for reason in NeverSentReason)
SILENCE = tuple(maybe_sent(reason, reaches_vendor=reaches) for reason in MaybeSentReason for reaches in (False, True))
DOUBTFUL_STATUSES = tuple(
    answered(status, reaches_vendor=reaches)
    for status in (408, 409, 421, 425, 500, 502, 503, 504, 507, 599)
    for reaches in (False, True)
)
GARBAGE_BODIES = (
    b"",
    b"null",
    b"{}",
    b"[]",
    b'{"id":',
    b'{"id": 1.5, "status": [], "error": "none"}',
    b"<html><body>Everything is fine.</body></html>",
    b"\xff\xfe\x00",
    b"[" * 50_000,
    b'{"a":' * 50_000,
)
UNUSABLE = (
    *(answered(status, body, reaches_vendor=True) for status in (200, 201, 202, 204) for body in GARBAGE_BODIES),
    *(answered(status, reaches_vendor=False, location="/elsewhere") for status in (301, 302, 303, 307, 308)),
)
