"""Quotes: what a payout will cost."""

from litestar import Response, Router, post
from litestar.params import JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once_outside, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.quotes import QuoteIn, QuoteOut
from rewardrails.domain.reward import validate_row
from rewardrails.engine import quotes
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope

_NO_REWARD_YET = "quote"


@post("/", guards=[Requires(Scope.PAYOUTS)], status_code=201)
async def create_quote(
    request: ApiRequest, core: Injected[Core], data: JSONBody[QuoteIn], idempotency_key: IdempotencyKey
) -> Response[QuoteOut]:
    """Ask the rail that would carry this reward what it will cost; send the quote's id with the payout."""
    reward = validate_row(
        (
            _NO_REWARD_YET,
            data.player_id,
            data.campaign,
            data.amount,
            data.asset,
            data.jurisdiction,
            data.destination_kind,
            data.destination,
            data.memo,
        ),
        core.config.row_rules(),
    )

    async def work() -> tuple[int, QuoteOut]:
        return 201, QuoteOut.of(core, await quotes.quote(core, reward, actor=request.user.actor))

    return await answer_once_outside(core, call_of(core, request.user, "quotes.create", idempotency_key, data), work)


router = Router("/v1/quotes", route_handlers=[create_quote], tags=["Quotes"])
