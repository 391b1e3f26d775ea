"""PayPal's answers in our words; total for what it documents, UNKNOWN for what it does not."""

import re
from collections.abc import Mapping
from decimal import Decimal

from rewardrails.domain.assets import format_amount
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.paypal.wire import Amount, BatchReply, Item, Problem
from rewardrails.providers.paypal.words import (
    BATCH_STATUSES,
    FAULTS,
    ITEM_ERRORS,
    ITEM_STATUSES,
    REFUSAL_STATUSES,
    REFUSALS,
    UNCLAIMED,
    Refusal,
)

_POINTED_AT = re.compile(r"/v1/payments/payouts/([A-Za-z0-9_-]{1,64})/?(?:\?.*)?\Z")


def refusal_of(status: int, problem: Problem | None) -> Refusal | None:
    """What a refusal means; None for a status or a name that is not documented as one."""
    known = REFUSALS.get(problem.name) if problem is not None and status in REFUSAL_STATUSES else None
    if known is None or problem is None or problem.name != "VALIDATION_ERROR":
        return known
    paths = [re.sub(r"[/\[\].]+", ".", detail.field).strip(".").lower() for detail in problem.details]
    at_fault = {code for end, code in FAULTS.items() if any(f".{path}".endswith(f".{end}") for path in paths)}
    return Refusal(code=at_fault.pop()) if len(at_fault) == 1 and len(paths) == 1 else known


def duplicate_of(status: int, problem: Problem | None) -> str | None:
    """The batch that bears the key already; empty where PayPal does not point at it, None when nothing says "duplicate".

    Only the id is taken out of the link: no request goes to an address that stands in an answer.
    """
    if problem is None or status != 400 or problem.name != "USER_BUSINESS_ERROR":
        return None
    links = [link for detail in problem.details for link in (*detail.link, *detail.links)]
    found = {match[1] for link in (*links, *problem.links) if (match := _POINTED_AT.search(link.href))}
    if len(found) == 1:
        return found.pop()
    return "" if any("sender_batch_id" in detail.field.lower() for detail in problem.details) else None


def status_of(batch_status: str, item: Item | None) -> ObservedStatus:
    """Where a batch of one stands: with its item, once there is one; with the batch before, and when it was called off."""
    if item is None or not item.transaction_status:
        return BATCH_STATUSES.get(batch_status, ObservedStatus.UNKNOWN)
    seen = ITEM_STATUSES.get(item.transaction_status, ObservedStatus.UNKNOWN)
    if seen is ObservedStatus.RETURNED and batch_status == "CANCELED":
        return ObservedStatus.CANCELED
    if seen is ObservedStatus.FAILED and code_of(item) is ErrorCode.DUPLICATE_CONFLICT:
        return ObservedStatus.UNKNOWN  # something else was paid in its place
    return seen


def code_of(item: Item | None) -> ErrorCode | None:
    """Why an item failed or waits, by the name of its error."""
    return ITEM_ERRORS.get(item.errors.name) if item is not None and item.errors is not None else None


def money_of(amount: Amount, exponents: Mapping[str, int]) -> Money:
    """An exact amount; raises `AmountInvalid` for a currency that is not configured or a part of a smallest unit."""
    exponent = exponents.get(amount.currency)
    if exponent is None:
        raise AmountInvalid("the provider speaks of a currency that is not configured", field="currency")
    scaled = Decimal(amount.value).scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise AmountInvalid("the amount has more digits than its currency", field="value")
    return Money(amount_minor=int(scaled), asset=amount.currency)


def amount_of(money: Money, exponents: Mapping[str, int]) -> Amount:
    """An amount as PayPal writes it."""
    return Amount(currency=money.asset, value=format_amount(money.amount_minor, exponents[money.asset]))


def observation_of_batch(batch: BatchReply, exponents: Mapping[str, int], evidence: Evidence) -> Observation:
    """A batch of theirs as a statement about an attempt of ours; raises `AmountInvalid` where it has more than one item."""
    if len(batch.items) > 1:
        raise AmountInvalid("the batch has more than one item", field="items")
    header = batch.batch_header
    item = batch.items[0] if batch.items else None
    asked = item.payout_item.amount if item is not None else header.amount
    return _observation(
        status_of(header.batch_status, item),
        rail_key=header.sender_batch_header.sender_batch_id,
        batch_id=header.payout_batch_id,
        amount=money_of(asked, exponents) if asked is not None else None,
        item=item,
        exponents=exponents,
        evidence=evidence,
    )


def observation_of_item(item: Item, exponents: Mapping[str, int], evidence: Evidence) -> Observation:
    """The same for an item that comes alone; raises `AmountInvalid`."""
    return _observation(
        status_of("", item),
        rail_key=item.sender_batch_id or item.payout_item.sender_item_id,
        batch_id=item.payout_batch_id,
        amount=money_of(item.payout_item.amount, exponents),
        item=item,
        exponents=exponents,
        evidence=evidence,
    )


def _observation(
    status: ObservedStatus,
    *,
    rail_key: str,
    batch_id: str,
    amount: Money | None,
    item: Item | None,
    exponents: Mapping[str, int],
    evidence: Evidence,
) -> Observation:
    code = code_of(item)
    if status is ObservedStatus.FAILED:
        code = code or ErrorCode.PROVIDER_REJECTED
    elif item is not None and item.transaction_status == UNCLAIMED:
        code = ErrorCode.PLAYER_ACTION_REQUIRED
    else:
        code = None
    return Observation(
        status=status,
        rail_key=rail_key,
        provider_reference=batch_id,
        amount=amount,
        fee=_fee(item, amount, exponents),
        code=code,
        evidence=evidence,
    )


def _fee(item: Item | None, amount: Money | None, exponents: Mapping[str, int]) -> Money | None:
    """The fee, where it is charged in the payout's own currency."""
    if item is None or item.payout_item_fee is None or amount is None or item.payout_item_fee.currency != amount.asset:
        return None
    return money_of(item.payout_item_fee, exponents)
