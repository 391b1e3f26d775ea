"""An amount of one asset."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """`amount_minor` in the smallest unit of `asset`; how many decimals that is, its `Asset` knows."""

    amount_minor: int
    asset: str
