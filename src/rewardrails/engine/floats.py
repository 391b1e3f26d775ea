"""Floats at providers: asking what they hold, and claiming no more than may go.

Of a balance counts what is certainly left: less what was under way when the provider was asked, and less everything claimed
since. All of it changes under the lock of the provider's row, so any number of workers claim one after the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog

from rewardrails.domain.assets import format_amount
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.floats import FloatRule, Standing, over_cap, provider_float, why_short
from rewardrails.domain.policy.verdict import Verdict
from rewardrails.engine.core import Core
from rewardrails.errors import ConfigInvalid
from rewardrails.providers.base import RewardPayoutProvider, SupportsBalance
from rewardrails.store.database import Connection, assert_no_transaction
from rewardrails.store.sql import sql

ASK_SECONDS = 15.0
WAIT_SECONDS = 15.0
_UNSENT = frozenset({PayoutState.HELD, PayoutState.AWAITING_APPROVAL, PayoutState.READY})
log = structlog.get_logger(__name__)


def refuse_floats_nobody_tells(core: Core) -> None:
    """Raise `ConfigInvalid` for a float at a provider that cannot say what it holds."""
    for name, rules in core.config.floats.items():
        provider = core.providers.get(name)
        if rules and provider is not None and not isinstance(provider, SupportsBalance):
            raise ConfigInvalid(
                f"provider {name!r} cannot tell its balance: take its floats out of the configuration",
                field=f"providers.{name}.floats",
            )


async def standings(core: Core, connection: Connection, provider: str) -> dict[str, Standing]:
    """What is known of each configured asset of a provider; smallest units."""
    rules = core.config.floats.get(provider, {})
    rows = await connection.fetch(sql("read_floats"), provider, list(rules)) if rules else []
    known = {row["asset"]: _standing(row) for row in rows}
    return {asset: known.get(asset, Standing()) for asset in rules}


async def verdicts(core: Core, connection: Connection, row: asyncpg.Record) -> tuple[Verdict, ...]:
    """What the float says of a stored payout; nothing where none is kept, or where the payout has gone already."""
    rule = core.config.floats.get(row["provider"] or "", {}).get(row["asset"])
    if rule is None or row["state"] not in _UNSENT:
        return ()
    known = await standings(core, connection, row["provider"])
    cost = int(row["amount"] + row["fee_ceiling"])
    return (provider_float(row["provider"], rule, known[row["asset"]], cost),)


async def shut_assets(core: Core, connection: Connection, provider: str) -> list[str]:
    """Assets of which not even one smallest unit may go now; read under the provider's lock when claiming."""
    rules = core.config.floats.get(provider, {})
    known = await standings(core, connection, provider)
    return [asset for asset, rule in rules.items() if why_short(rule, known[asset], 1)]


async def claim_what_fits(
    core: Core, connection: Connection, provider: str, rows: Sequence[asyncpg.Record]
) -> list[UUID]:
    """Of payouts about to be claimed, in order, those that leave the minimum; they count from now on.

    The others stay ready, say why, and are looked at again in a little while. The provider's row is locked already.
    """
    rules = core.config.floats.get(provider, {})
    if not rules:
        return [row["id"] for row in rows]
    known = await standings(core, connection, provider)
    taken: dict[str, int] = {}
    fitting, waiting = [], []
    for row in rows:
        asset, cost = row["asset"], int(row["amount"] + row["fee_ceiling"])
        rule = rules.get(asset)
        if rule is None or why_short(rule, known[asset], taken.get(asset, 0) + cost) is None:
            taken[asset] = taken.get(asset, 0) + cost
            fitting.append(row["id"])
        else:
            waiting.append(row["id"])
    counted = {asset: amount for asset, amount in taken.items() if asset in rules}
    if counted:
        await connection.execute(sql("claim_float"), provider, list(counted), list(counted.values()))
    if waiting:
        await connection.execute(sql("wait_for_float"), waiting, WAIT_SECONDS)
    return fitting


async def keep_balance(core: Core, provider: RewardPayoutProvider) -> int:
    """Ask a provider what it holds when it is time and nobody else does, and store it; answers 1 when it was asked."""
    rules = core.config.floats.get(provider.name, {})
    if not rules or not isinstance(provider, SupportsBalance):
        return 0
    asked = await core.database.run(lambda tx: _take_turn(tx, provider.name, rules))
    if not asked:
        return 0
    assert_no_transaction()
    try:
        held = {money.asset: money.amount_minor for money in await provider.balance()}
    except Exception as error:  # the edge: whatever it was, the balance is not known
        log.warning("balance_not_told", provider=provider.name, reason=type(error).__name__)
        held = {}
    await core.database.run(lambda tx: _note(core, tx, provider.name, asked, held))
    return 1


def _standing(row: asyncpg.Record) -> Standing:
    if row["balance"] is None:
        return Standing()
    return Standing(
        balance_minor=int(row["balance"]), free_minor=int(row["free"]), age=timedelta(seconds=row["age_seconds"])
    )


async def _take_turn(tx: Connection, provider: str, rules: Mapping[str, FloatRule]) -> list[asyncpg.Record]:
    """What is under way as the provider is about to be asked, per asset; empty when it is not our turn."""
    assets = sorted(rules)
    await tx.execute(sql("lock_provider"), provider)
    minimums, caps = [rules[a].minimum_minor for a in assets], [rules[a].cap_minor for a in assets]
    if len(await tx.fetch(sql("read_floats"), provider, assets)) < len(assets):
        await tx.execute(sql("ensure_floats"), provider, assets, minimums, caps)
    if not await tx.fetch(sql("take_balance_turn"), provider, assets, ASK_SECONDS):
        return []
    await tx.execute(sql("ensure_floats"), provider, assets, minimums, caps)
    return list(await tx.fetch(sql("live_amounts"), provider, assets))


async def _note(
    core: Core, tx: Connection, provider: str, asked: Iterable[asyncpg.Record], held: Mapping[str, int]
) -> None:
    await tx.execute(sql("lock_provider"), provider)
    told = [row for row in asked if row["asset"] in held]
    await tx.execute(
        sql("note_balances"),
        provider,
        [row["asset"] for row in told],
        [held[row["asset"]] for row in told],
        [row["asked_at"] for row in told],
        [row["under_way"] for row in told],
        [row["claimed"] for row in told],
    )
    if silent := [row["asset"] for row in asked if row["asset"] not in held]:
        await tx.execute(sql("note_no_balance"), provider, silent)
    if short := await shut_assets(core, tx, provider):
        await tx.execute(sql("mark_short_of_float"), provider, short)
    for asset, rule in core.config.floats[provider].items():
        _warn(core, provider, asset, over_cap(rule, Standing(balance_minor=held.get(asset))), is_short=asset in short)


def _warn(core: Core, provider: str, asset: str, above: int, *, is_short: bool) -> None:
    if above:
        sweep = format_amount(above, core.config.assets[asset].exponent)
        log.warning("float_over_cap", provider=provider, asset=asset, sweep=sweep)
    if is_short:
        log.warning("float_short", provider=provider, asset=asset)
