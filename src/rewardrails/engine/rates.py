"""What assets are worth in the reference unit, as the treasurer says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from rewardrails import ids
from rewardrails.domain.policy import limits
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

_MAX_DIGITS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRate:
    """One whole unit of `asset` in whole reference units, as of `dated`."""

    asset: str
    value: Decimal
    dated: datetime
    source: str
    set_by: str
    set_at: datetime


async def set_rates(core: Core, rates: Mapping[str, str], *, dated: datetime, source: str, actor: str) -> None:
    """Take over rates, plain decimals; an older one never replaces a newer. Held payouts that waited are judged again.

    Raises `FieldInvalid`.
    """
    await core.database.run(lambda tx: set_rates_within(core, tx, rates, dated=dated, source=source, actor=actor))


async def set_rates_within(
    core: Core, tx: Connection, rates: Mapping[str, str], *, dated: datetime, source: str, actor: str
) -> None:
    """`set_rates` inside the caller's transaction."""
    read = {asset: _rate(core, asset, text) for asset, text in rates.items()}
    if not read or not source.strip():
        raise FieldInvalid("name at least one asset, and the source of its rate", field="rates" if source else "source")
    await tx.execute(sql("set_rates"), list(read), list(read.values()), dated, source.strip(), actor)
    data = json.dumps({"assets": sorted(read), "dated": dated.isoformat(), "source": source.strip()})
    await tx.execute(sql("insert_events"), [ids.new_id()], [1], ["rates.set"], [data], actor)
    await tx.execute(sql("judge_gate_again"), [limits.GATE])


async def rates(core: Core) -> list[AssetRate]:
    """The rates there are, by asset."""
    async with core.database.reading() as connection:
        return [AssetRate(**dict(row)) for row in await connection.fetch(sql("rates"))]


def _rate(core: Core, asset: str, text: str) -> Decimal:
    if asset not in core.config.assets:
        raise FieldInvalid(f"{asset!r} is not declared", field="asset")
    try:
        value = Decimal(text) if text.isascii() and len(text) <= _MAX_DIGITS and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0:
        raise FieldInvalid(f"the rate of {asset} is not a positive plain decimal", field="value")
    return value
