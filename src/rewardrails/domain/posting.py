"""Which transfers a payout's step needs; pure arithmetic in smallest units."""

from dataclasses import dataclass
from enum import StrEnum

from rewardrails.domain.payout import Move, PayoutState


class TransferKind(StrEnum):
    """Why money moved between two accounts of a pool."""

    FUND = "fund"
    WITHDRAW = "withdraw"
    RESERVE = "reserve"
    RELEASE = "release"
    SETTLE = "settle"
    FEE = "fee"
    RETURN = "return"
    LATE_SETTLE = "late_settle"
    LATE_FEE = "late_fee"
    COVER = "cover"


class FundingSource(StrEnum):
    """Where a pool's money came from. Players' entry fees are not on the list and cannot be."""

    SPONSOR = "sponsor"
    TREASURY = "treasury"
    GRANT = "grant"
    ADS = "ads"
    AFFILIATE = "affiliate"
    MANUAL_TEST = "manual_test"
    OTHER = "other"


# debit, credit; funding and withdrawing name their source themselves
ACCOUNTS: dict[TransferKind, tuple[str, str]] = {
    TransferKind.RESERVE: ("available", "reserved"),
    TransferKind.RELEASE: ("reserved", "available"),
    TransferKind.SETTLE: ("reserved", "paid"),
    TransferKind.FEE: ("reserved", "fees"),
    TransferKind.RETURN: ("paid", "available"),
    TransferKind.LATE_SETTLE: ("suspense", "paid"),
    TransferKind.LATE_FEE: ("suspense", "fees"),
    TransferKind.COVER: ("available", "suspense"),
}


@dataclass(frozen=True, slots=True)
class Posting:
    """One transfer to be made: its kind and a positive amount in smallest units."""

    kind: TransferKind
    amount_minor: int


def postings(move: Move) -> tuple[Posting, ...]:
    """The transfers of one step.

    What was reserved is always used up: settled, charged as fee, or released. A fee above the ceiling, and truth that
    arrives after the reservation is gone, are booked from suspense, so that settling never fails.
    """
    standing = move.standing
    made: tuple[Posting, ...] = ()
    match move.to_state:
        case PayoutState.PAID if standing.reserved_minor:
            fee = min(move.fee_minor, standing.reserved_minor - standing.amount_minor)
            made = (
                Posting(TransferKind.SETTLE, standing.amount_minor),
                Posting(TransferKind.FEE, fee),
                Posting(TransferKind.LATE_FEE, move.fee_minor - fee),
                Posting(TransferKind.RELEASE, standing.reserved_minor - standing.amount_minor - fee),
            )
        case PayoutState.PAID:
            made = (
                Posting(TransferKind.LATE_SETTLE, standing.amount_minor),
                Posting(TransferKind.LATE_FEE, move.fee_minor),
            )
        case PayoutState.FAILED | PayoutState.CANCELED:
            made = (Posting(TransferKind.RELEASE, standing.reserved_minor),)
        case PayoutState.RETURNED:
            made = (Posting(TransferKind.RETURN, standing.amount_minor),)
        case PayoutState.READY if not standing.reserved_minor:
            made = (Posting(TransferKind.RESERVE, standing.amount_minor + standing.fee_ceiling_minor),)
        case _:
            pass
    return tuple(posting for posting in made if posting.amount_minor > 0)
