"""An amount of one asset."""

from dataclasses import dataclass

MAX_MINOR = 10**38 - 1
"""The most smallest units that the ledger's numbers hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """`amount_minor` in the smallest unit of `asset`; how many decimals that is, its `Asset` knows."""

    amount_minor: int
    asset: str
