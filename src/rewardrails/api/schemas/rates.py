"""Rates over the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from rewardrails.api.schemas.common import In, Moment, Name, Out
from rewardrails.engine.core import Core
from rewardrails.engine.rates import AssetRate


class RatesIn(In):
    """What one whole unit of each asset is worth in whole reference units, as plain decimals such as `"1.0834"`."""

    rates: Annotated[dict[str, str], Meta(min_length=1, max_length=200)]
    dated: Moment
    source: Name


class RateOut(Out):
    """One whole unit of `asset` in whole reference units, as of `dated`."""

    asset: str
    value: str
    dated: datetime
    source: str
    set_by: str
    set_at: datetime


class RateList(Out):
    """The rates in force, by asset."""

    reference_unit: str
    rates: list[RateOut]

    @classmethod
    def of(cls, core: Core, rates: Sequence[AssetRate]) -> "RateList":
        """Rates as they go out."""
        return cls(
            reference_unit=core.config.rules.reference_unit,
            rates=[
                RateOut(
                    asset=rate.asset,
                    value=format(rate.value, "f"),
                    dated=rate.dated,
                    source=rate.source,
                    set_by=rate.set_by,
                    set_at=rate.set_at,
                )
                for rate in rates
            ],
        )
