"""The adapter for PayPal Payouts: a batch of one for each attempt, under a `sender_batch_id` that PayPal takes once."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from urllib.parse import quote as url_quote

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import CannotTell, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import (
    Accepted,
    CancelOutcome,
    CreateOutcome,
    NotCancelable,
    OutcomeUnknown,
    Rejected,
    RejectionScope,
    Settled,
)
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import AmountInvalid, ErrorCode, WebhookRefused
from rewardrails.providers import certainty, checks, statements
from rewardrails.providers.base import Checked, Reference
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.own_quote import own_quote
from rewardrails.providers.paypal import wire
from rewardrails.providers.paypal.answers import batch_in, canceled, evidence_of, problem_in, refused
from rewardrails.providers.paypal.certificates import Certificates
from rewardrails.providers.paypal.mapping import amount_of, duplicate_of, observation_of_batch
from rewardrails.providers.paypal.session import Deadline, NoToken, Session
from rewardrails.providers.paypal.settings import (
    ADDRESSES,
    CERTIFICATE_ORIGINS,
    PayPalSettings,
    RecipientType,
    capabilities_of,
    refuse_unsafe,
)
from rewardrails.providers.paypal.statement import pages
from rewardrails.providers.paypal.webhook import read_notice, read_signed
from rewardrails.providers.paypal.words import UNCLAIMED
from rewardrails.providers.settings import base_url, credential, read_settings

PAYOUTS = "/v1/payments/payouts"
ITEMS = "/v1/payments/payouts-item"
NOBODYS = "NOBODYS"
NO_NAME = "PayPal is asked by its own batch id, which this attempt has not been told."

NOT_FOUND = 404


class PayPalProvider:
    """One business account at PayPal. Supports cancel (of what is unclaimed), webhooks and check."""

    def __init__(self, context: ProviderContext) -> None:
        settings = read_settings(context, PayPalSettings)
        refuse_unsafe(context, settings)
        self.name = context.name
        self.capabilities = capabilities_of(context, settings)
        self._settings = settings
        self._exponents = {code: asset.exponent for code, asset in self.capabilities.assets.items()}
        self._http = context.http
        self._address = base_url(context, settings.base_url or ADDRESSES[context.environment])
        self._session = Session(
            context.http,
            self._address,
            client_id=credential(context, "client_id"),
            client_secret=credential(context, "client_secret"),
        )
        self._certificates = Certificates(
            context.http,
            origin=base_url(context, settings.certificate_origin or CERTIFICATE_ORIGINS[context.environment]),
            roots=settings.trusted_roots,
            known=settings.certificates,
        )

    async def quote(self, request: QuoteRequest) -> Quote:
        """Amount plus the most that the configured fee can be, computed here: PayPal quotes nothing."""
        return own_quote(request, self.capabilities.fees, ttl_seconds=self._settings.quote_ttl_seconds)

    async def create_payout(self, order: Order) -> CreateOutcome:
        """POST a batch of one; the same order makes the same bytes. Where its key is taken, the batch that has it is read."""
        if order.amount.asset not in self._exponents:
            return Rejected(code=ErrorCode.ASSET_UNSUPPORTED, retryable=False)
        body, deadline = wire.ENCODER.encode(self._new_batch(order)), self._deadline()
        try:
            reply = await self._session.call("POST", PAYOUTS, deadline, body=body)
        except NoToken as error:
            return Rejected(code=error.code, retryable=True, scope=RejectionScope.PROVIDER, evidence=error.evidence)
        except (NeverSent, MaybeSent) as error:
            return certainty.of_error(error)
        if reply.status < certainty.FIRST_REFUSAL:
            return self._taken(order, reply)
        problem = problem_in(reply)
        taken_by = duplicate_of(reply.status, problem)
        if taken_by is not None:
            return await self._duplicate(order, taken_by, reply, deadline)
        return refused(reply, problem)

    async def sync(self, reference: Reference) -> SyncResult:
        """GET the batch by PayPal's own id; before PayPal has told it, nothing can be asked."""
        if not reference.provider_reference:
            return CannotTell(code=ErrorCode.OUTCOME_UNKNOWN, evidence=Evidence(message=NO_NAME))
        try:
            reply = await self._session.ask(_path(reference), self._deadline())
        except NoToken as error:
            return CannotTell(code=error.code, evidence=error.evidence)
        except (NeverSent, MaybeSent) as error:
            return certainty.cannot_ask(error)
        batch = batch_in(reply)
        seen = self._observe(batch, reply) if batch is not None else None
        if seen is None or seen.rail_key != reference.ref.rail_key:
            return certainty.cannot_tell(reply, evidence_of(reply, problem_in(reply)))
        return Found(observation=seen)

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """POST a cancel for the item of the batch, if it is unclaimed; nothing else can be taken back."""
        if not reference.provider_reference:
            return OutcomeUnknown(evidence=Evidence(message=NO_NAME))
        deadline = self._deadline()
        try:
            reply = await self._session.ask(_path(reference), deadline)
            batch = batch_in(reply)
            seen = self._observe(batch, reply) if batch is not None else None
            if batch is None or seen is None or seen.rail_key != reference.ref.rail_key:
                return OutcomeUnknown(evidence=evidence_of(reply, problem_in(reply)))
            if not batch.items or batch.items[0].transaction_status != UNCLAIMED:
                return NotCancelable(evidence=seen.evidence)
            item_id = batch.items[0].payout_item_id
            answer = await self._session.call("POST", f"{ITEMS}/{item_id}/cancel", deadline)
        except NoToken as error:
            return OutcomeUnknown(evidence=error.evidence)
        except (NeverSent, MaybeSent) as error:
            return OutcomeUnknown(evidence=certainty.of_error(error).evidence)
        return canceled(item_id, answer)

    def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """Transaction Search for payouts, whoever made them; raises `RewardRailsError`."""
        return pages(self.name, window, self._exponents, self._ask)

    async def statement_names(self, references: Sequence[Reference]) -> Sequence[str]:
        """The transaction that each attempt's item became: a question for each, because PayPal's history says no name of ours."""
        return [await self._transaction(reference) if reference.provider_reference else "" for reference in references]

    async def check(self) -> Sequence[Checked]:
        """Ask for a batch that is not there: credentials, the permission for payouts, clocks."""
        try:
            reply = await self._session.ask(f"{PAYOUTS}/{NOBODYS}", self._deadline())
        except NoToken as error:
            do = "are client_id and client_secret those of this environment's app, whole and not revoked?"
            return [Checked(about="credentials", is_right=False, found=f"no access token ({error.code})", do=do)]
        except (NeverSent, MaybeSent) as error:
            return [checks.unreachable(self._address, error)]
        return [*checks.answered(self._address, reply, permission="use Payouts", also_right=frozenset({404}))]

    async def fetch_keys(self, request: WebhookRequest) -> None:
        """Fetch the certificate that a delivery names, if it is one of PayPal's and not known yet."""
        try:
            signed = read_signed(request)
        except WebhookRefused:
            return
        await self._certificates.learn(signed.certificate_url)

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """What a delivery says; raises `WebhookRefused`."""
        return read_notice(request, self._settings.webhook_id, self._certificates, self._exponents)

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()

    async def _ask(self, path: str) -> HttpReply:
        try:
            return await self._session.ask(path, self._deadline())
        except (NoToken, NeverSent, MaybeSent) as error:
            raise statements.not_told(self.name) from error

    async def _transaction(self, reference: Reference) -> str:
        reply = await self._ask(_path(reference))
        batch = batch_in(reply)
        if batch is None and reply.status != NOT_FOUND:
            raise statements.not_told(self.name, status=reply.status)
        return batch.items[0].transaction_id if batch is not None and batch.items else ""

    def _deadline(self) -> Deadline:
        return Deadline(self.capabilities.call_timeout.total_seconds())

    def _new_batch(self, order: Order) -> wire.NewBatch:
        return wire.NewBatch(
            sender_batch_header=wire.NewHeader(
                sender_batch_id=order.rail_key,
                email_subject=self._settings.email_subject,
                email_message=self._settings.email_message,
            ),
            items=(
                wire.NewItem(
                    recipient_type=self._settings.recipient_type.value,
                    receiver=order.destination.value,
                    amount=amount_of(order.amount, self._exponents),
                    sender_item_id=order.rail_key,
                ),
            ),
        )

    async def _duplicate(self, order: Order, batch_id: str, refusal: HttpReply, deadline: Deadline) -> CreateOutcome:
        """The key is taken, which is no refusal: what bears it tells whether it is this very order."""
        evidence = evidence_of(refusal, problem_in(refusal))
        if not batch_id:
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence)
        try:
            reply = await self._session.ask(f"{PAYOUTS}/{batch_id}", deadline)
        except (NoToken, NeverSent, MaybeSent):
            return OutcomeUnknown(provider_reference=batch_id, evidence=evidence)
        if reply.status != 200:
            return OutcomeUnknown(provider_reference=batch_id, evidence=evidence)
        return self._taken(order, reply, is_whole=True)

    def _taken(self, order: Order, reply: HttpReply, *, is_whole: bool = False) -> CreateOutcome:
        """A batch of PayPal's: Settled or Accepted if it is about this very order, unknown otherwise.

        `is_whole`: the answer shows the amount, as the one to a creation does not.
        """
        batch = batch_in(reply)
        seen = self._observe(batch, reply) if batch is not None else None
        if batch is None or seen is None:
            return OutcomeUnknown(evidence=certainty.evidence_of(reply))
        name, evidence = seen.provider_reference, seen.evidence
        if seen.rail_key != order.rail_key or (seen.amount is not None and seen.amount != order.amount):
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence)
        if batch.items and not self._is_same(batch.items[0].payout_item.receiver, order.destination):
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence)
        if seen.status is ObservedStatus.PAID:
            return Settled(provider_reference=name, fee=seen.fee, evidence=evidence)
        if seen.status is ObservedStatus.UNKNOWN or (is_whole and seen.amount is None):
            return OutcomeUnknown(provider_reference=name, evidence=evidence)
        return Accepted(provider_reference=name, evidence=evidence)

    def _is_same(self, receiver: str, destination: Destination) -> bool:
        if self._settings.recipient_type is RecipientType.EMAIL:
            return receiver.casefold() == destination.value.casefold()
        return receiver == destination.value

    def _observe(self, batch: wire.BatchReply, reply: HttpReply) -> Observation | None:
        status = batch.batch_header.batch_status
        fault = batch.items[0].errors if batch.items else None
        if batch.items:
            status = f"{status}, item {batch.items[0].transaction_status}"
        evidence = replace(
            evidence_of(reply, None),
            provider_status=status,
            provider_code=fault.name if fault else "",
            message=fault.message if fault else "",
        )
        try:
            return observation_of_batch(batch, self._exponents, evidence)
        except AmountInvalid:
            return None


def _path(reference: Reference) -> str:
    return f"{PAYOUTS}/{url_quote(reference.provider_reference, safe='')}"
