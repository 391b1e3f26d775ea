"""What assets are worth."""

from litestar import Response, Router, get, post
from litestar.params import JSONBody

from rewardrails.api import fields
from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.rates import RateList, RatesIn
from rewardrails.engine import rates
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection


@post("/", guards=[Requires(Scope.TREASURY)], status_code=200)
async def set_rates(
    request: ApiRequest, core: Injected[Core], data: JSONBody[RatesIn], idempotency_key: IdempotencyKey
) -> Response[RateList]:
    """Say what assets are worth in the reference unit; answers all rates. An older one never replaces a newer."""
    dated = fields.moment(data.dated, "dated")

    async def work(tx: Connection) -> tuple[int, RateList]:
        await rates.set_rates_within(core, tx, data.rates, dated=dated, source=data.source, actor=request.user.actor)
        return 200, RateList.of(core, await rates.rates_within(tx))

    return await answer_once(core, call_of(core, request.user, "rates.set", idempotency_key, data), work)


@get("/", guards=[Requires(Scope.READ)])
async def list_rates(core: Injected[Core]) -> RateList:
    """The rates in force."""
    return RateList.of(core, await rates.rates(core))


router = Router("/v1/rates", route_handlers=[set_rates, list_rates], tags=["Rates"])
