"""A screener behind one address: it is posted a batch of destinations and answers with a verdict for each.

    POST url   {"destinations": [{"id": "0", "kind": "ton_address", "value": "UQ..."}, ...]}
    200        {"results": [{"id": "0", "verdict": "clear", "reference": "case-17", "valid_until": "2027-01-01T00:00:00Z"}, ...]}

Only an answer that can be understood in one way is believed: an id that was not asked for or comes twice makes all of it odd,
because verdicts may have been mixed up.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from rewardrails.domain.destination import Destination
from rewardrails.domain.policy.case import Screening
from rewardrails.errors import ConfigInvalid
from rewardrails.providers import strict_json
from rewardrails.providers.http import (
    HttpReply,
    MaybeSent,
    MaybeSentReason,
    NeverSent,
    NeverSentReason,
    is_safe_base_url,
)
from rewardrails.screeners.base import Screened, ScreenerContext, WhyUnknown, unknown
from rewardrails.secrets import Secret

_PLAIN = r"^[^\x00-\x1f\x7f]*\Z"


class HttpScreenerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where it is, how many destinations it takes at once, and how long it may think."""

    url: str
    batch: Annotated[int, Meta(ge=1, le=1000)] = 100
    timeout_seconds: Annotated[float, Meta(gt=0, le=60)] = 10.0


class _Asked(Struct, frozen=True):
    id: str
    kind: str
    value: str


class _Question(Struct, frozen=True):
    destinations: list[_Asked]


class _Result(Struct, frozen=True):
    id: Annotated[str, Meta(max_length=20)]
    verdict: Screening
    reference: Annotated[str, Meta(max_length=200, pattern=_PLAIN)] = ""
    valid_until: Annotated[datetime, Meta(tz=True)] | None = None


class _Answer(Struct, frozen=True):
    results: Annotated[list[_Result], Meta(max_length=1000)]


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Answer)


class HttpScreener:
    """Asks one address with a key; memos stay here, a destination is screened by itself."""

    def __init__(self, context: ScreenerContext) -> None:
        settings = _settings(context)
        self.name = context.name
        self.batch_limit = settings.batch
        self.call_timeout_seconds = settings.timeout_seconds
        self._url = settings.url
        self._authorization = Secret(f"Bearer {_api_key(context).reveal()}")
        self._http = context.http

    async def screen(self, destinations: Sequence[Destination]) -> Sequence[Screened]:
        """One POST, one answer for each; every fault is unknown for all of them."""
        asked = [_Asked(id=str(at), kind=one.kind, value=one.value) for at, one in enumerate(destinations)]
        try:
            reply = await self._http.request(
                "POST",
                self._url,
                timeout_seconds=self.call_timeout_seconds,
                headers={"Authorization": self._authorization, "Content-Type": "application/json"},
                body=_encode(_Question(asked)),
            )
        except (NeverSent, MaybeSent) as error:
            return [unknown(_why_no_answer(error))] * len(asked)
        return _read(reply, len(asked))

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()


def _read(reply: HttpReply, asked: int) -> Sequence[Screened]:
    if reply.status != 200:
        return [unknown(_why_refused(reply.status))] * asked
    try:
        results = strict_json.decode(_decoder, reply.body).results
    except msgspec.DecodeError:
        return [unknown(WhyUnknown.ODD_ANSWER)] * asked
    by_id = {result.id: result for result in results}
    if len(by_id) < len(results) or not by_id.keys() <= {str(at) for at in range(asked)}:
        return [unknown(WhyUnknown.ODD_ANSWER)] * asked
    return [_screened(by_id.get(str(at))) for at in range(asked)]


def _screened(result: _Result | None) -> Screened:
    if result is None:
        return unknown(WhyUnknown.NOT_ANSWERED)
    if result.verdict is Screening.UNKNOWN:
        return unknown(WhyUnknown.UNDECIDED, reference=result.reference)
    return Screened(verdict=result.verdict, reference=result.reference, valid_until=result.valid_until)


def _why_no_answer(error: NeverSent | MaybeSent) -> WhyUnknown:
    match error.reason:
        case NeverSentReason.CONNECT_TIMEOUT | MaybeSentReason.TIMEOUT:
            return WhyUnknown.TIMEOUT
        case MaybeSentReason.BODY_TOO_LARGE | MaybeSentReason.TRUNCATED | MaybeSentReason.PROTOCOL:
            return WhyUnknown.ODD_ANSWER
        case _:
            return WhyUnknown.NOT_REACHED


def _why_refused(status: int) -> WhyUnknown:
    match status:
        case 401 | 403:
            return WhyUnknown.KEY_REFUSED
        case 429 | 503:
            return WhyUnknown.BUSY
        case _:
            return WhyUnknown.ODD_ANSWER


def _settings(context: ScreenerContext) -> HttpScreenerSettings:
    here = f"screeners.{context.name}.settings"
    try:
        settings = msgspec.convert(dict(context.settings), HttpScreenerSettings)
    except msgspec.ValidationError as error:
        raise ConfigInvalid(f"screener {context.name!r}, settings: {error}", field=here) from error
    if not is_safe_base_url(settings.url, allow_plain_http=not context.is_live):
        raise ConfigInvalid(
            f"screener {context.name!r} needs an absolute url without credentials or query, https when live",
            field=f"{here}.url",
        )
    return settings


def _api_key(context: ScreenerContext) -> Secret:
    key = context.credentials.get("api_key")
    if not key:
        raise ConfigInvalid(
            f"screener {context.name!r} needs the credential 'api_key': name where it is kept under its credentials",
            field=f"screeners.{context.name}.credentials.api_key",
        )
    return key
