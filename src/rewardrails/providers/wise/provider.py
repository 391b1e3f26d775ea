"""The adapter for Wise Platform: one transfer for each attempt, under a UUID made of the attempt's key."""

from collections.abc import AsyncIterator, Sequence

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import CannotTell, Observation, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Canceled, CancelOutcome, CreateOutcome, NotCancelable, OutcomeUnknown
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import AmountInvalid, DestinationInvalid, ErrorCode, RewardRailsError
from rewardrails.providers import certainty, checks, strict_json
from rewardrails.providers.base import Checked, Reference
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.settings import base_url, credential, read_settings
from rewardrails.providers.wise import wire
from rewardrails.providers.wise.balances import balances_path, held, money_in
from rewardrails.providers.wise.client import WiseClient, errors_of, evidence_of
from rewardrails.providers.wise.lookup import Finder, Seen
from rewardrails.providers.wise.mapping import CANCELLED, codes_of, fee_of, transaction_id
from rewardrails.providers.wise.recipient import recipient_of
from rewardrails.providers.wise.settings import ADDRESSES, WiseSettings, capabilities_of, forms_of
from rewardrails.providers.wise.statement import pages
from rewardrails.providers.wise.steps import Steps
from rewardrails.providers.wise.webhook import public_key_of, read_event
from rewardrails.secrets import Secret

NOT_ALLOWED = "transfer.cancellation.not.allowed"


class WiseProvider:
    """One profile at Wise. Supports cancel, webhooks, balance, statement and check."""

    def __init__(self, context: ProviderContext) -> None:
        settings = read_settings(context, WiseSettings)
        self._forms = forms_of(context, settings)
        self.name = context.name
        self.capabilities = capabilities_of(context, settings, self._forms)
        self._exponents = dict(context.assets)
        self._webhook_key = public_key_of(settings.webhook_public_key, provider=context.name)
        self._http = context.http
        self._client = WiseClient(
            http=context.http,
            base_url=base_url(context, settings.base_url or ADDRESSES[context.environment]),
            authorization=Secret(f"Bearer {credential(context, 'api_token').reveal()}"),
            profile_id=settings.profile_id,
            timeout_seconds=self.capabilities.call_timeout.total_seconds(),
        )
        self._finder = Finder(client=self._client, exponents=self._exponents, funding=settings.funding)
        self._steps = Steps(
            client=self._client,
            finder=self._finder,
            forms=self._forms,
            exponents=self._exponents,
            source_currency=settings.source_currency,
            funding=settings.funding,
            reference=settings.reference,
        )

    async def quote(self, request: QuoteRequest) -> Quote:
        """POST /v3/profiles/{id}/quotes: Wise's own fee and locked rate, the fee in the asset of the amount.

        Raises `DestinationInvalid` naming the field at fault, and `RewardRailsError` when Wise does not quote, or asks
        for more than the configured fees allow.
        """
        amount = request.amount
        self._refuse_destination(request.destination, amount.asset)
        reply = await self._client.do(f"/v3/profiles/{self._client.profile_id}/quotes", self._steps.new_quote(amount))
        told = None
        if isinstance(reply, HttpReply) and reply.status < certainty.FIRST_REFUSAL:
            told = strict_json.try_decode(wire.QUOTE, reply.body)
        if told is None:
            raise self._unavailable("did not quote")
        try:
            fee = fee_of(told, amount, self._exponents)
        except AmountInvalid as error:
            raise self._unavailable("quoted something else") from error
        ceiling = self.capabilities.fees.ceiling(amount.amount_minor, amount.asset)
        if fee.amount_minor > ceiling:
            raise RewardRailsError(
                f"provider {self.name!r} charges more than its configured fees allow: raise providers.{self.name}.fees",
                code=ErrorCode.PROVIDER_REJECTED,
            )
        return Quote(amount=amount, fee=fee, expires_at=told.expiration_time, provider_quote_id=told.id)

    async def create_payout(self, order: Order) -> CreateOutcome:
        """The next of four steps: quote, recipient, transfer, payment; each but the last is `Progressed`."""
        return await self._steps.next(order)

    async def sync(self, reference: Reference) -> SyncResult:
        """GET /v1/transfers, by its number or in the list; one that is not paid for is absent."""
        return await self._finder.sync(reference)

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """PUT /v1/transfers/{id}/cancel, which Wise allows until the money is converted."""
        seen = await self._finder.find(reference)
        if isinstance(seen, CannotTell):
            return OutcomeUnknown(evidence=seen.evidence)
        if not isinstance(seen, Seen) or not _is(seen.transfer, reference):
            return NotCancelable(evidence=seen.evidence if not isinstance(seen, Seen) else evidence_of(seen.reply))
        try:
            reply = await self._client.call("PUT", f"/v1/transfers/{seen.transfer.id}/cancel")
        except NeverSent as error:
            evidence = certainty.cannot_ask(error).evidence
            return NotCancelable(code=ErrorCode.PROVIDER_UNAVAILABLE, evidence=evidence)
        except MaybeSent as error:
            return OutcomeUnknown(evidence=certainty.cannot_ask(error).evidence)
        if NOT_ALLOWED in codes_of(errors_of(reply)):
            return NotCancelable(evidence=evidence_of(reply))
        told = strict_json.try_decode(wire.TRANSFER, reply.body) if reply.status == 200 else None
        if told is None or told.id != seen.transfer.id or told.status != CANCELLED:
            return OutcomeUnknown(evidence=evidence_of(reply))
        return Canceled(evidence=evidence_of(reply))

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """What a delivery is about; raises `WebhookRefused`."""
        return read_event(request, self._webhook_key, profile_id=self._client.profile_id)

    async def balance(self) -> Sequence[Money]:
        """What the balances in configured currencies hold; raises `RewardRailsError`."""
        balances = await held(self._client)
        money = money_in(balances, self._exponents) if balances is not None else None
        if money is None:
            raise self._unavailable("did not tell its balance")
        return money

    def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """GET /v1/transfers of a time, whoever made them; raises `RewardRailsError`."""
        return pages(self.name, window, self._client, self._exponents)

    async def statement_names(self, references: Sequence[Reference]) -> Sequence[str]:
        """The UUID that is made of each attempt's key: the list says that, and not the key."""
        return [transaction_id(reference.ref.rail_key) for reference in references]

    async def check(self) -> Sequence[Checked]:
        """Ask for the balances: credentials, profile, permissions, clocks, money."""
        address = f"{self._client.base_url} (profile {self._client.profile_id})"
        reply = await self._client.look(balances_path(self._client))
        if not isinstance(reply, HttpReply):
            return [checks.unreachable(address, reply)]
        found = [*checks.answered(address, reply, permission="read the profile's balances")]
        balances = await held(self._client)
        return [*found, *checks.holdings(money_in(balances or (), self._exponents) or (), self._exponents)]

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()

    def _refuse_destination(self, destination: Destination, asset: str) -> None:
        form = self._forms.get(asset)
        if form is None:
            raise DestinationInvalid(
                f"nobody has said what a recipient in {asset} consists of: add providers.{self.name}.settings.recipients",
                field="destination",
                code=ErrorCode.DESTINATION_UNSUPPORTED,
            )
        recipient_of(destination, form, currency=asset, profile=self._client.profile_id)

    def _unavailable(self, what: str) -> RewardRailsError:
        return RewardRailsError(f"provider {self.name!r} {what}: try again later", code=ErrorCode.PROVIDER_UNAVAILABLE)


def _is(transfer: wire.Transfer, reference: Reference) -> bool:
    return transfer.customer_transaction_id == transaction_id(reference.ref.rail_key)
