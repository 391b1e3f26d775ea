"""What assets are worth in the reference unit, as the treasurer says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from rewardrails import clock, ids
from rewardrails.domain.policy import limits
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

CLOCKS_DIFFER = timedelta(hours=1)
"""How far ahead a rate may be dated: a later one would stay fresh, and no other could replace it, until then."""
_plain_decimal = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?").fullmatch


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
    await core.database.run_once(lambda tx: set_rates_within(core, tx, rates, dated=dated, source=source, actor=actor))


async def set_rates_within(
    core: Core, tx: Connection, rates: Mapping[str, str], *, dated: datetime, source: str, actor: str
) -> None:
    """`set_rates` inside the caller's transaction."""
    read = {asset: _rate(core, asset, text) for asset, text in rates.items()}
    if not read:
        raise FieldInvalid("name at least one asset", field="rates")
    if not source.strip():
        raise FieldInvalid("name the source of the rates", field="source")
    if dated > clock.now() + CLOCKS_DIFFER:
        raise FieldInvalid("rates are dated when they were seen, not in the future", field="dated")
    await tx.execute(sql("set_rates"), list(read), list(read.values()), dated, source.strip(), actor)
    data = json.dumps({"assets": sorted(read), "dated": dated.isoformat(), "source": source.strip()})
    await record_facts(tx, [Fact(subject_id=ids.new_id(), version=1, type="rates.set", data=data)], actor=actor)
    await tx.execute(sql("judge_gate_again"), [limits.GATE])


async def rates(core: Core) -> list[AssetRate]:
    """The rates there are, by asset."""
    async with core.database.reading() as connection:
        return await rates_within(connection)


async def rates_within(connection: Connection) -> list[AssetRate]:
    """`rates` on the caller's connection."""
    rows = await connection.fetch(sql("rates"))
    return [AssetRate(**{**dict(row), "value": Decimal(row["value"])}) for row in rows]


def _rate(core: Core, asset: str, text: str) -> Decimal:
    if asset not in core.config.assets:
        raise FieldInvalid(f"{asset[:40]!r} is not declared", field="rates")
    value = Decimal(text) if _plain_decimal(text) else Decimal(0)
    if value <= 0:
        raise FieldInvalid(f"the rate of {asset} is not a plain decimal above zero", field="rates")
    return value
