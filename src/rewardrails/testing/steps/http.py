"""The way out to a rail, whose requests are steps."""

from collections.abc import Mapping
from typing import assert_never
from urllib.parse import urlsplit

from rewardrails.providers.http import (
    Guard,
    HeaderValue,
    HttpClient,
    HttpReply,
    MaybeSent,
    MaybeSentReason,
    NeverSent,
    NeverSentReason,
)
from rewardrails.testing.steps.fault import Gone, Kind, Steps


class SteppedHttp(HttpClient):
    """The real client, except for what `steps` lets happen to a request."""

    def __init__(self, steps: Steps, *, guard: Guard) -> None:
        super().__init__(guard=guard)
        self._steps = steps

    async def request(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, HeaderValue] | None = None,
        body: bytes | None = None,
    ) -> HttpReply:
        """As `HttpClient.request`."""
        self.guard()
        kind = self._steps.take(f"{method} {urlsplit(url).path}")
        match kind:
            case None | Kind.LOST:
                pass
            case Kind.EXIT:
                raise Gone
            case Kind.ERROR:
                raise NeverSent(NeverSentReason.CONNECT_FAILED)
            case Kind.CUT:
                raise MaybeSent(MaybeSentReason.DISCONNECTED)
            case Kind.HANG:
                await self._steps.stand_still()
                raise MaybeSent(MaybeSentReason.TIMEOUT)
            case Kind.PAUSE:
                await self._steps.stand_still()
            case _:
                assert_never(kind)
        reply = await super().request(method, url, timeout_seconds=timeout_seconds, headers=headers, body=body)
        if kind is Kind.LOST:
            raise MaybeSent(MaybeSentReason.DISCONNECTED)
        return reply
