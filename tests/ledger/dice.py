"""What chance decides about one act."""

from dataclasses import dataclass

from hypothesis import strategies as st

from rewardrails.domain.posting import FundingSource
from tests.ledger.machine_rail import How


@dataclass(frozen=True)
class Dice:
    """Places choose among what there is; a fee, an amount and a source are used by the acts that need them."""

    place: int
    other: int
    fee: int
    amount: int
    how: How
    source: FundingSource
    flag: bool


PLACES = st.integers(0, 63)
DICE = st.builds(
    Dice,
    place=PLACES,
    other=PLACES,
    fee=st.sampled_from([0, 1, 10, 35, 36, 500]),
    amount=st.integers(1, 5_000),
    how=st.sampled_from(How),
    source=st.sampled_from([FundingSource.SPONSOR, FundingSource.TREASURY]),
    flag=st.booleans(),
)
