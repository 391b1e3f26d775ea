"""The `Idempotency-Key` header: the same key and request answers the same, whatever happened to the first answer."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import HeaderParameter

from rewardrails.engine.core import Core
from rewardrails.engine.idempotent import MAX_KEY_LENGTH, IdempotentCall, StoredResponse, once, once_outside
from rewardrails.security.caller import Caller
from rewardrails.store.database import Connection

REPLAYED = "Idempotency-Replayed"
IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern="^[ -~]+$",
        description="Your name for this request. The same key and request again answers the same and does nothing.",
    ),
]
_encoder = msgspec.json.Encoder()


def call_of(core: Core, caller: Caller, operation: str, idempotency_key: str, *request: object) -> IdempotentCall:
    """The call that a key names; `request` is everything that makes the request what it is.

    A request may name a destination, so only a keyed digest of it is kept: a plain one could be guessed from outside.
    """
    digest = core.vault.digest(_encoder.encode(request))
    return IdempotentCall(client=caller.actor, operation=operation, key=idempotency_key, request=digest)


async def answer_once(
    core: Core, call: IdempotentCall, work: Callable[[Connection], Awaitable[tuple[int, object]]]
) -> Response[Any]:
    """Run `work` in the transaction that stores its answer, or answer as before."""

    async def encoded(tx: Connection) -> tuple[int, bytes]:
        status, body = await work(tx)
        return status, _encoder.encode(body)

    return answer_of(await once(core.database, call, encoded))


async def answer_once_outside(
    core: Core, call: IdempotentCall, work: Callable[[], Awaitable[tuple[int, object]]]
) -> Response[Any]:
    """The same for work that speaks to the outside and is harmless to repeat."""

    async def encoded() -> tuple[int, bytes]:
        status, body = await work()
        return status, _encoder.encode(body)

    return answer_of(await once_outside(core.database, call, encoded))


def answer_of(stored: StoredResponse, headers: dict[str, str] | None = None) -> Response[Any]:
    """A stored answer as it goes out."""
    told = {**(headers or {}), **({REPLAYED: "true"} if stored.replayed else {})}
    return Response(stored.body, status_code=stored.status, media_type="application/json", headers=told)
