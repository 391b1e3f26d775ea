"""Taking on payouts: route, quote, reserve. A batch is not all or nothing: each row gets its own answer."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rewardrails import ids
from rewardrails.domain.assets import MAX_MINOR
from rewardrails.domain.destination import Destination
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.case import Subject
from rewardrails.domain.policy.verdict import Verdict
from rewardrails.domain.posting import ACCOUNTS, TransferKind
from rewardrails.domain.reward import RewardRow
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.engine.gates.facts import Candidate
from rewardrails.engine.gates.judging import Judged, judge_batch, rail_of
from rewardrails.engine.gates.wire import write_counted
from rewardrails.engine.player_salts import salts_for
from rewardrails.errors import ErrorCode
from rewardrails.ledger.posting import pools_by_name
from rewardrails.store import origin
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, payout_digest, record_facts
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRequest:
    """A validated reward; amounts in smallest units. Its destination is sealed where its payout is made.

    `sealed` is what a staged row was sealed to, with the name of its key: it is taken over as it stands. `quote` fixes
    provider and fee ceiling; without one the route and the provider's fee rule decide.
    """

    campaign: str
    reward_id: str
    player_id: str
    asset: str
    amount_minor: int
    jurisdiction: str
    destination_kind: str
    destination: Destination = field(repr=False)
    destination_digest: bytes
    address_digest: bytes
    recipient_digest: bytes
    content_digest: bytes
    batch_id: UUID | None = None
    quote: "PinnedQuote | None" = None
    sealed: tuple[bytes, str] | None = field(default=None, repr=False)
    origin: str = field(default_factory=origin.current)

    @property
    def reward(self) -> tuple[str, str]:
        """What may be paid only once."""
        return self.campaign, self.reward_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedQuote:
    """The stored quote a request uses up."""

    id: UUID
    provider: str
    fee_minor: int
    expires_at: datetime


def request_of(
    core: Core, reward: RewardRow, *, batch_id: UUID | None = None, quote: PinnedQuote | None = None
) -> PayoutRequest:
    """The request for a validated reward."""
    return PayoutRequest(
        campaign=reward.campaign,
        reward_id=reward.reward_id,
        player_id=reward.player_id,
        asset=reward.asset,
        amount_minor=reward.amount_minor,
        jurisdiction=reward.jurisdiction,
        destination_kind=reward.destination.kind,
        destination=reward.destination,
        destination_digest=core.digest_destination(reward.destination),
        address_digest=core.digest_address(reward.destination),
        recipient_digest=core.digest_recipient(reward.destination),
        content_digest=core.digest_content(reward),
        batch_id=batch_id,
        quote=quote,
    )


class RequestVerdict(StrEnum):
    """What became of one request."""

    ACCEPTED = "accepted"
    REPLAYED = "replayed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestResult:
    """The answer to one request: the payout it made or met, or the stable code of its refusal."""

    verdict: RequestVerdict
    payout_id: UUID | None = None
    state: PayoutState | None = None
    code: ErrorCode | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    request: PayoutRequest
    payout_id: UUID
    pool_id: UUID
    pool: str
    provider: str | None
    fee_ceiling: int
    judged: Judged | None = None

    @property
    def state(self) -> PayoutState:
        return holds.state_of(self.judged.judgement) if self.judged else PayoutState.HELD

    @property
    def stop(self) -> Verdict | None:
        """What people are told of first, unless it may go at once."""
        return (
            holds.first_stop(self.judged.judgement) if self.judged else holds.by_people("no_route", "no route takes it")
        )

    @property
    def hold_cause(self) -> str | None:
        return self.stop.gate if self.stop and self.state is PayoutState.HELD else None

    @property
    def to_reserve(self) -> int:
        return self.request.amount_minor + self.fee_ceiling


async def request_payouts(core: Core, requests: Sequence[PayoutRequest], actor: str) -> list[RequestResult]:
    """Take on payouts in one transaction; answers one result per request, in order.

    The same reward again answers `replayed` with the payout it met when the content is the same, and
    `idempotency_key_reused` when it is not, whichever door it came through. A row the pool cannot bear is refused
    alone and claims nothing.
    """
    return await core.database.run(lambda connection: request_within(core, connection, requests, actor))


async def request_within(
    core: Core, connection: Connection, requests: Sequence[PayoutRequest], actor: str
) -> list[RequestResult]:
    """The same inside the caller's transaction."""
    results: dict[int, RequestResult] = {}
    pools = await pools_by_name(connection)
    paused = frozenset((row["scope"], row["subject"]) for row in await connection.fetch(sql("accepting_pauses")))
    planned: dict[int, _Planned] = {}
    for index, request in enumerate(requests):
        plan = _paused(core, request, paused) or _plan(core, request, pools)
        if isinstance(plan, RequestResult):
            results[index] = plan
        else:
            planned[index] = plan
    met = await _payouts_met(connection, planned.values())
    fresh = _first_of_each_reward(plan for plan in planned.values() if plan.request.reward not in met)
    made = await _insert(core, connection, await _judge(core, connection, fresh, actor), actor)
    fitting = await _reserve(connection, made, actor)
    await _note_gates(core, connection, fitting)
    # Also what another row of this batch, or somebody else just now, has made of the same reward.
    met |= await _payouts_met(connection, [plan for plan in planned.values() if plan.payout_id not in made])
    for index, plan in planned.items():
        results[index] = _answer(plan, made, fitting, met)
    return [results[index] for index in range(len(requests))]


def _route(core: Core, request: PayoutRequest) -> str | None:
    return core.config.route(
        request.campaign, request.jurisdiction, request.destination_kind, request.asset, request.amount_minor
    )


def _paused(core: Core, request: PayoutRequest, paused: frozenset[tuple[str, str]]) -> RequestResult | None:
    if not paused:
        return None
    routed = _route(core, request)
    provider = request.quote.provider if request.quote else routed
    about = {
        ("everything", ""),
        ("campaign", request.campaign),
        ("player", request.player_id),
        ("provider", provider or ""),
    }
    if not about & paused:
        return None
    return RequestResult(
        verdict=RequestVerdict.REFUSED,
        code=ErrorCode.PAYOUTS_PAUSED,
        message="taking on payouts is paused here: send it again once the pause is lifted",
    )


async def _judge(core: Core, connection: Connection, fresh: dict[UUID, _Planned], actor: str) -> dict[UUID, _Planned]:
    """Ask the gates about every payout that has a route, in the order the requests came."""
    routed = [plan for plan in fresh.values() if plan.provider]
    judged = await judge_batch(core, connection, [_candidate(core, plan, actor) for plan in routed])
    return fresh | {item.candidate.payout_id: replace(fresh[item.candidate.payout_id], judged=item) for item in judged}


def _candidate(core: Core, plan: _Planned, actor: str) -> Candidate:
    request = plan.request
    subject = Subject(
        campaign=request.campaign,
        player_id=request.player_id,
        asset=request.asset,
        amount_minor=request.amount_minor,
        jurisdiction=request.jurisdiction,
        pool=plan.pool,
        **rail_of(core, plan.provider, request.destination_kind),
        destination_kind=request.destination_kind,
        address_digest=request.address_digest,
        recipient_digest=request.recipient_digest,
        content_digest=request.content_digest,
        created_by=actor,
        batch_id=request.batch_id,
    )
    return Candidate(payout_id=plan.payout_id, subject=subject)


async def _note_gates(core: Core, connection: Connection, fitting: Mapping[UUID, _Planned]) -> None:
    await holds.write_new(core, connection, [plan.judged for plan in fitting.values() if plan.judged])
    unrouted = [(payout_id, plan.stop) for payout_id, plan in fitting.items() if not plan.judged and plan.stop]
    await holds.open_holds(core, connection, unrouted)


def _plan(core: Core, request: PayoutRequest, pools: Mapping[str, tuple[UUID, str]]) -> _Planned | RequestResult:
    campaign = core.config.campaigns.get(request.campaign)
    pool_name = campaign.pools.get(request.asset) if campaign else None
    pool = pools.get(pool_name) if pool_name else None
    if pool is None or pool[1] != request.asset:
        return RequestResult(
            verdict=RequestVerdict.REFUSED,
            code=ErrorCode.POOL_EXHAUSTED,
            message=f"campaign {request.campaign!r} has no pool in {request.asset}: create and fund {pool_name or 'one'}",
        )
    rule = core.config.pools.get(pool_name or "")
    maximum = rule.max_payout_minor if rule else None
    if maximum is not None and request.amount_minor > maximum:
        return RequestResult(
            verdict=RequestVerdict.REFUSED,
            code=ErrorCode.AMOUNT_ABOVE_MAXIMUM,
            message=f"pool {pool_name!r} pays at most {maximum} smallest units at once",
        )
    if request.quote:
        provider: str | None = request.quote.provider
        ceiling = request.quote.fee_minor
    else:
        provider = _route(core, request)
        ceiling = _fee_ceiling(core, provider, request)
    if request.amount_minor + ceiling > MAX_MINOR:
        return RequestResult(
            verdict=RequestVerdict.REFUSED,
            code=ErrorCode.AMOUNT_ABOVE_MAXIMUM,
            message="amount and highest fee together have more than 38 digits in smallest units",
        )
    return _Planned(
        request=request,
        payout_id=ids.new_id(),
        pool_id=pool[0],
        pool=pool_name or "",
        provider=provider,
        fee_ceiling=ceiling,
    )


def _fee_ceiling(core: Core, provider: str | None, request: PayoutRequest) -> int:
    settings = core.config.providers.get(provider) if provider else None
    return settings.fees.ceiling(request.amount_minor, request.asset) if settings else 0


def _first_of_each_reward(planned: Iterable[_Planned]) -> dict[UUID, _Planned]:
    first: dict[tuple[str, str], _Planned] = {}
    for plan in planned:
        first.setdefault(plan.request.reward, plan)
    return {plan.payout_id: plan for plan in first.values()}


async def _insert(
    core: Core, connection: Connection, plans: Mapping[UUID, _Planned], actor: str
) -> dict[UUID, _Planned]:
    if not plans:
        return {}
    rows = list(plans.values())
    requests = [plan.request for plan in rows]
    sealed = await _sealed(core, connection, requests)
    made = await connection.fetch(
        sql("insert_payouts"),
        [plan.payout_id for plan in rows],
        [request.campaign for request in requests],
        [request.reward_id for request in requests],
        [request.player_id for request in requests],
        [plan.pool_id for plan in rows],
        [request.asset for request in requests],
        [request.amount_minor for request in requests],
        [plan.fee_ceiling for plan in rows],
        [request.jurisdiction for request in requests],
        [request.destination_kind for request in requests],
        [ciphertext for ciphertext, _ in sealed],
        [key_id for _, key_id in sealed],
        [request.destination_digest for request in requests],
        [request.content_digest for request in requests],
        [plan.provider for plan in rows],
        [plan.state.value for plan in rows],
        [plan.hold_cause for plan in rows],
        [request.batch_id for request in requests],
        [request.quote.id if request.quote else None for request in requests],
        actor,
        [request.quote.expires_at if request.quote else None for request in requests],
        [request.address_digest for request in requests],
        [plan.stop.code.value if plan.stop and plan.stop.code else None for plan in rows],
        [write_counted(plan.judged.counted) if plan.judged else None for plan in rows],
        [plan.judged.judgement.passes_at if plan.judged else None for plan in rows],
        [plan.judged.legal_approval_id if plan.judged else None for plan in rows],
        [request.recipient_digest for request in requests],
    )
    return {row["id"]: plans[row["id"]] for row in made}


async def _sealed(core: Core, connection: Connection, requests: Sequence[PayoutRequest]) -> Sequence[tuple[bytes, str]]:
    """Each destination's ciphertext and its key; one taken over was opened with the player's salt of this transaction."""
    fresh = [request for request in requests if request.sealed is None]
    salts = await salts_for(connection, [request.player_id for request in fresh])
    sealed = iter(
        core.seal_destinations(
            (request.destination for request in fresh), [salts[request.player_id] for request in fresh]
        )
    )
    return [request.sealed or (next(sealed), core.vault.key_id) for request in requests]


async def _reserve(connection: Connection, made: Mapping[UUID, _Planned], actor: str) -> dict[UUID, _Planned]:
    """Reserve for every payout its pool can bear, first come first served; the others are taken back."""
    if not made:
        return {}
    pool_ids = sorted({plan.pool_id for plan in made.values()})
    left = {row["pool_id"]: row["balance"] for row in await connection.fetch(sql("lock_available"), pool_ids)}
    fitting: dict[UUID, _Planned] = {}
    for payout_id in sorted(made):  # ids grow in the order the requests came
        plan = made[payout_id]
        if plan.to_reserve <= left[plan.pool_id]:
            left[plan.pool_id] -= plan.to_reserve
            fitting[payout_id] = plan
    beyond = [payout_id for payout_id in made if payout_id not in fitting]
    if beyond:
        await connection.execute(sql("delete_unreserved_payouts"), beyond)
        await _forget_uses(connection, [made[payout_id] for payout_id in beyond], fitting.values())
    if fitting:
        await _post(connection, fitting, actor)
    return fitting


async def _forget_uses(connection: Connection, beyond: Iterable[_Planned], fitting: Iterable[_Planned]) -> None:
    """What is refused has not used its destination: a player's time with it begins with a payout that was taken on."""
    kept = {(plan.request.recipient_digest, plan.request.player_id) for plan in fitting}
    uses = {(plan.request.recipient_digest, plan.request.player_id) for plan in beyond} - kept
    await connection.execute(
        sql("forget_new_uses"), [recipient for recipient, _ in uses], [player for _, player in uses]
    )


async def _post(connection: Connection, fitting: Mapping[UUID, _Planned], actor: str) -> None:
    debit, credit = ACCOUNTS[TransferKind.RESERVE]
    count = len(fitting)
    plans = list(fitting.values())
    await connection.execute(
        sql("insert_transfers"),
        [ids.new_id() for _ in plans],
        [plan.pool_id for plan in plans],
        [TransferKind.RESERVE.value] * count,
        [debit] * count,
        [credit] * count,
        [plan.to_reserve for plan in plans],
        list(fitting),
        [1] * count,
        [None] * count,
        actor,
    )
    await record_facts(connection, [_fact(plan) for plan in plans], actor=actor)


def _fact(plan: _Planned) -> Fact:
    after = payout_digest(
        state=plan.state.value,
        amount_minor=plan.request.amount_minor,
        destination_digest=plan.request.destination_digest,
        content_digest=plan.request.content_digest,
    )
    return Fact(
        subject_id=plan.payout_id,
        version=1,
        type=_event_type(plan),
        data=_event_data(plan),
        after=after,
        origin=plan.request.origin,
    )


def _event_type(plan: _Planned) -> str:
    return "payout.accepted" if plan.state is PayoutState.READY else f"payout.{plan.state.value}"


def _event_data(plan: _Planned) -> str:
    data = {"to": plan.state.value}
    if plan.hold_cause:
        data["cause"] = plan.hold_cause
    if plan.stop and plan.stop.code:
        data["code"] = plan.stop.code.value
    return json.dumps(data)


async def _payouts_met(
    connection: Connection, planned: Iterable[_Planned]
) -> dict[tuple[str, str], tuple[UUID, bytes, str]]:
    rewards = [plan.request.reward for plan in planned]
    if not rewards:
        return {}
    rows = await connection.fetch(
        sql("payouts_by_reward"), [campaign for campaign, _ in rewards], [reward for _, reward in rewards]
    )
    return {(row["campaign"], row["reward_id"]): (row["id"], row["content_digest"], row["state"]) for row in rows}


def _answer(
    plan: _Planned,
    made: Mapping[UUID, _Planned],
    fitting: Mapping[UUID, _Planned],
    met: Mapping[tuple[str, str], tuple[UUID, bytes, str]],
) -> RequestResult:
    if plan.payout_id in fitting:
        state = fitting[plan.payout_id].state  # as judged; `plan` is what was asked for
        return RequestResult(verdict=RequestVerdict.ACCEPTED, payout_id=plan.payout_id, state=state)
    earlier = met.get(plan.request.reward)
    if plan.payout_id in made or earlier is None:
        return RequestResult(
            verdict=RequestVerdict.REFUSED,
            code=ErrorCode.POOL_EXHAUSTED,
            message=f"the pool has less than {plan.to_reserve} smallest units of {plan.request.asset} available: fund it",
        )
    payout_id, content_digest, stands = earlier
    if content_digest != plan.request.content_digest:
        return RequestResult(
            verdict=RequestVerdict.REFUSED,
            payout_id=payout_id,
            code=ErrorCode.IDEMPOTENCY_KEY_REUSED,
            message=f"reward {plan.request.reward_id!r} is payout {payout_id} already, with other content",
        )
    return RequestResult(verdict=RequestVerdict.REPLAYED, payout_id=payout_id, state=PayoutState(stands))
