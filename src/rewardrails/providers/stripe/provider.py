"""The adapter for Stripe Global Payouts: one payout intent for each attempt, confirmed once its id is stored."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from rewardrails import clock, ids
from rewardrails.domain.money import Money
from rewardrails.domain.observation import CannotTell, Observation, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Canceled, CancelOutcome, CreateOutcome, NotCancelable, OutcomeUnknown
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import AmountInvalid, DestinationInvalid, ErrorCode, RewardRailsError
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.base import Checked, Reference
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpReply
from rewardrails.providers.settings import base_url, credential, read_settings
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.check import look, money_in
from rewardrails.providers.stripe.client import INTENTS, StripeClient, evidence_of, names_of
from rewardrails.providers.stripe.lookup import Finder, Seen
from rewardrails.providers.stripe.mapping import (
    ALREADY_CANCELED,
    CANCELED,
    NOT_CANCELABLE,
    RAIL_KEY,
    awaits_confirmation,
    fee_of,
)
from rewardrails.providers.stripe.settings import ADDRESS, StripeSettings, capabilities_of
from rewardrails.providers.stripe.statement import pages
from rewardrails.providers.stripe.steps import Steps
from rewardrails.providers.stripe.webhook import read_event
from rewardrails.secrets import Secret

# Where no rate is locked, fees are estimates; nobody promises them for longer.
QUOTES_LAST = timedelta(minutes=5)


class StripeProvider:
    """One financial account at Stripe. Supports cancel, webhooks, balance, statement and check."""

    def __init__(self, context: ProviderContext) -> None:
        settings = read_settings(context, StripeSettings)
        self.name = context.name
        self.capabilities = capabilities_of(context, settings)
        self._configured = dict(context.assets)
        self._assets = {code: limits.exponent for code, limits in self.capabilities.assets.items()}
        self._live = context.environment is ProviderEnvironment.LIVE
        self._webhook_secret = credential(context, "webhook_secret")
        self._http = context.http
        self._client = StripeClient(
            http=context.http,
            base_url=base_url(context, settings.base_url or ADDRESS),
            authorization=Secret(f"Bearer {credential(context, 'api_key').reveal()}"),
            timeout_seconds=self.capabilities.call_timeout.total_seconds(),
        )
        self._finder = Finder(client=self._client, financial_account=settings.financial_account, assets=self._assets)
        self._steps = Steps(
            client=self._client,
            finder=self._finder,
            assets=self._assets,
            source_currency=settings.source_currency,
            statement_descriptor=settings.statement_descriptor,
        )

    async def quote(self, request: QuoteRequest) -> Quote:
        """An intent that is read and canceled: its estimated fees and locked rate, the fee in the asset of the amount.

        Raises `DestinationInvalid`, `AmountInvalid`, and `RewardRailsError` when Stripe does not quote, or asks for more than the
        configured fees allow.
        """
        amount = request.amount
        if amount.asset not in self._assets:
            raise DestinationInvalid(
                f"provider {self.name!r} does not pay {amount.asset}: is its exponent the one that Stripe uses?",
                field="destination",
                code=ErrorCode.DESTINATION_UNSUPPORTED,
            )
        key = ids.new_id().hex
        new = self._steps.new_intent(amount, request.destination, {"rewardrails_quote": key})
        reply = await self._client.do(INTENTS, new, key=key)
        told = None
        if isinstance(reply, HttpReply) and reply.status < certainty.FIRST_REFUSAL:
            told = strict_json.try_decode(wire.INTENT, reply.body)
        if told is None:
            raise self._unavailable("did not quote")
        await self._steps.cancel_intent(told.id, key=key)
        try:
            fee = fee_of(told, amount, self._assets)
        except AmountInvalid as error:
            raise self._unavailable("quoted something else") from error
        if fee.amount_minor > self.capabilities.fees.ceiling(amount.amount_minor, amount.asset):
            raise RewardRailsError(
                f"provider {self.name!r} charges more than its configured fees allow: raise providers.{self.name}.fees",
                code=ErrorCode.PROVIDER_REJECTED,
            )
        locked = told.fx_quote.lock_expires_at if told.fx_quote is not None else None
        return Quote(amount=amount, fee=fee, expires_at=locked or clock.now() + QUOTES_LAST, provider_quote_id=told.id)

    async def create_payout(self, order: Order) -> CreateOutcome:
        """The next of two steps: the intent, which is `Progressed`, and its confirmation."""
        return await self._steps.next(order)

    async def sync(self, reference: Reference) -> SyncResult:
        """The intent, by its id or in the list, and the payment that it made; one that is not confirmed is absent."""
        return await self._finder.sync(reference)

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """POST .../payout_intents/{id}/cancel, which Stripe allows until it works on the payment."""
        seen = await self._finder.find(reference)
        if isinstance(seen, CannotTell):
            return OutcomeUnknown(evidence=seen.evidence)
        if not isinstance(seen, Seen):
            return NotCancelable(evidence=seen.evidence)
        if (seen.intent.metadata or {}).get(RAIL_KEY) != reference.ref.rail_key or awaits_confirmation(seen.intent):
            return NotCancelable(evidence=evidence_of(seen.reply))
        return await self._cancel(seen.intent.id, reference.ref.rail_key)

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """What a delivery is about; raises `WebhookRefused`."""
        return read_event(request, self._webhook_secret, live=self._live)

    async def balance(self) -> Sequence[Money]:
        """What the financial account has available in configured currencies; raises `RewardRailsError`."""
        reply = await self._finder.account()
        account = self._finder.account_in(reply) if isinstance(reply, HttpReply) else None
        held = money_in(account, self._assets) if account is not None else None
        if held is None:
            raise self._unavailable("did not tell its balance")
        return held

    def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """The financial account's outbound payments of a time, whoever made them; raises `RewardRailsError`."""
        return pages(self.name, window, self._finder, self._assets)

    async def check(self) -> Sequence[Checked]:
        """Ask for the financial account and event destinations: credentials, permissions, money, clocks, webhooks."""
        return await look(self.name, self._finder, self._configured, is_live=self._live)

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()

    async def _cancel(self, intent_id: str, rail_key: str) -> CancelOutcome:
        reply = await self._steps.cancel_intent(intent_id, key=rail_key)
        if isinstance(reply, OutcomeUnknown):
            return reply
        if not isinstance(reply, HttpReply):
            return NotCancelable(code=reply.code, evidence=reply.evidence)
        names = names_of(reply)
        if NOT_CANCELABLE & set(names):
            return NotCancelable(evidence=evidence_of(reply))
        if ALREADY_CANCELED in names:
            return Canceled(evidence=evidence_of(reply))
        told = strict_json.try_decode(wire.INTENT, reply.body) if reply.status == 200 else None
        if told is None or told.id != intent_id or told.status != CANCELED:
            return OutcomeUnknown(evidence=evidence_of(reply))
        return Canceled(evidence=evidence_of(reply))

    def _unavailable(self, what: str) -> RewardRailsError:
        return RewardRailsError(f"provider {self.name!r} {what}: try again later", code=ErrorCode.PROVIDER_UNAVAILABLE)
