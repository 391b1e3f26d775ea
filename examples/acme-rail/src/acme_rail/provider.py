"""The calls to Acme, and what Acme promises."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar
from urllib.parse import quote as url_quote

import msgspec

from acme_rail.mapping import new_transfer, observation_of, refusal_of
from acme_rail.webhook import read_notice
from acme_rail.wire import BULK_RESULT, ENCODER, FAILURE, FLOAT, LISTING, TRANSFER, Bulk, Transfer
from rewardrails import clock
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import (
    Accepted,
    Canceled,
    CancelOutcome,
    CreateOutcome,
    NotCancelable,
    OutcomeUnknown,
    Rejected,
    Settled,
)
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import (
    AssetLimits,
    Capabilities,
    Dedupe,
    KeyFormat,
    Lookup,
    ProviderType,
    WebhookTrust,
)
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.settings import base_url, credential, read_settings
from rewardrails.secrets import Secret

QUOTE_HOLDS = timedelta(minutes=15)
T = TypeVar("T")


class AcmeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where Acme is."""

    base_url: str


class AcmeProvider:
    """One account at Acme. Supports cancel, batches, webhooks and balance."""

    def __init__(self, context: ProviderContext) -> None:
        settings = read_settings(context, AcmeSettings)
        self.name = context.name
        self.capabilities = _capabilities(context)
        self._base_url = base_url(context, settings.base_url)
        self._authorization = Secret(f"Acme {credential(context, 'api_key').reveal()}")
        self._webhook_secret = credential(context, "webhook_secret")
        self._http = context.http

    async def quote(self, request: QuoteRequest) -> Quote:
        """Acme charges the same for every transfer; it is part of the configuration."""
        fee = self.capabilities.fees.ceiling(request.amount.amount_minor, request.amount.asset)
        return Quote(
            amount=request.amount,
            fee=Money(amount_minor=fee, asset=request.amount.asset),
            expires_at=clock.now() + QUOTE_HOLDS,
        )

    async def create_payout(self, order: Order) -> CreateOutcome:
        """POST /transfers under the attempt's key."""
        try:
            reply = await self._call("POST", "/transfers", body=ENCODER.encode(new_transfer(order)), key=order.rail_key)
        except (NeverSent, MaybeSent) as error:
            return certainty.of_error(error)
        line = certainty.of_status(reply, certainty.evidence_of(reply))
        if line is not None:
            return line
        if reply.status >= certainty.FIRST_REFUSAL:
            return _refused(reply)
        return _taken(order, _decode(TRANSFER, reply), certainty.evidence_of(reply))

    async def create_payouts(self, orders: Sequence[Order]) -> Sequence[CreateOutcome]:
        """POST /transfers/bulk; every member is known again by its own reference."""
        bulk = Bulk([new_transfer(order) for order in orders])
        try:
            reply = await self._call("POST", "/transfers/bulk", body=ENCODER.encode(bulk), key=orders[0].rail_key)
        except (NeverSent, MaybeSent) as error:
            return [certainty.of_error(error)] * len(orders)
        evidence = certainty.evidence_of(reply)
        line = certainty.of_status(reply, evidence)
        if line is not None:
            return [line] * len(orders)
        if reply.status >= certainty.FIRST_REFUSAL:
            return [_refused(reply)] * len(orders)
        result = _decode(BULK_RESULT, reply)
        if result is None or len(result.items) != len(orders):
            return [OutcomeUnknown(evidence=evidence)] * len(orders)
        return [
            _taken(order, item.transfer, evidence) if item.transfer else refusal_of(item.reason, evidence)
            for order, item in zip(orders, result.items, strict=True)
        ]

    async def sync(self, reference: Reference) -> SyncResult:
        """By Acme's id where we know it, else by our reference."""
        known = reference.provider_reference
        path = f"/transfers/{url_quote(known, safe='')}" if known else f"/transfers?client_ref={reference.ref.rail_key}"
        try:
            reply = await self._call("GET", path)
        except (NeverSent, MaybeSent) as error:
            return certainty.cannot_ask(error)
        evidence = certainty.evidence_of(reply)
        if reply.status != 200:
            return certainty.cannot_tell(reply, evidence)
        if known:
            transfer = _decode(TRANSFER, reply)
            return Found(observation=_observe(transfer, reply)) if transfer else certainty.cannot_tell(reply, evidence)
        return _listed(reference, reply)

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """DELETE /transfers/{id}; without Acme's id there is nothing to delete."""
        if not reference.provider_reference:
            return OutcomeUnknown(evidence=Evidence(message="Acme has not named this transfer yet."))
        try:
            reply = await self._call("DELETE", f"/transfers/{url_quote(reference.provider_reference, safe='')}")
        except NeverSent:
            return NotCancelable()
        except MaybeSent as error:
            return OutcomeUnknown(evidence=certainty.of_error(error).evidence)
        evidence = certainty.evidence_of(reply)
        failure = _decode(FAILURE, reply)
        if reply.status == 409 and failure is not None and failure.reason == "already_sent":
            return NotCancelable(evidence=evidence)
        transfer = _decode(TRANSFER, reply) if reply.status == 200 else None
        if transfer is None or (transfer.client_ref, transfer.state) != (reference.ref.rail_key, "withdrawn"):
            return OutcomeUnknown(evidence=evidence)
        return Canceled(evidence=evidence)

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """What a notice says; raises `WebhookRefused`."""
        return read_notice(request, self._webhook_secret)

    async def balance(self) -> Sequence[Money]:
        """What Acme holds for us; raises `RewardRailsError` when it does not say."""
        try:
            reply = await self._call("GET", "/float")
        except (NeverSent, MaybeSent) as error:
            raise self._no_balance() from error
        held = _decode(FLOAT, reply) if reply.status == 200 else None
        if not held:
            raise self._no_balance()
        return [Money(amount_minor=cents, asset=asset) for asset, cents in held.items()]

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()

    async def _call(self, method: str, path: str, *, body: bytes | None = None, key: str = "") -> HttpReply:
        headers: dict[str, str | Secret] = {"Authorization": self._authorization}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Acme-Idempotency"] = key
        return await self._http.request(
            method,
            f"{self._base_url}{path}",
            headers=headers,
            body=body,
            timeout_seconds=self.capabilities.call_timeout.total_seconds(),
        )

    def _no_balance(self) -> RewardRailsError:
        return RewardRailsError(
            f"provider {self.name!r} did not tell its balance: try again later", code=ErrorCode.PROVIDER_UNAVAILABLE
        )


def _capabilities(context: ProviderContext) -> Capabilities:
    return Capabilities(
        provider_type=ProviderType.FIAT_PROVIDER,
        dedupe=Dedupe.REPLAY,
        dedupe_window=timedelta(hours=24),
        key_format=KeyFormat(max_length=64, alphabet="0123456789abcdef-"),
        lookup=Lookup.OUR_REFERENCE,
        lookup_is_authoritative=True,
        lookup_lag=timedelta(minutes=1),
        webhooks=WebhookTrust.SIGNED_FULL,
        batch_limit=20,
        cancel_from=frozenset({"pending"}),
        reversal_horizon=timedelta(days=10),
        assets={code: AssetLimits(exponent=exponent, min_minor=10) for code, exponent in context.assets.items()},
        destination_kinds=frozenset({"iban"}),
        fees=context.fees,
        max_in_flight=context.max_in_flight or 20,
        call_timeout=timedelta(seconds=context.call_timeout_seconds or 15.0),
    )


def _refused(reply: HttpReply) -> Rejected | OutcomeUnknown:
    failure = _decode(FAILURE, reply)
    reason = failure.reason if failure is not None else ""
    return refusal_of(reason, certainty.evidence_of(reply, provider_code=reason))


def _taken(order: Order, transfer: Transfer | None, evidence: Evidence) -> CreateOutcome:
    """Taken only if the answer is about this very order."""
    if transfer is None:
        return OutcomeUnknown(evidence=evidence)
    seen = observation_of(transfer, evidence)
    if (seen.rail_key, seen.amount, seen.destination) != (order.rail_key, order.amount, order.destination):
        return OutcomeUnknown(evidence=evidence)
    match seen.status:
        case ObservedStatus.PAID:
            return Settled(provider_reference=transfer.id, evidence=evidence)
        case ObservedStatus.PENDING:
            return Accepted(provider_reference=transfer.id, evidence=evidence)
        case _:
            return OutcomeUnknown(provider_reference=transfer.id, evidence=evidence)


def _listed(reference: Reference, reply: HttpReply) -> SyncResult:
    evidence = certainty.evidence_of(reply)
    listing = _decode(LISTING, reply)
    if listing is None:
        return certainty.cannot_tell(reply, evidence)
    match listing.transfers:
        case []:
            return Absent(evidence=evidence)
        case [only]:
            return Found(observation=_observe(only, reply))
        case _:
            several = Observation(
                status=ObservedStatus.UNKNOWN,
                rail_key=reference.ref.rail_key,
                code=ErrorCode.DUPLICATE_CONFLICT,
                evidence=evidence,
            )
            return Found(observation=several)


def _observe(transfer: Transfer, reply: HttpReply) -> Observation:
    evidence = certainty.evidence_of(reply, provider_status=transfer.state, provider_code=transfer.reason)
    return observation_of(transfer, evidence)


def _decode(decoder: msgspec.json.Decoder[T], reply: HttpReply) -> T | None:
    try:
        return strict_json.decode(decoder, reply.body)
    except msgspec.DecodeError:
        return None
