"""What the game tells of its players, and their erasure."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody, PathParameter

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_of, answer_once, answer_once_outside, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.players import (
    AnswerIn,
    ChallengeIn,
    ChallengeOut,
    ChecksIn,
    ErasureIn,
    ErasureOut,
    ProvedOut,
    ReportsTaken,
    RisksIn,
)
from rewardrails.engine import erase, ownership, players
from rewardrails.engine.core import Core
from rewardrails.engine.erase import ErasureRequest
from rewardrails.engine.idempotent import once
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection

MAX_REPORT_BYTES = 2 * 1024**2
Player = Annotated[str, PathParameter(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


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


@post("/{player_id:str}/ownership/challenges", guards=[Requires(Scope.PLAYERS)])
async def challenge(
    request: ApiRequest,
    core: Injected[Core],
    player_id: Player,
    data: JSONBody[ChallengeIn],
    idempotency_key: IdempotencyKey,
) -> Response[ChallengeOut]:
    """Ask a player to prove that a destination is theirs; the answer counts once and only for this player and destination."""
    claim = data.read(player_id)

    async def work(tx: Connection) -> tuple[int, bytes]:
        made = await ownership.challenge_within(core, tx, claim, proof=data.proof, actor=request.user.actor)
        return 201, made.bytes

    # What is kept under the key is the challenge's id alone: its text names the destination.
    call = call_of(core, request.user, "players.challenge", idempotency_key, player_id, data)
    stored = await once(core.database, call, work)
    made = await ownership.read_challenge(core, claim, UUID(bytes=stored.body))
    return answer_of(replace(stored, body=msgspec.json.encode(ChallengeOut.of(made))))


@post("/{player_id:str}/ownership/proofs", guards=[Requires(Scope.PLAYERS)], status_code=200)
async def prove(
    request: ApiRequest,
    core: Injected[Core],
    player_id: Player,
    data: JSONBody[AnswerIn],
    idempotency_key: IdempotencyKey,
) -> Response[ProvedOut]:
    """Answer a challenge; payouts that waited for the proof go on. A challenge is answered once, rightly or wrongly."""

    async def work() -> tuple[int, ProvedOut]:
        proved = await ownership.prove(
            core,
            data.read(player_id),
            challenge_id=data.challenge_id,
            answer=data.answer,
            actor=request.user.actor,
        )
        return 200, ProvedOut.of(proved)

    call = call_of(core, request.user, "players.prove", idempotency_key, player_id, data)
    return await answer_once_outside(core, call, work)


router = Router(
    "/v1/players", route_handlers=[report_checks, report_risk, erase_player, challenge, prove], tags=["Players"]
)
