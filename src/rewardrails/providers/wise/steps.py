"""The four steps of a transfer: quote, recipient, transfer, payment.

Only the last one moves money, and only for the one transfer whose number was committed before it: whatever is lost on
the way, there is never a second transfer of the same attempt to pay for. Wise pays out a transfer once, however often it
is paid for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from rewardrails import clock
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import CannotTell, Observation, ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import (
    Accepted,
    CreateOutcome,
    OutcomeUnknown,
    Progressed,
    Rejected,
    RejectionScope,
    Settled,
)
from rewardrails.errors import AmountInvalid, DestinationInvalid, ErrorCode
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.http import HttpReply
from rewardrails.providers.wise import wire
from rewardrails.providers.wise.balances import held
from rewardrails.providers.wise.client import WiseClient, errors_of, evidence_of
from rewardrails.providers.wise.lookup import Finder, Seen
from rewardrails.providers.wise.mapping import (
    ALREADY_FUNDED,
    FUNDING_REFUSALS,
    UNFUNDED,
    Refusal,
    codes_of,
    fee_of,
    observation_of,
    refusal_of_data,
    source_amount_of,
    transaction_id,
    whole_of,
)
from rewardrails.providers.wise.recipient import Form, recipient_of
from rewardrails.providers.wise.settings import Funding

COMPLETED = "COMPLETED"
REJECTED = "REJECTED"
# A quote that ends while it is being used would be refused.
QUOTE_MARGIN = timedelta(seconds=60)
# Clocks may differ: after so many new quotes it is for Wise to say whether one has ended.
MOST_REQUOTES = 3


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far an attempt has come; empty fields are steps that are still to be done."""

    quote_id: str = ""
    quote_until: datetime | None = None
    requotes: int = 0
    recipient_id: int = 0
    transfer_id: int = 0


_PROGRESS = msgspec.json.Decoder(Progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Takes one step of an order at a time."""

    client: WiseClient
    finder: Finder
    forms: Mapping[str, Form]
    exponents: Mapping[str, int]
    source_currency: str
    funding: Funding
    reference: str

    async def next(self, order: Order) -> CreateOutcome:
        """The next step that the order's own memory says is due."""
        done = _PROGRESS.decode(order.resume) if order.resume else Progress()
        if done.transfer_id:
            return await self._pay(order, done)
        if _needs_quote(done):
            return await self._quote(order, done)
        if not done.recipient_id:
            return await self._recipient(order, done)
        return await self._transfer(order, done)

    def new_quote(self, amount: Money) -> wire.NewQuote:
        """What is asked of Wise for an amount that is to arrive."""
        return wire.NewQuote(
            source_currency=self.source_currency,
            target_currency=amount.asset,
            target_amount=whole_of(amount, self.exponents),
        )

    def new_recipient(self, order: Order) -> wire.NewRecipient:
        """Who is to get it; raises `DestinationInvalid`."""
        return recipient_of(
            order.destination,
            self.forms[order.amount.asset],
            currency=order.amount.asset,
            profile=self.client.profile_id,
        )

    async def _quote(self, order: Order, done: Progress) -> CreateOutcome:
        if order.amount.asset not in self.forms or order.amount.asset not in self.exponents:
            return Rejected(code=ErrorCode.ASSET_UNSUPPORTED, retryable=False)
        try:
            self.new_recipient(order)
        except DestinationInvalid as error:
            evidence = Evidence(provider_code=f"field:{error.field}", message=error.message)
            return Rejected(code=ErrorCode.DESTINATION_INVALID, retryable=False, evidence=evidence)
        path = f"/v3/profiles/{self.client.profile_id}/quotes"
        reply = await self.client.do(path, self.new_quote(order.amount))
        if not isinstance(reply, HttpReply):
            return _nothing_was_paid(reply)
        quote = strict_json.try_decode(wire.QUOTE, reply.body) if reply.status < certainty.FIRST_REFUSAL else None
        if quote is None:
            return _refused(reply) or _nothing_was_paid(OutcomeUnknown(evidence=evidence_of(reply)))
        try:
            fee = fee_of(quote, order.amount, self.exponents)
        except AmountInvalid as error:
            evidence = certainty.evidence_of(reply, message=error.message)
            return _nothing_was_paid(OutcomeUnknown(evidence=evidence))
        if fee.amount_minor > order.fee_ceiling.amount_minor:
            return Rejected(code=ErrorCode.QUOTE_EXPIRED, retryable=True, evidence=evidence_of(reply))
        if await self._is_too_little(quote):
            return _rejected(FUNDING_REFUSALS["transfer.insufficient_funds"], evidence_of(reply))
        return _progressed(
            msgspec.structs.replace(
                done,
                quote_id=quote.id,
                quote_until=quote.expiration_time,
                requotes=done.requotes + (done.quote_until is not None),
            ),
            reply,
        )

    async def _is_too_little(self, quote: wire.Quote) -> bool:
        """Whether the balance surely does not reach: a transfer that cannot be paid for would stay lying about."""
        if self.funding is Funding.APP:
            return False
        balances = await held(self.client)
        mine = [one.amount.value for one in balances or () if one.amount.currency == quote.source_currency]
        return balances is not None and sum(mine) < source_amount_of(quote)

    async def _recipient(self, order: Order, done: Progress) -> CreateOutcome:
        reply = await self.client.do("/v1/accounts", self.new_recipient(order))
        if not isinstance(reply, HttpReply):
            return _nothing_was_paid(reply)
        made = strict_json.try_decode(wire.RECIPIENT, reply.body) if reply.status < certainty.FIRST_REFUSAL else None
        if made is None:
            return _refused(reply) or _nothing_was_paid(OutcomeUnknown(evidence=evidence_of(reply)))
        return _progressed(msgspec.structs.replace(done, recipient_id=made.id), reply)

    async def _transfer(self, order: Order, done: Progress) -> CreateOutcome:
        new = wire.NewTransfer(
            target_account=done.recipient_id,
            quote_uuid=done.quote_id,
            customer_transaction_id=transaction_id(order.rail_key),
            details=wire.Reference(reference=self.reference) if self.reference else None,
        )
        reply = await self.client.do("/v1/transfers", new)
        if not isinstance(reply, HttpReply):
            return reply
        if reply.status >= certainty.FIRST_REFUSAL:
            refused = _refused(reply)
            if refused is not None and refused.code is ErrorCode.QUOTE_EXPIRED and done.requotes < MOST_REQUOTES:
                return _progressed(
                    msgspec.structs.replace(done, quote_id="", quote_until=None, requotes=done.requotes + 1), reply
                )
            return refused or OutcomeUnknown(evidence=evidence_of(reply))
        made = strict_json.try_decode(wire.TRANSFER, reply.body)
        if made is None:
            return OutcomeUnknown(evidence=evidence_of(reply))
        if self._about(order, done, made, reply) is None:
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence_of(reply))
        return _progressed(msgspec.structs.replace(done, transfer_id=made.id), reply)

    async def _pay(self, order: Order, done: Progress) -> CreateOutcome:
        seen = await self.finder.read(str(done.transfer_id))
        if isinstance(seen, CannotTell):
            return OutcomeUnknown(provider_reference=str(done.transfer_id), evidence=seen.evidence)
        if seen.transfer.status != UNFUNDED or self.funding is Funding.APP:
            return await self._standing(order, done, seen)
        if self._about(order, done, seen.transfer, seen.reply) is None:
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence_of(seen.reply))
        path = f"/v3/profiles/{self.client.profile_id}/transfers/{done.transfer_id}/payments"
        reply = await self.client.do(path, wire.NewPayment())
        if isinstance(reply, HttpReply):
            return await self._paid(order, done, reply)
        if isinstance(reply, OutcomeUnknown):
            return OutcomeUnknown(provider_reference=str(done.transfer_id), evidence=reply.evidence)
        return reply

    async def _paid(self, order: Order, done: Progress, reply: HttpReply) -> CreateOutcome:
        """An answer to the payment: HTTP 200 may be a refusal, and a refusal may mean that it is paid for already."""
        name = str(done.transfer_id)
        payment = strict_json.try_decode(wire.PAYMENT, reply.body) if reply.status < certainty.FIRST_REFUSAL else None
        codes = codes_of(errors_of(reply))
        if payment is not None:
            codes = [payment.error_code] if payment.status == REJECTED and payment.error_code else []
            if payment.status == COMPLETED and not payment.error_code:
                evidence = certainty.evidence_of(reply, provider_status=payment.status)
                return Accepted(provider_reference=name, evidence=evidence)
        evidence = certainty.evidence_of(reply, provider_code=" ".join(codes)[:200])
        if ALREADY_FUNDED.intersection(codes):
            seen = await self.finder.read(name)
            if isinstance(seen, Seen) and seen.transfer.status != UNFUNDED:
                return await self._standing(order, done, seen)
            return OutcomeUnknown(provider_reference=name, evidence=evidence)
        known = [FUNDING_REFUSALS[code] for code in codes if code in FUNDING_REFUSALS]
        if len(known) == 1 and len(codes) == 1:
            return _rejected(known[0], evidence)
        return OutcomeUnknown(provider_reference=name, evidence=evidence)

    async def _standing(self, order: Order, done: Progress, seen: Seen) -> CreateOutcome:
        """A transfer that needs nothing more of us, as the outcome of the order."""
        told = self._about(order, done, seen.transfer, seen.reply)
        if told is None:
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence_of(seen.reply))
        match told.status:
            case ObservedStatus.PAID:
                fee = await self.finder.fee(seen.transfer, order.amount)
                return Settled(provider_reference=told.provider_reference, fee=fee, evidence=told.evidence)
            case ObservedStatus.UNKNOWN:
                return OutcomeUnknown(provider_reference=told.provider_reference, evidence=told.evidence)
            case _:
                return Accepted(provider_reference=told.provider_reference, evidence=told.evidence)

    def _about(self, order: Order, done: Progress, transfer: wire.Transfer, reply: HttpReply) -> Observation | None:
        """What a transfer says of this very order; None where it is another's, to somebody else or of another amount."""
        evidence = certainty.evidence_of(reply, provider_status=transfer.status)
        told = observation_of(transfer, order.rail_key, self.exponents, evidence, waits=self.finder.waits(transfer))
        same = told is not None and told.amount == order.amount and transfer.target_account == done.recipient_id
        return told if same else None


def _needs_quote(done: Progress) -> bool:
    """Nothing is paid for before a transfer's number is stored, so that any step before it may be done anew."""
    if done.quote_until is None:
        return True
    return done.requotes < MOST_REQUOTES and done.quote_until < clock.now() + QUOTE_MARGIN


def _progressed(done: Progress, reply: HttpReply) -> Progressed:
    return Progressed(resume=msgspec.json.encode(done), evidence=evidence_of(reply))


def _nothing_was_paid(outcome: Rejected | OutcomeUnknown) -> Rejected:
    """The first two steps make nothing that could be paid for: what is unknown of them is at worst forgotten."""
    if isinstance(outcome, Rejected):
        return outcome
    return Rejected(
        code=ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, scope=RejectionScope.PROVIDER, evidence=outcome.evidence
    )


def _refused(reply: HttpReply) -> Rejected | None:
    """A refusal of the data we sent; None for what is not documented as one."""
    refusal = refusal_of_data(reply.status, errors_of(reply))
    return _rejected(refusal, evidence_of(reply)) if refusal is not None else None


def _rejected(refusal: Refusal, evidence: Evidence) -> Rejected:
    return Rejected(code=refusal.code, retryable=refusal.retryable, scope=refusal.scope, evidence=evidence)
