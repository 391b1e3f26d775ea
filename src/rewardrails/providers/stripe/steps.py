"""The two steps of a payout: an intent with its fees and locked rate, and its confirmation.

Only the confirmation moves money, and only of the one intent whose id was committed before it: an intent that is lost
on the way is never confirmed. A confirmation that Stripe refuses ends the attempt only once the intent is canceled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import quote as url_quote

import msgspec

from rewardrails import clock
from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, ObservedStatus
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
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.client import DO_SHARE, INTENTS, LOOK_SHARE, StripeClient, evidence_of, names_of
from rewardrails.providers.stripe.currencies import amount_of
from rewardrails.providers.stripe.lookup import Finder, Seen
from rewardrails.providers.stripe.mapping import (
    KEY_CONFLICT,
    NO_MATCH,
    RAIL_KEY,
    REFUSALS,
    Refusal,
    awaits_confirmation,
    fee_of,
    never_paid,
)

MANUAL = "manual"
REFUSED_DATA = frozenset({400, 404, 422})
ACTIVE = frozenset({"active", "none"})
_recipient = re.compile(r"acct_[A-Za-z0-9_]{1,100}").fullmatch
_payout_method = re.compile(r"[a-z]+_[A-Za-z0-9_]{1,100}").fullmatch


class Progress(msgspec.Struct, frozen=True):
    """The intent that this attempt may confirm."""

    intent_id: str


_PROGRESS = msgspec.json.Decoder(Progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Takes one step of an order at a time."""

    client: StripeClient
    finder: Finder
    assets: Mapping[str, int]
    source_currency: str
    statement_descriptor: str

    async def next(self, order: Order) -> CreateOutcome:
        """The next step that the order's own memory says is due."""
        if order.resume:
            return await self._confirm(order, _PROGRESS.decode(order.resume).intent_id)
        return await self._make(order)

    def new_intent(self, amount: Money, destination: Destination, metadata: Mapping[str, str]) -> wire.NewIntent:
        """What is asked of Stripe for an amount that is to arrive; raises `DestinationInvalid` or `AmountInvalid`."""
        refuse_bad(destination)
        return wire.NewIntent(
            amount=amount_of(amount, self.assets),
            source=wire.NewSource(
                financial_account=self.finder.financial_account, currency=self.source_currency.lower()
            ),
            to=wire.NewTarget(
                recipient=destination.value, currency=amount.asset.lower(), payout_method=destination.memo or None
            ),
            metadata=dict(metadata),
            confirmation_method=MANUAL,
            statement_descriptor=self.statement_descriptor or None,
        )

    async def cancel_intent(self, intent_id: str, *, key: str) -> HttpReply | Rejected | OutcomeUnknown:
        """Ask for an intent to be canceled."""
        path = f"{INTENTS}/{url_quote(intent_id, safe='')}/cancel"
        return await self.client.do(path, wire.Nothing(), key=f"{key}-cancel", share=LOOK_SHARE)

    async def _make(self, order: Order) -> CreateOutcome:
        if order.amount.asset not in self.assets:
            return Rejected(code=ErrorCode.ASSET_UNSUPPORTED, retryable=False)
        try:
            new = self.new_intent(order.amount, order.destination, {RAIL_KEY: order.rail_key})
        except (AmountInvalid, DestinationInvalid) as error:
            evidence = Evidence(provider_code=f"field:{error.field}", message=error.message)
            return Rejected(code=error.code, retryable=False, evidence=evidence)
        reply = await self.client.do(INTENTS, new, key=order.rail_key)
        if not isinstance(reply, HttpReply):
            return _nothing_was_paid(reply)
        if KEY_CONFLICT in names_of(reply):
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence_of(reply))
        intent = strict_json.try_decode(wire.INTENT, reply.body) if reply.status < certainty.FIRST_REFUSAL else None
        if intent is None:
            return _refused(reply) or _nothing_was_paid(OutcomeUnknown(evidence=evidence_of(reply)))
        try:
            fee = fee_of(intent, order.amount, self.assets)
        except AmountInvalid as error:
            return _nothing_was_paid(OutcomeUnknown(evidence=certainty.evidence_of(reply, message=error.message)))
        if fee.amount_minor > order.fee_ceiling.amount_minor:
            dearer = Rejected(code=ErrorCode.QUOTE_EXPIRED, retryable=True, evidence=evidence_of(reply))
            return await self._once_canceled(order, intent.id, dearer)
        return Progressed(resume=msgspec.json.encode(Progress(intent_id=intent.id)), evidence=evidence_of(reply))

    async def _confirm(self, order: Order, intent_id: str) -> CreateOutcome:
        seen = await self.finder.read(intent_id)
        if isinstance(seen, CannotTell):
            return OutcomeUnknown(provider_reference=intent_id, evidence=seen.evidence)
        if not self._is_about(order, seen.intent):
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence_of(seen.reply))
        if never_paid(seen.intent):
            return Rejected(code=ErrorCode.PROVIDER_REJECTED, retryable=True, evidence=evidence_of(seen.reply))
        if not awaits_confirmation(seen.intent):
            return await self._standing(order, seen)
        if (stop := _stop_of(seen.intent)) is not None:
            return await self._once_canceled(order, intent_id, _rejected(stop, evidence_of(seen.reply)))
        path = f"{INTENTS}/{url_quote(intent_id, safe='')}/confirm"
        reply = await self.client.do(path, wire.Nothing(), key=f"{order.rail_key}-confirm", share=DO_SHARE)
        if isinstance(reply, OutcomeUnknown):
            return OutcomeUnknown(provider_reference=intent_id, evidence=reply.evidence)
        if isinstance(reply, Rejected):
            return reply
        return await self._confirmed(order, intent_id, reply)

    async def _confirmed(self, order: Order, intent_id: str, reply: HttpReply) -> CreateOutcome:
        evidence = evidence_of(reply)
        if reply.status >= certainty.FIRST_REFUSAL:
            refusal = _known(reply)
            if refusal is None:
                return OutcomeUnknown(provider_reference=intent_id, evidence=evidence)
            return await self._once_canceled(order, intent_id, _rejected(refusal, evidence))
        intent = strict_json.try_decode(wire.INTENT, reply.body)
        if intent is None or intent.id != intent_id:
            return OutcomeUnknown(provider_reference=intent_id, evidence=evidence)
        if not self._is_about(order, intent):
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence)
        return await self._standing(order, Seen(intent=intent, reply=reply))

    async def _once_canceled(self, order: Order, intent_id: str, rejected: Rejected) -> Rejected | OutcomeUnknown:
        """A refusal, once the intent can never be confirmed by anything that is still on its way."""
        reply = await self.cancel_intent(intent_id, key=order.rail_key)
        told = None
        if isinstance(reply, HttpReply) and reply.status < certainty.FIRST_REFUSAL:
            told = strict_json.try_decode(wire.INTENT, reply.body)
        if told is not None and told.id == intent_id and never_paid(told):
            return rejected
        return OutcomeUnknown(provider_reference=intent_id, evidence=rejected.evidence)

    def _is_about(self, order: Order, intent: wire.Intent) -> bool:
        """Whether an intent is of this very order: its key, its amount, its recipient."""
        try:
            amount = amount_of(order.amount, self.assets)
        except AmountInvalid:
            return False
        return (
            (intent.metadata or {}).get(RAIL_KEY) == order.rail_key
            and intent.amount == amount
            and intent.to.recipient == order.destination.value
            and (not order.destination.memo or intent.to.payout_method == order.destination.memo)
        )

    async def _standing(self, order: Order, seen: Seen) -> CreateOutcome:
        """A confirmed intent as the outcome of the order."""
        name = seen.intent.id
        told = await self.finder.told(seen, order.rail_key)
        match told:
            case Found(observation=observation):
                match observation.status:
                    case ObservedStatus.PAID:
                        return Settled(provider_reference=name, fee=observation.fee, evidence=observation.evidence)
                    case ObservedStatus.UNKNOWN:
                        return OutcomeUnknown(provider_reference=name, evidence=observation.evidence)
                    case _:
                        return Accepted(provider_reference=name, evidence=observation.evidence)
            case Absent() | CannotTell():
                return OutcomeUnknown(provider_reference=name, evidence=told.evidence)
            case _:
                assert_never(told)


def refuse_bad(destination: Destination) -> None:
    """Raises `DestinationInvalid` for what is no recipient of Stripe's, or no payout method."""
    if not _recipient(destination.value):
        raise DestinationInvalid("a recipient at Stripe is written acct_...", field="destination.value")
    if destination.memo and not _payout_method(destination.memo):
        raise DestinationInvalid("a payout method at Stripe is written usba_... or the like", field="destination.memo")


def _stop_of(intent: wire.Intent) -> Refusal | None:
    """Why an intent must not be confirmed: its rate has ended, or the bank says that the account is somebody else's."""
    verified = intent.recipient_verification
    if verified is not None and verified.match_result == NO_MATCH:
        return Refusal(code=ErrorCode.DESTINATION_INVALID)
    return Refusal(code=ErrorCode.QUOTE_EXPIRED, retryable=True) if _rate_is_over(intent) else None


def _rate_is_over(intent: wire.Intent) -> bool:
    quote = intent.fx_quote
    if quote is None:
        return False
    ends = quote.lock_expires_at
    return quote.lock_status not in ACTIVE or (ends is not None and ends <= clock.now())


def _nothing_was_paid(outcome: Rejected | OutcomeUnknown) -> Rejected:
    """An intent that nobody confirms pays nobody: what is unknown of it is at worst forgotten."""
    if isinstance(outcome, Rejected):
        return outcome
    return Rejected(
        code=ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, scope=RejectionScope.PROVIDER, evidence=outcome.evidence
    )


def _refused(reply: HttpReply) -> Rejected | None:
    """A refusal of the data we sent; None for an answer that is not Stripe's."""
    refusal = _known(reply)
    if refusal is None and reply.status in REFUSED_DATA and names_of(reply):
        refusal = Refusal(code=ErrorCode.PROVIDER_REJECTED)
    return _rejected(refusal, evidence_of(reply)) if refusal is not None else None


def _known(reply: HttpReply) -> Refusal | None:
    return next((REFUSALS[name] for name in names_of(reply) if name in REFUSALS), None)


def _rejected(refusal: Refusal, evidence: Evidence) -> Rejected:
    return Rejected(code=refusal.code, retryable=refusal.retryable, scope=refusal.scope, evidence=evidence)
