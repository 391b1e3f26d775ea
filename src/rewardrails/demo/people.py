"""What people do in the demo around the gates: load a list, report risk, renew a legal approval, approve, release."""

from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from uuid import UUID

from rich.console import Console

from rewardrails import clock
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.case import ListKind
from rewardrails.engine.batches import BatchState
from rewardrails.engine.holds_list import OpenHold, open_holds
from rewardrails.engine.legal import NewApproval
from rewardrails.engine.operate import release_hold
from rewardrails.engine.players import RiskReport
from rewardrails.engine.read import PayoutFilter
from rewardrails.errors import Forbidden
from rewardrails.facade import RewardRails
from rewardrails.facade_gates import Gates
from rewardrails.providers.capabilities import ProviderType

SAMPLE_LIST = "sample-sanctions"
ADAPTER, ASSET, EXCHANGED = "fake", "ton:native", "custodial:USDT"
DISTRUSTED = ("telegram:42098469", "telegram:376001182", "telegram:530098818")
"""Players of the season's first rows: the game takes one score back, a person releases one, the last one stays held."""
MANY = 500
LOOK_SECONDS = 0.2


async def before_the_season(rails: RewardRails, console: Console) -> None:
    """What is there when the season starts: a fresh list, an approval that has lapsed, and the game's distrust."""
    loaded = await _as(rails, "compliance").load_list(
        files("rewardrails.demo").joinpath(f"{SAMPLE_LIST}.txt").read_bytes(),
        name=SAMPLE_LIST,
        kind=ListKind.SANCTIONS,
        source="sample, invented",
        dated=clock.now(),
    )
    console.print(f"compliance loaded the list {loaded.name}, dated today")
    if not await rails.gates.approvals():
        lapsed = _approval(ProviderType.TON_WALLET, ASSET, days=30, ends_in=timedelta(minutes=-1))
        good = _approval(ProviderType.CRYPTO_EXCHANGE, EXCHANGED, days=30, ends_in=timedelta(days=335))
        for new in (lapsed, good):
            recorded = await _as(rails, "legal").record_approval(new)
            await _as(rails, "compliance").confirm_approval(recorded.id)
        console.print(f"the legal approval for {ASSET} ended a minute ago: nothing of it may be sent")
        await _as(rails, "game").report_risk([_risk(player, 90) for player in DISTRUSTED])
        console.print(f"the game distrusts {len(DISTRUSTED)} players: 90 of 100")


async def while_it_is_paid(rails: RewardRails, batch_id: UUID, console: Console, *, timeout_seconds: float) -> None:
    """What people do about what stands still: renew, approve by two, look into risks."""
    give_up = clock.monotonic() + timeout_seconds
    while (await rails.batch(batch_id)).state is not BatchState.STARTED and clock.monotonic() < give_up:
        await clock.sleep(LOOK_SECONDS)
    await _renew(rails, console)
    await _approve_by_two(rails, console)
    await _look_into_risks(rails, console)


async def _renew(rails: RewardRails, console: Console) -> None:
    in_force = [one for one in await rails.gates.approvals() if one.confirmed_at and one.valid_until > clock.now()]
    if any(ASSET in one.assets for one in in_force):
        return
    held = len(await _holds(rails, "legal_approval"))
    console.print(f"{held} payouts wait for a legal approval; legal records a renewed one")
    recorded = await _as(rails, "legal").record_approval(
        _approval(ProviderType.TON_WALLET, ASSET, days=0, ends_in=timedelta(days=365))
    )
    try:
        await _as(rails, "legal").confirm_approval(recorded.id)
    except Forbidden as refusal:
        console.print(f"legal tries to confirm it as well: refused, {refusal}")
    await _as(rails, "compliance").confirm_approval(recorded.id)
    console.print("compliance confirms it: they go on by themselves")


async def _approve_by_two(rails: RewardRails, console: Console) -> None:
    waiting = await rails.list(PayoutFilter(state=PayoutState.AWAITING_APPROVAL), limit=MANY)
    if not waiting:
        return
    seen = {one.id: one.approval_digest for one in waiting}
    still = await _as(rails, "treasury-1").approve(seen)
    console.print(f"treasury-1 approves {len(seen)} large payouts: {len(still)} still wait for a second person")
    still = await _as(rails, "treasury-2").approve(seen)
    console.print(f"treasury-2 approves them too: {len(still)} still wait")


async def _look_into_risks(rails: RewardRails, console: Console) -> None:
    distrusted = {one.player_id: one for one in await _holds(rails, "risk") if one.player_id in DISTRUSTED}
    if len(distrusted) < len(DISTRUSTED):
        return
    trusted, released, _stays = DISTRUSTED
    await _as(rails, "game").report_risk([_risk(trusted, 10)])
    reason = "called the player: a shared phone"
    await release_hold(rails.core, distrusted[released].payout_id, actor="operator", reason=reason, overrules=["risk"])
    console.print("the game takes one score back, an operator releases one payout with a reason, one stays held")


async def _holds(rails: RewardRails, gate: str) -> Sequence[OpenHold]:
    return [one for one in await open_holds(rails.core, limit=10 * MANY) if one.gate == gate]


def _as(rails: RewardRails, actor: str) -> Gates:
    """The gates as somebody else than the demo: who acts is what approving by two is about."""
    return Gates(rails.core, actor=actor)


def _approval(over: ProviderType, asset: str, *, days: int, ends_in: timedelta) -> NewApproval:
    now = clock.now()
    return NewApproval(
        provider_type=over,
        adapter=ADAPTER,
        assets=frozenset({asset}),
        jurisdictions=frozenset({"DE", "PL", "BR", "IN", "TR"}),
        campaigns=frozenset({"season-7"}),
        valid_from=now - timedelta(days=days, minutes=5),
        valid_until=now + ends_in,
        document_reference="sample/opinion.pdf",
        document_sha256=bytes(32),
    )


def _risk(player_id: str, score: int) -> RiskReport:
    ends = clock.now() + timedelta(days=30)
    return RiskReport(player_id=player_id, score=score, reasons=("many accounts",), expires_at=ends)
