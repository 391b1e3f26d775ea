"""Exchanges' words in ours, and ours in theirs: amounts, names, refusals, entries of the history."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid5

import msgspec

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.errors import AmountInvalid, DestinationInvalid, ErrorCode, RewardRailsError
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.exchange.row import Exchange
from rewardrails.providers.http import HttpReply

# Never to be changed: the name of every withdrawal ever asked for hangs on it.
NAMESPACE = UUID("3f5d2c6e-9b14-5c0a-8a77-6d1e0b7c4f92")
MOST_DIGITS = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Some exchanges' requests are joined by '&', '=' and ':' without any escape.
_is_plain = re.compile(r"[A-Za-z0-9_.-]{1,120}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an exchange asks for a coin over a chain, whole units; None where it states no bound."""

    is_open: bool
    fee: Decimal
    least: Decimal | None
    most: Decimal | None
    step: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One withdrawal in the history."""

    id: str
    client_id: str
    coin: str
    amount: Decimal
    fee: Decimal | None
    status: str
    at: datetime


def client_id(rail_key: str) -> str:
    """The name of an attempt at the exchange: 32 letters and digits made of its whole key, so that no two share one."""
    return uuid5(NAMESPACE, rail_key).hex


def text_of(amount: Decimal) -> str:
    """An amount as it is sent: plain digits, no exponent, no noughts at the end."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole(money: Money, exponents: Mapping[str, int]) -> Decimal:
    """An amount in whole units, exact."""
    return Decimal(money.amount_minor).scaleb(-exponents[money.asset])


def minor(amount: Decimal, asset: str, exponents: Mapping[str, int]) -> Money:
    """An exact amount in smallest units; raises `AmountInvalid` for a part of one."""
    found = round_up(amount, asset, exponents)
    if whole(found, exponents) != amount:
        raise AmountInvalid("the amount has more digits than its asset", field="amount")
    return found


def round_up(amount: Decimal, asset: str, exponents: Mapping[str, int]) -> Money:
    """The smallest whole number of smallest units that covers the amount."""
    scaled = amount.scaleb(exponents[asset]).to_integral_value(ROUND_CEILING)
    return Money(amount_minor=int(scaled), asset=asset)


def number(text: object) -> Decimal | None:
    """A plain number that is not negative; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 and found.adjusted() <= MOST_DIGITS else None


def refuse_destination(destination: Destination, needs_memo: tuple[str, ...]) -> None:
    """Raise `DestinationInvalid` for what cannot be told an exchange unmistakably, or lacks the memo that it needs."""
    if not _is_plain(destination.value):
        raise DestinationInvalid("the address holds what an exchange would misread", field="destination")
    if destination.memo and not _is_plain(destination.memo):
        raise DestinationInvalid("the memo may hold letters, digits, '_', '.' and '-' only, 120 at most", field="memo")
    if destination.kind in needs_memo and not destination.memo:
        raise DestinationInvalid("a deposit at an exchange without its memo is lost: ask for the memo", field="memo")


def terms_of(row: Exchange, chain: str, currency: Any) -> Terms | None:
    """The terms of one chain in what ccxt read of a coin; None where it is not told, or not to be computed."""
    networks = (currency or {}).get("networks") or {}
    found = [one for one in networks.values() if (one.get("info") or {}).get(row.chain_of_coin) == chain]
    if len(found) != 1:
        return None
    (one,) = found
    percentage = number(one["info"].get(row.percentage_fee) or "0") if row.percentage_fee else Decimal(0)
    fee = number(one.get("fee"))
    if fee is None or percentage is None or percentage:
        return None
    limits = (one.get("limits") or {}).get("withdraw") or {}
    return Terms(
        is_open=one.get("withdraw") is True,
        fee=fee,
        least=number(limits.get("min")) or None,
        most=number(limits.get("max")) or None,
        step=number(one.get("precision")) or None,
    )


def refuse_amount(amount: Decimal, terms: Terms, title: str) -> None:
    """Raise `RewardRailsError` saying why the exchange would not pay so much out."""
    if not terms.is_open:
        raise RewardRailsError(
            f"{title} has stopped withdrawals of this asset over this chain: look there for its reason",
            code=ErrorCode.WITHDRAWALS_SUSPENDED,
        )
    if terms.least is not None and amount < terms.least:
        raise RewardRailsError(
            f"{title} pays out {text_of(terms.least)} at least", code=ErrorCode.AMOUNT_BELOW_MINIMUM, field="amount"
        )
    if terms.most is not None and amount > terms.most:
        raise RewardRailsError(
            f"{title} pays out {text_of(terms.most)} at most", code=ErrorCode.AMOUNT_ABOVE_MAXIMUM, field="amount"
        )
    if terms.step is not None and amount % terms.step:
        raise RewardRailsError(
            f"{title} pays out multiples of {text_of(terms.step)}", code=ErrorCode.AMOUNT_INVALID, field="amount"
        )


def answer_of(reply: HttpReply) -> Any:
    """An answer's JSON with every number as text; None where it is none."""
    try:
        return strict_json.numbers_as_text(reply.body)
    except msgspec.DecodeError:
        return None


def at(answer: Any, path: Sequence[str]) -> Any:
    """What stands at a place of an answer; on the way, of a list its only element is meant. None where nothing is there."""
    for name in path:
        answer = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def code_of(row: Exchange, answer: Any) -> str:
    """The code that an answer names; empty for none, and for one that means success."""
    said = answer.get(row.code) if isinstance(answer, dict) else None
    return said if isinstance(said, str) and said not in row.success else ""


def evidence_of(row: Exchange, reply: HttpReply, answer: Any, *, status: str = "", message: str = "") -> Evidence:
    """An answer kept as evidence."""
    told = answer.get(row.message) if isinstance(answer, dict) else None
    return certainty.evidence_of(
        reply,
        provider_status=status,
        provider_code=code_of(row, answer),
        message=message or (told[:500] if isinstance(told, str) else ""),
    )


def entry_of(row: Exchange, transaction: Any) -> Entry | None:
    """One entry of what ccxt read of the history; None where something that it must have is missing."""
    info = transaction.get("info") or {}
    amount, made = number(transaction.get("amount")), transaction.get("timestamp")
    said = [transaction.get("id"), transaction.get("currency"), info.get(row.history.status)]
    name, coin, status = [one if isinstance(one, str) else "" for one in said]
    if amount is None or not isinstance(made, int) or not (name and coin and status):
        return None
    fee = transaction.get("fee") or {}
    in_coin = fee.get("currency") == coin and (info.get("feeCcy") or coin) == coin
    ours = info.get(row.history.client_id) if row.history.client_id else None
    return Entry(
        id=name,
        client_id=ours if isinstance(ours, str) else "",
        coin=coin,
        amount=amount,
        fee=number(fee.get("cost")) if in_coin else None,
        status=status,
        at=_EPOCH + timedelta(milliseconds=made),
    )


def status_of(row: Exchange, entry: Entry) -> ObservedStatus:
    """Where a withdrawal stands."""
    return row.statuses.get(entry.status, ObservedStatus.UNKNOWN)


def observation_of(
    row: Exchange, entry: Entry, asset: str, exponents: Mapping[str, int], *, rail_key: str, evidence: Evidence
) -> Observation:
    """An entry as a statement about an attempt of ours; raises `AmountInvalid`."""
    status = status_of(row, entry)
    return Observation(
        status=status,
        rail_key=rail_key,
        provider_reference=entry.id,
        amount=minor(entry.amount, asset, exponents),
        fee=round_up(entry.fee, asset, exponents) if entry.fee is not None else None,
        code=ErrorCode.PROVIDER_REJECTED if status is ObservedStatus.FAILED else None,
        evidence=evidence,
    )
