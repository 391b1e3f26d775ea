"""Error answers of the fake provider."""

from rewardrails.testing.fake_provider.refusals import info_for
from rewardrails.testing.fake_provider.transport import JSON_HEADERS, Exchange
from rewardrails.testing.fake_provider.wire import ENCODER, ErrorBody, Refusal


async def deny(exchange: Exchange, code: str, *, retry_after_seconds: int | None = None) -> None:
    """Answer with a listed (or made up) error."""
    info = info_for(code)
    headers = JSON_HEADERS
    if retry_after_seconds is not None:
        headers = (*JSON_HEADERS, (b"retry-after", str(retry_after_seconds).encode()))
    body = ENCODER.encode(ErrorBody(Refusal(code=code, message=info.message)))
    await exchange.answer(info.status, body, headers)
