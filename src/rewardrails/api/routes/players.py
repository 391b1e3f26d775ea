"""What the game tells of its players, and their erasure."""

from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.players import ChecksIn, ErasureIn, ErasureOut, ReportsTaken, RisksIn
from rewardrails.engine import erase, players
from rewardrails.engine.core import Core
from rewardrails.engine.erase import ErasureRequest
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection

MAX_REPORT_BYTES = 2 * 1024**2


@post("/checks", guards=[Requires(Scope.PLAYERS)], status_code=200, request_max_body_size=MAX_REPORT_BYTES)
async def report_checks(
    request: ApiRequest, core: Injected[Core], data: JSONBody[ChecksIn], idempotency_key: IdempotencyKey
) -> Response[ReportsTaken]:
    """Tell how checks of at most 1000 players came out; payouts that waited for them are judged again."""
    reports = data.read()

    async def work(tx: Connection) -> tuple[int, ReportsTaken]:
        await players.report_checks_within(tx, reports, actor=request.user.actor)
        return 200, ReportsTaken(reports=len(reports))

    return await answer_once(core, call_of(core, request.user, "players.checks", idempotency_key, data), work)


@post("/risk", guards=[Requires(Scope.PLAYERS)], status_code=200, request_max_body_size=MAX_REPORT_BYTES)
async def report_risk(
    request: ApiRequest, core: Injected[Core], data: JSONBody[RisksIn], idempotency_key: IdempotencyKey
) -> Response[ReportsTaken]:
    """Tell how much at most 1000 players are distrusted; what is not sent yet goes by it."""
    reports = data.read()

    async def work(tx: Connection) -> tuple[int, ReportsTaken]:
        await players.report_risk_within(tx, reports, actor=request.user.actor)
        return 200, ReportsTaken(reports=len(reports))

    return await answer_once(core, call_of(core, request.user, "players.risk", idempotency_key, data), work)


@post("/{player_id:str}/erase", guards=[Requires(Scope.COMPLY)], status_code=200)
async def erase_player(
    request: ApiRequest,
    core: Injected[Core],
    player_id: FromPath[str],
    data: JSONBody[ErasureIn],
    idempotency_key: IdempotencyKey,
) -> Response[ErasureOut]:
    """Erase a player's personal data for good; payouts keep their amounts and their history. Refused while one is under way."""
    wanted = ErasureRequest(player_id=player_id, reason=data.reason)

    async def work(tx: Connection) -> tuple[int, ErasureOut]:
        outcome = await erase.erase_player_within(core, tx, wanted, actor=request.user.actor)
        return 200, ErasureOut(player_id=player_id, outcome=outcome)

    return await answer_once(core, call_of(core, request.user, "players.erase", idempotency_key, player_id, data), work)


router = Router("/v1/players", route_handlers=[report_checks, report_risk, erase_player], tags=["Players"])
